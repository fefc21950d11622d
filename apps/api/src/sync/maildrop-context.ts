import type { Retrieval } from '@postern/shared/retrieval.ts'
import type { Clock } from '#platform/clock.ts'
import type { Logger } from '#platform/logger.ts'
import type { Pop3Session } from '#protocol/pop3/open-session.ts'
import type { EngineScope } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'

/** What every step of a look at a maildrop needs. */
export type MaildropContext = {
  store: Store
  session: Pop3Session
  accountId: bigint
  /** Where its mail comes in. */
  inboxId: bigint
  scope: EngineScope
  retrieval: Retrieval
  /** The account changed from IMAP, and mails that are here may still be met in the maildrop (meet-mails.ts). */
  isMeeting: boolean
  /** What came before is no news: the account changed its protocol then, and some maildrops show more than the inbox. Null: it did not. */
  newsSince: Date | null
  /** No look has come to its end yet: what the maildrop holds is old to the person, however often the download was cut. */
  isFirst: boolean
  /** No answer may be longer; absent: what is kept of one mail (maxMessageBytes). */
  maxAnswerBytes?: number
  clock: Clock
  logger: Logger
  signal: AbortSignal
}
