import type { Clock } from '#platform/clock.ts'
import { AppError } from '#platform/errors.ts'
import type { Logger } from '#platform/logger.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { isConnectionFault, toSessionError } from '#protocol/session-error.ts'
import type { WorkItem } from '#store/command-work.ts'
import type { CommitScope } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import type { Queue } from './command-queue.ts'
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
  /** Called when mailboxes were made, renamed or removed: a listing tells more than we know. */
  onTree?: () => void
}

/** One call of executeNextCommands. */
export type Run = Execution &
  Queue & {
    /** Mailboxes that turned out to have begun a new life: where their messages are now. */
    reborn: Map<string, UidsByIdentity>
  }

/**
 * Alike items of one mailbox. `isRepeat`: an earlier run may have carried out a part of them already. `isLate`: what was
 * done to the messages elsewhere since is younger than this.
 */
export type Chunk = { items: WorkItem[]; isRepeat: boolean; isLate: boolean }

/** What went wrong. A closed session refuses everything; that says nothing about the command. */
export const sessionFault = (session: ImapSession, error: unknown): AppError => {
  const known = toSessionError(error)
  return session.isOpen() || isConnectionFault(known)
    ? known
    : new AppError('connect.closed', 'The connection to the server is gone.', { cause: known })
}
