import type { AppError } from '#platform/errors.ts'
import type { AccountFacts } from '#store/account-state.ts'
import type { ConnectableAccount } from '#store/accounts.ts'
import type { EngineRequestBody, EngineResult } from '#store/engine-requests.ts'
import type { Lease } from '#store/lease.ts'
import type { EngineDeps } from './engine-deps.ts'

/** What came of a look that somebody asked for, as far as that can be told. */
export type LookEnd = Pick<EngineResult, 'arrived' | 'completed' | 'removed' | 'waitsUntil'>

/** A request for content, which somebody waits for. */
export type ContentJob = { id: bigint; body: Extract<EngineRequestBody, { kind: 'body' | 'part' | 'source' }> }

/**
 * What an account does while it is ours, by the kind of its server: IMAP is watched (imap-life.ts), a maildrop is looked at
 * now and then (polled-life.ts). The machine of states, failures and retries around it is the worker's.
 */
export type AccountLife = {
  /** Throws the fault that ended it; returns when the worker stops, or to be called again with the account as it is by then. */
  live: (account: ConnectableAccount) => Promise<void>
  /** Commands wait. */
  noticeCommands: () => void
  /**
   * Somebody asks for a look now; `isCompare`: whatever counters and memories say. Throws why there was none; stays open
   * where the worker stops before.
   */
  look: (isCompare: boolean) => Promise<LookEnd>
  /** A person came to a screen with this account. */
  notePresence: () => void
  focus: (screen: string, mailboxIds: bigint[]) => void
  serve: (job: ContentJob) => void
  /** Why there is no connection: who waits for one is told. */
  noteFault: (error: AppError) => void
  /** Resolves when nothing of it runs any more; the signal has gone before. */
  settled: () => Promise<void>
}

/** What an account can do only in part, although it is connected. The first of these is shown. */
export type Restriction = 'bodies' | 'connections' | 'switch' | 'sending'

/** Screens are told that all is well even when that was known before; `event` is a line for the health timeline. */
export type Shown = { event: { kind: string; text: string } | null }

/** The worker as its life sees it. */
export type AccountMachine = {
  deps: EngineDeps
  lease: Lease
  /** Aborts when the worker stops. */
  signal: AbortSignal
  isPresent: () => boolean
  enter: (state: 'connecting' | 'syncing', facts?: AccountFacts) => Promise<void>
  /** Everything is in step: failures are forgotten. */
  settle: (facts: AccountFacts | null, shown: Shown | null) => Promise<void>
  restrict: (kind: Restriction, reason: AppError | null) => void
}
