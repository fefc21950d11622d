import { isContentId } from '#mail/compose-message.ts'
import type { AnsweredMail } from '#mail/plan-draft.ts'
import { idsShownIn, renameShown } from '#mail/shown-pictures.ts'
import { displayLine } from '#mail/storable-text.ts'
import type { ComingAttachment } from '#store/draft-attachments.ts'
import type { ReadableMessage } from '#store/read-messages.ts'

/** The mail that a draft is about. */
export type AboutMail = AnsweredMail & {
  id: bigint
  accountId: bigint
  subject: string
  sizeBytes: number
  text: string
  html: string | null
  bodyState: string
  isTruncated: boolean
  parts: ReadableMessage['parts']
}

const isAddressLike = (text: string) => /^[\w.+-]+@[\w.-]+$/.test(text)

/**
 * What of a mail goes along as attachments. Pictures that its HTML shows go with the HTML: below what is written they stay in
 * the mail that is quoted (`areQuoted`), else they are attachments of that name, under a name that a mail can be sent with.
 */
export const carryParts = (
  { id, html, parts }: Pick<AboutMail, 'id' | 'html' | 'parts'>,
  { areQuoted }: { areQuoted: boolean },
): { html: string | null; attachments: ComingAttachment[] } => {
  const ids = idsShownIn(html ?? '')
  let shown = html
  const attachments: ComingAttachment[] = []
  for (const part of parts) {
    const { content_id: named } = part
    const isShown = named !== null && ids.has(named)
    if (areQuoted && isShown && isContentId(named)) continue
    let contentId: string | null = null
    if (!areQuoted && isShown && part.content_type.startsWith('image/')) {
      contentId = isAddressLike(named) ? named : newContentId()
      shown = renameShown(shown ?? '', named, contentId)
    }
    attachments.push({
      id: crypto.randomUUID(),
      filename: displayLine(part.filename ?? '', 200) || 'attachment',
      contentType: /^[\w.+-]+\/[\w.+-]+$/.test(part.content_type) ? part.content_type : 'application/octet-stream',
      contentId,
      sizeBytes: Number(part.size_bytes),
      from: { messageId: id, partId: part.id },
    })
  }
  return { html: shown, attachments }
}

const newContentId = () => `${crypto.randomUUID()}@postern`
