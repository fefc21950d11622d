import { newSha256 } from '#platform/sha256.ts'
import type { RawUnit } from '#store/commit.ts'
import { insertSubmission } from '#store/submissions.ts'

export type SmallMail = {
  /** Of the envelope; empty: nothing is to come back. RFC 5321 4.5.5. */
  sender: string
  to: string
  subject: string
  /** With its brackets. */
  messageId: string
  octets: Buffer
}

/** A name for a mail that goes out from here. */
export const newMessageId = (address: string): string =>
  `<${crypto.randomUUID()}@${address.slice(address.lastIndexOf('@') + 1)}>`

export const collectOctets = async (pieces: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

/** A mail that Postern writes for a person who asked for just that; there is no draft of it, and no copy in Sent. */
export const queueSmallMail = async (
  unit: RawUnit,
  { id, userId, accountId }: { id: string; userId: bigint; accountId: bigint },
  { sender, to, subject, messageId, octets }: SmallMail,
): Promise<void> => {
  const sha256 = Buffer.from(newSha256().update(octets).digest())
  await insertSubmission(unit, {
    id,
    userId,
    accountId,
    requestHash: sha256,
    messageIdHeader: messageId,
    fromAddress: sender,
    subject,
    octets: { sha256, sizeBytes: octets.length, head: octets, blobId: null },
    isUnicode: /[^\x00-\x7f]/.test(`${sender}${to}`),
    wantsReport: false,
    notBefore: { inMs: 0 },
    schedule: null,
    about: null,
    recipients: [{ address: to, name: '', kind: 'to', batch: 0 }],
  })
}
