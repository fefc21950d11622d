/** A time by the clock of a place: `2026-12-24T09:30` in `Europe/Lisbon`. */
export type WallTime = { wallTime: string; zone: string }

const hourMs = 3_600_000

/**
 * When that clock shows that time. Where it is put forward past it, as much later; where it shows it twice, the first time. Null:
 * there is no such day, or no such place.
 */
export const instantOf = ({ wallTime, zone }: WallTime): Date | null => {
  const shown = Date.parse(`${wallTime}:00Z`)
  const clock = clockOf(zone)
  // A 31st of February is another day to the parser.
  if (!clock || Number.isNaN(shown) || new Date(shown).toISOString().slice(0, 16) !== wallTime) return null
  // No clock is changed twice within two days.
  const before = offsetMs(clock, shown - 24 * hourMs)
  const after = offsetMs(clock, shown + 24 * hourMs)
  const candidates = [shown - before, shown - after].filter((at) => at + offsetMs(clock, at) === shown)
  return new Date(candidates.length > 0 ? Math.min(...candidates) : shown - before)
}

/** East of Greenwich, minutes. */
export const zoneMinutesAt = (zone: string, at: Date): number => {
  const clock = clockOf(zone)
  return clock ? Math.round(offsetMs(clock, at.getTime()) / 60_000) : 0
}

const clockOf = (zone: string): Intl.DateTimeFormat | null => {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return null
  }
}

const offsetMs = (clock: Intl.DateTimeFormat, at: number): number => {
  const part = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000
}
