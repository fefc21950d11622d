import { type MailAsks, readAsks } from './read-asks.ts'
import { headerOf, type Person, type RawEnvelope, readEnvelope } from './read-envelope.ts'
import { identityOfOctets, parseMessageIds, referenceHashes, sortDate } from './threading.ts'

const unreadable: RawEnvelope = {
  subject: '',
  from: [],
  replyTo: [],
  to: [],
  cc: [],
  bcc: [],
  sentAt: null,
  receivedAt: null,
  messageId: null,
  inReplyTo: null,
  references: null,
}

export type ArrivalFacts = {
  /** SHA-256 of its octets. */
  rawHash: Buffer
  sizeBytes: number
  now: Date
  /** When it came, as far as whoever kept it before us knows: the `From ` line of an mbox, a mailbox kept here. */
  cameAt?: Date | null
  /** When the file was written, or the mail put into it: a copy may have made that anew. */
  fileAt?: Date | null
}

/** What is listed of a mail that came as it is; the rest of its row says nothing yet. */
export type ArrivalEnvelope = {
  bits: number
  keywords: string[]
  identityKey: string
  refHashes: string[]
  hasOwnId: boolean
  subject: string
  people: Record<'from' | 'replyTo' | 'to' | 'cc' | 'bcc', Person[]>
  sentAt: Date | null
  receivedAt: Date
  sizeBytes: bigint
  hasAttachment: boolean
  structure: unknown[]
  asks: MailAsks | null
}

/** Its octets are its identity: the same header over another text is another mail. */
export const toArrivalEnvelope = async (raw: Buffer, facts: ArrivalFacts): Promise<ArrivalEnvelope> => {
  // A header that breaks the parser is one nobody can read; the mail is kept, and its source can be opened.
  const header = headerOf(raw)
  const envelope = await readEnvelope(header).catch(() => unreadable)
  const { rawHash, sizeBytes } = facts
  return {
    bits: 0,
    keywords: [],
    identityKey: identityOfOctets(rawHash),
    refHashes: referenceHashes(envelope),
    hasOwnId: parseMessageIds(envelope.messageId).length > 0,
    subject: envelope.subject,
    people: {
      from: envelope.from,
      replyTo: envelope.replyTo,
      to: envelope.to,
      cc: envelope.cc,
      bcc: envelope.bcc,
    },
    sentAt: envelope.sentAt,
    receivedAt: receivedAtOf(envelope, facts),
    sizeBytes: BigInt(sizeBytes),
    hasAttachment: false,
    structure: [],
    asks: readAsks(header, envelope.messageId),
  }
}

/**
 * It was received when its topmost Received line says, else when whoever kept it says, else when it was sent, as sent and
 * imported mail has no such line; else its file's time counts, and what says nothing of all that came just now. A program
 * that did not know wrote 1965. Anybody can write any Date: what was sent in the future would stay the newest for years, and
 * is taken as sent now.
 */
const receivedAtOf = (
  { receivedAt, sentAt }: Pick<RawEnvelope, 'receivedAt' | 'sentAt'>,
  { now, cameAt = null, fileAt = null }: ArrivalFacts,
): Date => {
  const likely = (date: Date | null): Date | null =>
    date !== null && date >= firstMail && date.getTime() <= now.getTime() + dayMs ? date : null
  return sortDate(receivedAt ?? likely(cameAt) ?? (sentAt && sentAt > now ? now : sentAt) ?? likely(fileAt), now)
}

const dayMs = 86_400_000
/** Nothing that anybody imports is older. */
const firstMail = new Date('1980-01-01T00:00:00Z')
