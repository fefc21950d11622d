import type { MailAsks } from '#mail/read-asks.ts'

/** One message of a mailbox as the server lists it, ready to be stored. */
export type EnvelopeRow = {
  uid: bigint
  bits: number
  keywords: string[]
  modseq: bigint
  identityKey: string
  /** Own id first; ties the message to its conversation. */
  refHashes: string[]
  hasOwnId: boolean
  subject: string
  people: { from: unknown[]; replyTo: unknown[]; to: unknown[]; cc: unknown[]; bcc: unknown[] }
  sentAt: Date | null
  receivedAt: Date
  sizeBytes: bigint
  hasAttachment: boolean
  structure: unknown[]
  asks: MailAsks | null
  /** The mail is here already, known by more than its identity (switch-mail.ts). */
  messageId?: bigint
}

export type MailboxPlace = { accountId: bigint; mailboxId: bigint }
