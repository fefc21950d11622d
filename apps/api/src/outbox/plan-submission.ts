import { type ErrorCode, errorTable } from '@postern/shared/error-codes.ts'

/**
 * How a mail goes out, one batch of recipients at a time. Pure. Sent at most once after its end left:
 *
 *   queued -> leased -> connected -> committing -> sent
 *     ^  \        \          \            |-> deferred   the server said 4yz to the end: it has nothing
 *     |   \        \          \           |-> failed     it said 5yz
 *     |    \        \          \          +-> in_doubt   no answer: it may have it
 *     |     +--------+----------+-> deferred | failed    nothing of its end had left
 *     +---- deferred, when it is due
 *
 * `committing` is on disk before the last octets leave. Whatever is found in it by somebody else than who wrote it is in doubt;
 * what is found before it can be sent again, as no server has seen its end. Only a person, or evidence, ends a doubt.
 */
export const batchStates = [
  'queued',
  'leased',
  'connected',
  'committing',
  'sent',
  'deferred',
  'failed',
  'in_doubt',
  'cancelled',
] as const
export type BatchState = (typeof batchStates)[number]

export const batchTransitions: Record<BatchState, readonly BatchState[]> = {
  queued: ['leased', 'cancelled', 'failed'],
  leased: ['connected', 'queued', 'deferred', 'failed'],
  connected: ['committing', 'queued', 'deferred', 'failed'],
  committing: ['sent', 'deferred', 'failed', 'in_doubt'],
  deferred: ['leased', 'queued', 'cancelled', 'failed'],
  in_doubt: ['sent', 'queued', 'cancelled'],
  failed: ['queued', 'cancelled'],
  sent: [],
  cancelled: [],
}

/** What was under way when its owner died. */
export const afterLoss = (state: BatchState): BatchState | null => {
  if (state === 'committing') return 'in_doubt'
  return state === 'leased' || state === 'connected' ? 'queued' : null
}

/** Told to the person after this, given up after that. */
export const tellAfterMs = 15 * 60_000
export const giveUpAfterMs = 24 * 3_600_000
const fewestAttempts = 6

export type Attempt =
  | { kind: 'accepted' }
  /** The server's word. RFC 5321 4.2.1: 4yz may do later, 5yz never. */
  | { kind: 'refused'; code: number }
  | { kind: 'lost'; isCommitted: boolean }
  /** Nothing was sent: a limit known before, an address that cannot be. */
  | { kind: 'impossible' }
  /** The login is refused: whoever has the password must act; what waits stays. */
  | { kind: 'parked' }
  /** Its turn comes later: nobody was asked. */
  | { kind: 'early'; dueInMs: number }

/** A refusal at the door that waiting does not mend: a password, a certificate. Asked again and again, providers lock people out. */
export const needsPerson = (code: ErrorCode): boolean =>
  code === 'relay.missing' || code === 'relay.refused' || (/^(login|tls)\./.test(code) && !errorTable[code].retry)

/** What stops one mail at the door stops all of its account, until somebody acts or a while has passed: not each has to ask there. */
export const stopsAll = (code: ErrorCode): boolean =>
  needsPerson(code) || code === 'relay.limit' || code === 'login.unavailable'

/** What an attempt makes of a batch. */
export const planAfterAttempt = (
  attempt: Attempt,
  { queuedForMs, attempts }: { queuedForMs: number; attempts: number },
): { state: BatchState; reason: string } => {
  switch (attempt.kind) {
    case 'accepted':
      return { state: 'sent', reason: 'the server has it' }
    case 'impossible':
      return { state: 'failed', reason: 'it cannot be sent as it is' }
    case 'early':
      return { state: 'deferred', reason: 'its turn comes later' }
    case 'parked':
      break
    case 'lost':
      if (attempt.isCommitted) return { state: 'in_doubt', reason: 'no answer came to its end' }
      break
    case 'refused':
      if (attempt.code >= 500) return { state: 'failed', reason: 'the server said no' }
  }
  // A day in which nobody was here to try is none.
  return queuedForMs >= giveUpAfterMs && attempts >= fewestAttempts
    ? { state: 'failed', reason: 'it was tried for a day' }
    : { state: 'deferred', reason: 'it is tried again' }
}

const firstRetryMs = 30_000
const longestRetryMs = 3_600_000

/** Twice as long each time, with some chance so that many do not come at once. `chance`: 0 to 1. */
export const retryDelayMs = (attempts: number, chance: number): number =>
  Math.min(longestRetryMs, firstRetryMs * 2 ** Math.max(0, attempts - 1)) * (0.75 + 0.5 * chance)

/** What a person sees of the whole mail. */
export type SubmissionState =
  | 'scheduled'
  | 'queued'
  | 'sending'
  | 'deferred'
  | 'sent'
  | 'partly_sent'
  | 'failed'
  | 'in_doubt'
  | 'cancelled'

export const stateOfAll = (states: readonly string[], isHeld: boolean): SubmissionState => {
  const has = (...wanted: BatchState[]) => states.some((state) => wanted.some((one) => one === state))
  if (has('in_doubt')) return 'in_doubt'
  if (has('leased', 'connected', 'committing')) return 'sending'
  if (has('deferred')) return 'deferred'
  if (has('queued')) return isHeld ? 'scheduled' : 'queued'
  if (has('failed')) return has('sent') ? 'partly_sent' : 'failed'
  return has('sent') ? 'sent' : 'cancelled'
}
