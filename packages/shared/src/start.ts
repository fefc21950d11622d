import { z } from 'zod'
import { account } from './accounts.ts'
import { seq, streamName } from './changes.ts'
import { mailbox } from './mailboxes.ts'
import { threadList } from './messages.ts'
import { currentSession } from './sessions.ts'
import { id } from './wire.ts'

/** The mailbox on the screen; without one the first inbox. */
export const startQuery = z.object({ mailboxId: id.optional() })

/** What the first screen shows. */
export const start = z
  .object({
    session: currentSession,
    accounts: z.array(account),
    mailboxes: z.array(mailbox),
    /** The first rows; null when there is no such mailbox. */
    list: threadList.extend({ mailboxId: id }).nullable(),
    /** Where the change log stood before the rest was read: for `resume`, so that nothing is loaded twice or missed. */
    streams: z.record(streamName, seq),
  })
  .meta({ id: 'Start' })
export type Start = z.infer<typeof start>
