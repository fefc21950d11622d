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
  /** The file's own time: a copy made of it may have made that anew. */
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
 * imported mail has no such line; else its file's time counts, and what says nothing of all that came just now. Anybody can
 * write any Date: what was sent in the future would stay the newest for years, and is taken as sent now.
 */
const receivedAtOf = (
  { receivedAt, sentAt }: Pick<RawEnvelope, 'receivedAt' | 'sentAt'>,
  { now, cameAt = null, fileAt = null }: ArrivalFacts,
): Date => sortDate(receivedAt ?? cameAt ?? (sentAt && sentAt > now ? now : sentAt) ?? fileAt, now)
