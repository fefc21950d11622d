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
  /** When it came, as far as whoever kept it before us knows. */
  cameAt?: Date | null
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
}

/**
 * Its octets are its identity: the same header over another text is another mail. It was received when its topmost
 * Received line says, else when whoever kept it says, else when it was sent; what says nothing of all that came just now.
 */
export const toArrivalEnvelope = async (
  raw: Buffer,
  { rawHash, sizeBytes, now, cameAt }: ArrivalFacts,
): Promise<ArrivalEnvelope> => {
  // A header that breaks the parser is one nobody can read; the mail is kept, and its source can be opened.
  const envelope = await readEnvelope(headerOf(raw)).catch(() => unreadable)
  const kept = cameAt === undefined ? null : (cameAt ?? envelope.sentAt)
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
    receivedAt: sortDate(envelope.receivedAt ?? kept, now),
    sizeBytes: BigInt(sizeBytes),
    hasAttachment: false,
    structure: [],
  }
}
