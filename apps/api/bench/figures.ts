/** What the bench prints: one JSON object a line. `floor` and `ratio` are of the same run; null where there is none. */
export type Figure = {
  name: string
  n: number
  p50: number
  p95: number
  unit: string
  floor: number | null
  ratio: number | null
  target: number | null
  met: boolean | null
}

/** What the target is held against: the median, its distance from the floor, its ratio to it; or the same of the 95th percentile. */
export type Judged = 'p50' | 'over-floor' | 'ratio' | 'p95' | 'p95-over-floor' | 'p95-ratio'
export type Goal = { target: number; judge?: Judged }

export const percentile = (samples: number[], share: number): number => {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
const round = (value: number): number => Math.round(value * 100) / 100

export const toFigure = (
  name: string,
  samples: number[],
  unit: string,
  { floor, goal }: { floor?: number | undefined; goal?: Goal | undefined } = {},
): Figure => {
  const p50 = percentile(samples, 0.5)
  const p95 = percentile(samples, 0.95)
  const judge = goal?.judge ?? 'p50'
  const ratio = (judge.startsWith('p95') ? p95 : p50) / (floor ?? Number.NaN)
  const judged: Record<Judged, number> = {
    p50,
    p95,
    ratio,
    'p95-ratio': ratio,
    'over-floor': p50 - (floor ?? Number.NaN),
    'p95-over-floor': p95 - (floor ?? Number.NaN),
  }
  return {
    name,
    n: samples.length,
    p50: round(p50),
    p95: round(p95),
    unit,
    floor: floor === undefined ? null : round(floor),
    ratio: floor === undefined ? null : round(ratio),
    target: goal?.target ?? null,
    met: goal === undefined ? null : judged[judge] <= goal.target,
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** Milliseconds that `work` took. */
export const time = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

/** Asks until `isDone`; every scenario is bounded by such a limit. */
export const until = async (isDone: () => Promise<boolean>, what: string, withinMs: number, everyMs = 50) => {
  const deadline = performance.now() + withinMs
  while (!(await isDone())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${withinMs / 1000} s`)
    await sleep(everyMs)
  }
}
