import { z } from 'zod'
import { id, instant } from './wire.ts'

/** What mails say of other mails: strangers' claims, told as such. */

export const reportedRecipient = z.object({
  action: z.enum(['failed', 'delayed', 'delivered', 'relayed', 'expanded', 'displayed', 'deleted']),
  /** As it was written to, as far as the report says so. */
  address: z.string(),
  /** RFC 3463, such as 5.1.1. */
  status: z.string().nullable(),
  /** What the server said. */
  text: z.string().nullable(),
})
export type ReportedRecipient = z.infer<typeof reportedRecipient>

export const mailReport = z
  .object({
    /** The mail that says it. */
    messageId: id,
    threadId: id,
    at: instant,
    /** delivery: RFC 3464, or a bounce in words · receipt: RFC 8098 */
    kind: z.enum(['delivery', 'receipt']),
    /** The mail it is about; null: it names none that was sent from here. */
    about: z.object({ messageId: id, threadId: id, subject: z.string() }).nullable(),
    recipients: z.array(reportedRecipient),
  })
  .meta({ id: 'MailReport' })
export type MailReport = z.infer<typeof mailReport>

/** What a mail asks of its reader. */
export const mailAsk = z
  .object({
    messageId: id,
    /** To be told that it was read. */
    receipt: z
      .object({
        to: z.string(),
        /** The mail comes from another address. */
        isElsewhere: z.boolean(),
        /** open: nobody has answered yet · elsewhere: another program did, and only that is known */
        state: z.enum(['open', 'sent', 'refused', 'elsewhere']),
        at: instant.nullable(),
      })
      .nullable(),
    /** The list it came by can be left. */
    list: z.object({ leftAt: instant.nullable() }).nullable(),
  })
  .meta({ id: 'MailAsk' })
export type MailAsk = z.infer<typeof mailAsk>

/** Reports oldest first. */
export const mailNotes = z.object({ reports: z.array(mailReport), asks: z.array(mailAsk) })
export type MailNotes = z.infer<typeof mailNotes>

/**
 * How one leaves the list that a mail came by. oneClick: by a signed address, asked once from here (RFC 8058) · mail: by a mail from
 * the own address it was written to · link: only on the list's own page, which the person opens
 */
export const listExit = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('oneClick'), host: z.string() }),
    z.object({ kind: z.literal('mail'), to: z.string(), from: z.string() }),
    z.object({ kind: z.literal('link'), host: z.string(), url: z.string() }),
  ])
  .meta({ id: 'ListExit' })
export type ListExit = z.infer<typeof listExit>

/** What the person was shown and said yes to; another way by now is a conflict. */
export const listLeave = z.strictObject({ kind: z.enum(['oneClick', 'mail']), target: z.string().min(1).max(320) })

export const receiptAnswer = z.strictObject({ answer: z.enum(['send', 'refuse']) })
