import { z } from 'zod'
import { errorCodes } from './error-codes.ts'
import { id, instant } from './wire.ts'

/** Bringing mail into a mailbox: out of files (an import), or out of a mailbox that is kept here (an upload). */

export const importCreate = z
  .strictObject({
    /** How much is going to be sent, to tell how far it is. */
    expectedBytes: z.int().min(0).nullable().default(null),
  })
  .nullish()

export const uploadCreate = z.strictObject({ toMailboxId: id })

/** Absent: all of it was sent. */
export const transferFinish = z
  .strictObject({
    isCutOff: z.boolean().default(false).meta({ description: 'Not all of it was sent, and nothing more comes.' }),
  })
  .nullish()

/** Content types that hold mail, each as it is: many mails in one mbox, or a single one. */
export const mailFileTypes = ['application/mbox', 'message/rfc822']

export const transferContentQuery = z.object({
  /** The file's name; of a mail in a Maildir it carries the flags (`:2,FS`). */
  name: z.string().max(500).default(''),
  /** The file's date: when the mail came, where the mail itself does not say. */
  modifiedAt: instant.optional(),
})

/**
 * receiving -> working -> done; cancelled: what was not done by then is not done any more. Mails are put into the mailbox
 * while others are still coming.
 */
export const transferState = z.enum(['receiving', 'working', 'done', 'cancelled'])

export const transfer = z
  .object({
    id,
    kind: z.enum(['import', 'upload']),
    accountId: id,
    mailboxId: id,
    fromMailboxId: id.nullable(),
    state: transferState,
    /** Mails met so far, and what became of them; the rest waits, or was let go when it was cancelled. */
    found: z.int(),
    stored: z.int(),
    alreadyHere: z.int(),
    refusedMails: z.int(),
    open: z.int().meta({ description: 'Mails that wait, or are on their way to the mail server.' }),
    /** The first of those. */
    refused: z.array(z.object({ name: z.string(), code: z.enum(errorCodes), reason: z.string() })),
    isMailboxGone: z
      .boolean()
      .meta({ description: 'Its mailbox was deleted, which cancelled it if it was under way.' }),
    hasAll: z.boolean().meta({ description: 'Nothing more comes: what has come is all there is.' }),
    isCutOff: z.boolean().meta({
      description: 'Not all of it came: who sent it said so, or was not heard of for an hour. What came is kept.',
    }),
    bytes: z.int().meta({ description: 'Of the content that has come so far.' }),
    expectedBytes: z.int().nullable(),
    createdAt: instant,
  })
  .meta({ id: 'Transfer' })
export type Transfer = z.infer<typeof transfer>

export const transferDismissal = z.strictObject({ transferIds: z.array(id).min(1).max(100) })
export const transferList = z.object({ transfers: z.array(transfer) })
