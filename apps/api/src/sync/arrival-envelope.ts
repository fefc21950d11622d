import { headerOf, type RawEnvelope, readEnvelope } from '#mail/read-envelope.ts'
import { identityOfOctets, parseMessageIds, referenceHashes, sortDate } from '#mail/threading.ts'
import type { Arrival } from '#store/store-arrivals.ts'

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

/**
 * What is listed of a mail that came as it is. Its octets are its identity: the same header over another text is another
 * mail. What has no Received line was received when it was downloaded.
 */
export const toArrivalEnvelope = async (
  raw: Buffer,
  { rawHash, sizeBytes, now }: { rawHash: Buffer; sizeBytes: number; now: Date },
): Promise<Arrival['envelope']> => {
  // A header that breaks the parser is one nobody can read; the mail is kept, and its source can be opened.
  const envelope = await readEnvelope(headerOf(raw)).catch(() => unreadable)
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
    receivedAt: sortDate(envelope.receivedAt, now),
    sizeBytes: BigInt(sizeBytes),
    hasAttachment: false,
    structure: [],
  }
}
