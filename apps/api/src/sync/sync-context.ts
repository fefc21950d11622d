import type { Clock } from '#platform/clock.ts'
import type { Logger } from '#platform/logger.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { type BulkUnit, commit, commitBulk, type EngineScope, type Unit } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import type { BodyReader } from './body-reader.ts'

/** What every sync step needs: where to read, where to write, and when to stop. */
export type SyncContext = {
  store: Store
  session: ImapSession
  /** Where what is fetched is read. */
  reader: BodyReader
  accountId: bigint
  scope: EngineScope
  clock: Clock
  logger: Logger
  signal: AbortSignal
  /** Lets waiting commands of people run between two batches of bulk work. */
  yieldToCommands: () => Promise<void>
  /** The account changes from POP3 to IMAP: what is listed may be here already (recognise-mails.ts). */
  isSwitching: () => boolean
}

export const write = <T>(context: SyncContext, work: (unit: Unit) => Promise<T>): Promise<T> =>
  commit(context.store, context.scope, work)

/** What the server has and we only repeat: by the quick way. */
export const writeBulk = <T>(context: SyncContext, work: (unit: BulkUnit) => Promise<T>): Promise<T> =>
  commitBulk(context.store, context.scope, work)
