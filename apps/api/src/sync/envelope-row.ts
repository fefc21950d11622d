import { identityKey, parseMessageIds, referenceHashes, sortDate } from '#mail/threading.ts'
import type { FetchedEnvelope, StructurePart } from '#protocol/imap/fetch-envelopes.ts'
import type { EnvelopeRow } from '#store/sync-envelopes.ts'

/** A part a person would call an attachment: named or marked so, and not the text of the mail itself. */
export const isAttachment = (part: StructurePart): boolean =>
  part.disposition === 'attachment' ||
  (part.filename !== null && part.disposition !== 'inline') ||
  part.type === 'message/rfc822' ||
  (!part.type.startsWith('text/') && !part.type.startsWith('image/') && part.contentId === null)

/** From what the server listed to what is stored. Pure. */
export const toEnvelopeRow = (fetched: FetchedEnvelope, now: Date): EnvelopeRow => {
  const receivedAt = sortDate(fetched.internalDate, now)
  return {
    uid: BigInt(fetched.uid),
    bits: fetched.flags.bits,
    keywords: fetched.flags.keywords,
    modseq: fetched.modseq,
    identityKey: identityKey(fetched),
    refHashes: referenceHashes(fetched),
    hasOwnId: parseMessageIds(fetched.messageId).length > 0,
    subject: fetched.subject,
    people: {
      from: fetched.from,
      replyTo: fetched.replyTo,
      to: fetched.to,
      cc: fetched.cc,
      bcc: fetched.bcc,
    },
    sentAt: fetched.sentAt,
    receivedAt,
    sizeBytes: BigInt(fetched.sizeBytes),
    hasAttachment: fetched.parts.some(isAttachment),
    structure: fetched.parts,
    asks: fetched.asks,
  }
}
