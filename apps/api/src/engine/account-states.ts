import type { AccountState } from '@postern/shared/accounts.ts'
import type { AppError } from '#platform/errors.ts'

/**
 * The account worker's machine.
 *
 *   new --------> connecting --> syncing --> watching
 *                  ^    |  \        |           |
 *       wake/retry |    |   \-------+-----------+--> waiting (retries at retryAt by itself)
 *                  +----+---------------------------/
 *                       +--> needs_person (until the account is edited or "sync now")
 *   any --> paused | disconnected (by the person; the worker ends)
 *
 * A polled account is `watching` between two looks, and a look that finds little leaves it there.
 */
export const accountTransitions: Record<AccountState, AccountState[]> = {
  new: ['connecting', 'paused', 'disconnected', 'waiting', 'needs_person'],
  connecting: ['syncing', 'waiting', 'needs_person', 'connecting', 'paused', 'disconnected'],
  syncing: ['watching', 'waiting', 'needs_person', 'connecting', 'paused', 'disconnected'],
  watching: ['watching', 'syncing', 'waiting', 'needs_person', 'connecting', 'paused', 'disconnected'],
  waiting: ['connecting', 'needs_person', 'paused', 'disconnected', 'waiting'],
  needs_person: ['connecting', 'paused', 'disconnected', 'needs_person', 'waiting'],
  paused: ['connecting', 'disconnected', 'paused'],
  disconnected: ['connecting', 'new'],
}

/** What follows a failure: wait and try again, or ask the person. Pure. */
export type FailurePlan =
  | { kind: 'retry'; delayMs: number; reason: string }
  | { kind: 'askPerson'; reason: string }
  | { kind: 'leave'; reason: string }
export type FailureHistory = {
  /** This account has signed in before. */
  hasWorked: boolean
  /** Refused passwords since the last good sign-in, this one included. */
  loginFailures: number
  /** Delay chosen by the back-off. */
  backoffMs: number
  passwordRetryMs: number
}

const passwordTries = 3

export const planAfterFailure = (error: AppError, history: FailureHistory): FailurePlan => {
  if (error.code === 'lease.lost') return { kind: 'leave', reason: 'another process has the account' }
  if (error.code === 'login.failed') {
    const mayRetry = history.hasWorked && history.loginFailures < passwordTries
    return mayRetry
      ? { kind: 'retry', delayMs: history.passwordRetryMs, reason: 'the password worked before' }
      : { kind: 'askPerson', reason: 'the password is refused' }
  }
  if (
    /^(login\.(app_password|no_passwords|method)|tls\.(name|expired|untrusted|pin_changed|starttls_missing)|mailbox\.broken|account\.|config\.)/.test(
      error.code,
    )
  )
    return { kind: 'askPerson', reason: error.code }
  return { kind: 'retry', delayMs: Math.max(history.backoffMs, error.detail.retryAfterMs ?? 0), reason: error.code }
}
