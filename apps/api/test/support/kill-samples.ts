import type { Moment } from './kill-points.ts'

/**
 * Which moments of a run are killed at: a few, evenly spread; FULL_KILL_SWEEP=1/1 tries them all, 3/10 the third tenth of
 * them.
 */
const [slice = 0, slices = 0] = (process.env.FULL_KILL_SWEEP ?? '').split('/').map(Number)
export const isFullSweep = slices > 0
export const sweepWords = isFullSweep ? `slice ${slice} of ${slices}` : 'a sample; FULL_KILL_SWEEP=1/1 tries them all'

export type NamedMoment = Exclude<Moment, number | RegExp>

/** Each by its name, and the how manieth of that name. */
export const named = (passed: string[]): NamedMoment[] =>
  passed.map((name, at) => ({ name, nth: passed.slice(0, at + 1).filter((other) => other === name).length }))

/** Those that came in every one of several runs of the same. */
export const inEach = ([first = [], ...others]: NamedMoment[][]): NamedMoment[] =>
  first.filter((one) => others.every((run) => run.some(({ name, nth }) => name === one.name && nth === one.nth)))

export const chooseMoments = (moments: NamedMoment[], samples: number): NamedMoment[] =>
  isFullSweep
    ? moments.filter((_, at) => at % slices === slice % slices)
    : moments.filter((_, at) =>
        Array.from({ length: samples }, (_n, n) => Math.floor(((n + 0.5) * moments.length) / samples)).includes(at),
      )

/** Before and after each is killed at, so that N is half of what has these names. */
export const stepsIn = (moments: NamedMoment[]): number =>
  moments.filter(({ name }) => name.startsWith('before ')).length

/**
 * Of the moments tried, so many must have come, by their names: what runs beside is not cut into the same steps each time. The
 * dearest is that a sweep looks whole and was not.
 */
export const leastReached = (tried: number): number => Math.ceil(tried * (isFullSweep ? 0.95 : 0.6))
