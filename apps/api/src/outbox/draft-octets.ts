import { asAttachment } from '#mail/attached-mail.ts'
import { bccHeader, type Correspondent, composeMessage, type OutgoingPart } from '#mail/compose-message.ts'
import { readAddress } from '#mail/mail-address.ts'
import { displayLine } from '#mail/storable-text.ts'
import { readPieces } from '#store/blobs.ts'
import type { DraftWork } from '#store/draft-copies.ts'
import type { Store } from '#store/open-store.ts'

/** Says of which draft a mail is the copy, and the how manieth: ours is found again whatever happened. */
export const draftHeader = 'X-Postern-Draft'
export const draftMark = (draftId: string, copyId: bigint): string => `${draftId};${copyId}`

/**
 * A draft as a mail, as far as it is one already: addresses that are not finished are left out of it. Every copy of a draft
 * has the same Message-ID, so that all of them are in one conversation.
 */
export async function* draftOctets(
  store: Store,
  { row, content, writer, attachments }: DraftWork,
  copyId: bigint,
): AsyncGenerator<Buffer> {
  const { html } = content
  const from = sound([writer ?? { name: '', address: '' }])[0] ?? { name: '', address: 'nobody@localhost.invalid' }
  const parts = attachments.flatMap(({ blobId, filename, contentType, contentId }): OutgoingPart[] =>
    blobId === null
      ? []
      : [
          {
            filename: displayLine(filename),
            contentType,
            contentId: html === null ? null : contentId,
            octets: () => readPieces(store, blobId),
          },
        ],
  )
  const here = await Promise.all(parts.map(asAttachment))
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
    messageId: `<${row.id}@${readAddress(from.address)?.domain ?? 'localhost.invalid'}>`,
    inReplyTo: isMessageId(row.inReplyTo ?? '') ? row.inReplyTo : null,
    references: row.refs.filter(isMessageId),
    text: content.text,
    html,
    inline: here.filter(({ contentId }) => contentId !== null),
    attachments: here.filter(({ contentId }) => contentId === null),
    receiptTo: content.wantsReceipt ? from : null,
  })
}

const maxSubjectLength = 10_000

const isMessageId = (text: string) => /^<[^<>\s\x00-\x1f\x7f]{1,996}>$/.test(text)

const sound = (people: { name: string; address: string }[]): Correspondent[] =>
  people.flatMap(({ name, address }) => {
    const whole = address.trim().normalize('NFC')
    return readAddress(whole) ? [{ name: displayLine(name, 400), address: whole }] : []
  })
