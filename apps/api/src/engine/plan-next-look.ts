/**
 * When a maildrop is looked at again. Pure. What the person chose is the usual distance; it is shorter while mail comes and
 * somebody is there, longer at night when nobody is, and never shorter than the server allows.
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
  /** 0 to 1, for the spread. */
  random: number
}

/** Nobody is served by more: most servers answer a look in a tenth of a second, and some count them. */
const leastMs = 60_000
const nightFactor = 3
/** A thousand accounts that started together drift apart within a few looks. */
const spread = 0.1

export const planNextLook = (facts: LookFacts): { delayMs: number; reason: string } => {
  const { everyMs, hasArrived, isPresent, hour, loginDelayMs, random } = facts
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
  const spreadMs = boundedMs * (1 + spread * (2 * random - 1))
  const least = loginDelayMs ?? 0
  return spreadMs < least
    ? { delayMs: least, reason: 'the server allows no more' }
    : { delayMs: Math.round(spreadMs), reason }
}
