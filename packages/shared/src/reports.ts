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

/** Oldest first. */
export const mailReports = z.object({ reports: z.array(mailReport) })
