import type { DraftContent } from '@postern/shared/drafts.ts'
import { asAttachment } from '#mail/attached-mail.ts'
import { bccHeader, type Correspondent, composeMessage, type OutgoingPart } from '#mail/compose-message.ts'
import { readAddress } from '#mail/mail-address.ts'
import { outgoingContent } from '#mail/outgoing-content.ts'
import { type Original, quotedPictures } from '#mail/quote-original.ts'
import { displayLine } from '#mail/storable-text.ts'
import { readPieces } from '#store/blobs.ts'
import type { DraftWork } from '#store/draft-copies.ts'
import type { Store } from '#store/open-store.ts'
import { findOriginal } from '#store/quoted-original.ts'

/** Says of which draft a mail is the copy, and the how manieth: ours is found again whatever happened. */
export const draftHeader = 'X-Postern-Draft'
export const draftMark = (draftId: string, copyId: bigint): string => `${draftId};${copyId}`

/**
 * A draft as the mail that it would be, with what it quotes, as far as it is one already: addresses that are not finished are left out
 * of it, and so is what is not here. Every copy of a draft has the same Message-ID, so that all of them are in one conversation; never
 * that of the mail, under whatever id that is sent: one among all mail would be taken for a proof that it left (ADR 23).
 */
export async function* draftOctets(
  store: Store,
  { row, content, writer, attachments }: DraftWork,
  copyId: bigint,
): AsyncGenerator<Buffer> {
  const from = sound([writer ?? { name: '', address: '' }])[0] ?? { name: '', address: 'nobody@localhost.invalid' }
  const domain = readAddress(from.address)?.domain ?? 'localhost.invalid'
  const parts = attachments.flatMap(({ blobId, filename, contentType, contentId }): OutgoingPart[] =>
    blobId === null
      ? []
      : [{ filename: displayLine(filename), contentType, contentId, octets: () => readPieces(store, blobId) }],
  )
  yield Buffer.from(`${draftHeader}: ${draftMark(row.id, copyId)}\r\n`)
  yield bccHeader(sound(content.bcc))
  yield* composeMessage({
    from,
    replyTo: [],
    to: sound(content.to),
    cc: sound(content.cc),
    subject: displayLine(content.subject, maxSubjectLength),
    date: row.updatedAt,
    zoneMinutes: 0,
    messageId: `<${row.id}.draft@${domain}>`,
    inReplyTo: isMessageId(row.inReplyTo ?? '') ? row.inReplyTo : null,
    references: row.refs.filter(isMessageId),
    receiptTo: content.wantsReceipt ? from : null,
    ...outgoingContent({
      text: content.text,
      html: content.html,
      attachments: await Promise.all(parts.map(asAttachment)),
      original: await originalOf(store, row.userId, content),
      zoneMinutes: null,
      domain,
    }),
  })
}

/** Pictures of it are here since the draft was begun (features/drafts/fetch-quoted.ts). */
const originalOf = async (
  store: Store,
  userId: bigint,
  { about, quotes }: DraftContent,
): Promise<(Original & { pictures: OutgoingPart[] }) | null> => {
  if (!about || !quotes || about.kind === 'redirect') return null
  const found = await findOriginal(store, userId, { messageId: BigInt(about.messageId), kind: about.kind })
  if (found === null || found === 'absent') return null
  // Cut off, it would pass for the whole mail.
  if (found.isTruncated && about.kind === 'forward') return null
  const stored = await store.readSystem((tx) =>
    tx.part.findMany({ where: { messageId: BigInt(about.messageId), blobId: { not: null } } }),
  )
  const blobs = new Map(stored.map(({ id, blobId }) => [id, blobId]))
  const here = found.parts.filter(({ id }) => blobs.has(id))
  return { ...found.original, pictures: quotedPictures(here, ({ id }) => readPieces(store, blobs.get(id) ?? 0n)) }
}

const maxSubjectLength = 10_000

const isMessageId = (text: string) => /^<[^<>\s\x00-\x1f\x7f]{1,996}>$/.test(text)

const sound = (people: { name: string; address: string }[]): Correspondent[] =>
  people.flatMap(({ name, address }) => {
    const whole = address.trim().normalize('NFC')
    return readAddress(whole) ? [{ name: displayLine(name, 400), address: whole }] : []
  })
