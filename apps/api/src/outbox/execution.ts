import type { Clock } from '#platform/clock.ts'
import type { Logger } from '#platform/logger.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import type { WorkItem } from '#store/command-work.ts'
import { type CommitScope, commit, type Unit } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import type { UidsByIdentity } from './locate-messages.ts'

/** Where an account's commands are carried out, and on whose authority. */
export type Execution = {
  store: Store
  session: ImapSession
  scope: CommitScope
  accountId: bigint
  clock: Clock
  logger: Logger
  /** Called between two chunks, so that whoever owns the session can look after other things in the middle of a bulk. */
  betweenChunks?: () => Promise<void>
}

/** One call of executeNextCommands. */
export type Run = Execution & {
  /** Commands this run has begun; `uncertain`: an earlier run was cut off in one, so parts may have reached the server. */
  begun: Map<string, 'certain' | 'uncertain'>
  /** Items of bulk commands looked up but not carried out yet. */
  fetched: Map<string, WorkItem[]>
  /** Mailboxes that turned out to have begun a new life: where their messages are now. */
  reborn: Map<string, UidsByIdentity>
}

/**
 * Alike items of one mailbox. `isRepeat`: an earlier run may have carried out a part of them already. `isLate`: what was
 * done to the messages elsewhere since is younger than this.
 */
export type Chunk = { items: WorkItem[]; isRepeat: boolean; isLate: boolean }

export const write = <T>(run: Execution, work: (unit: Unit) => Promise<T>): Promise<T> =>
  commit(run.store, run.scope, work)
