/**
 * When a maildrop is looked at again. Pure. What the person chose is the usual distance; it is shorter while mail comes and
 * somebody is there, longer at night when nobody is, and never shorter than the server allows. Mail that goes at the provider as
 * soon as it is here has a look right after the one that brought it.
 */
export type LookFacts = {
  everyMs: number
  /** The last look brought mail. */
  hasArrived: boolean
  /** Somebody has the account on a screen. */
  isPresent: boolean
  /** Hours of the installation's clock, 0-23. */
  hour: number
  /** The server's LOGIN-DELAY (RFC 2449 6.5), or null. */
  loginDelayMs: number | null
  now: Date
  /**
   * What came is to go at the provider, which takes a session of its own (RFC 1939): so soon. Null: nothing is, or a session for
   * that has just been.
   */
  removalMs: number | null
  /** Where in the distance between two looks this account has its place, 0 to 1. Null: that is no matter. */
  place: number | null
}

/** Nobody is served by more: most servers answer a look in a tenth of a second, and some count them. */
const leastMs = 60_000
const nightFactor = 3
/** So much of the distance a look moves towards its place: all are there after five. */
const step = 0.1

/** Places of accounts one after another are as far from each other as can be, however many there are. */
export const placeOf = (accountId: bigint): number => (Number(accountId % 1_000_000n) * 0.618_033_988_749_895) % 1

export const planNextLook = (facts: LookFacts): { delayMs: number; reason: string } => {
  const { everyMs, hasArrived, isPresent, hour, loginDelayMs, removalMs, now, place } = facts
  if (removalMs !== null)
    return { delayMs: Math.max(removalMs, loginDelayMs ?? 0), reason: 'what came is to go at the provider' }
  const isNight = hour < 6 && !isPresent
  const [wantedMs, reason] =
    isPresent && hasArrived
      ? [everyMs / 4, 'mail comes and somebody is there']
      : isPresent || hasArrived
        ? [everyMs / 2, isPresent ? 'somebody is there' : 'mail comes']
        : isNight
          ? [everyMs * nightFactor, 'nobody is there at night']
          : [everyMs, 'as chosen']
  // Who asked for more than the least has it.
  const boundedMs = Math.max(wantedMs, Math.min(leastMs, everyMs))
  const spreadMs = boundedMs + (place === null ? 0 : towardsPlace(now.getTime() + boundedMs, place, boundedMs))
  const least = loginDelayMs ?? 0
  return spreadMs < least
    ? { delayMs: least, reason: 'the server allows no more' }
    : { delayMs: Math.round(spreadMs), reason }
}

/** The way from a time to the nearest that is at this place of the distance, a step of it at most. */
const towardsPlace = (atMs: number, place: number, distanceMs: number): number => {
  const behindMs = (((place * distanceMs - atMs) % distanceMs) + distanceMs) % distanceMs
  const wayMs = behindMs > distanceMs / 2 ? behindMs - distanceMs : behindMs
  return Math.min(step * distanceMs, Math.max(-step * distanceMs, wayMs))
}
