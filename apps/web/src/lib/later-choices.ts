import type { WallTime } from '@postern/shared/submissions.ts'

/** Times to send later, by the clock of the reader's place: no change of that clock moves them. */
export type LaterChoice = { kind: 'today' | 'tonight' | 'tomorrow' | 'monday'; wallTime: string }

const evening = 18
const night = 21
const morning = 8

/** Sensible ones from now on, soonest first. */
export const laterChoices = (now: Date, zone: string): LaterChoice[] => {
  const wall = wallAt(now, zone)
  const hour = Number(wall.slice(11, 13))
  const day = wall.slice(0, 10)
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay()
  const monday = (8 - weekday) % 7 || 7
  return [
    ...(hour < evening - 1 ? [{ kind: 'today' as const, wallTime: at(day, 0, evening) }] : []),
    ...(hour >= evening - 1 && hour < night - 1 ? [{ kind: 'tonight' as const, wallTime: at(day, 0, night) }] : []),
    { kind: 'tomorrow', wallTime: at(day, 1, morning) },
    ...(monday > 1 ? [{ kind: 'monday' as const, wallTime: at(day, monday, morning) }] : []),
  ]
}

/** What a clock in that zone shows: 2026-12-24T09:30. */
export const wallAt = (instant: Date, zone: string): string => {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(instant)
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}`
}

export const isPast = ({ wallTime, zone }: WallTime, now: Date): boolean => wallTime <= wallAt(now, zone)

export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** As it is read: the clock's own figures, whatever zone the reader is in. */
export const writeWallTime = (wallTime: string): string =>
  new Intl.DateTimeFormat(undefined, {
    timeZone: 'UTC',
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: 'numeric',
    minute: '2-digit',
  }).format(new Date(`${wallTime}:00Z`))

/** Of the same, what its clock shows. */
export const clockOf = (wallTime: string): string =>
  new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', hour: 'numeric', minute: '2-digit' }).format(
    new Date(`${wallTime}:00Z`),
  )

/** Dates are counted without clocks, so that no day is longer than another. */
const at = (day: string, days: number, hour: number): string => {
  const date = new Date(`${day}T00:00:00Z`)
  date.setUTCDate(date.getUTCDate() + days)
  return `${date.toISOString().slice(0, 10)}T${String(hour).padStart(2, '0')}:00`
}
