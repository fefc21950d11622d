import type { DraftContent } from '@postern/shared/drafts.ts'
import type { TemplateContent } from '@postern/shared/templates.ts'
import { type PlaceholderValues, placeholderValues, withChips } from '#lib/placeholders.ts'
import { readPicture } from '#lib/read-picture.ts'
import { withoutSignature } from '#lib/signature.ts'
import { whenAttached } from './attachments.ts'
import { findDraft } from './draft-state.ts'
import { findMessage } from './edit-quote.ts'
import { identityOf } from './identities.ts'

/** What of a mail is known so far. */
export const valuesOf = ({ to, identityId, about, subject }: DraftContent): PlaceholderValues =>
  placeholderValues({
    to,
    sender: identityOf(identityId),
    answeredSubject: about ? (findMessage(about.messageId)?.subject ?? subject) : null,
    now: new Date(),
  })

/**
 * What was written, to be written again: without the signature, which every mail gets anyway, and with its pictures in it. Those
 * that are too large for every mail are left out, and counted.
 */
export const templateOf = async (key: string): Promise<Omit<TemplateContent, 'name'> & { leftOut: number }> => {
  await whenAttached(key)
  const draft = findDraft(key)
  if (!draft) return { subject: '', html: '', leftOut: 0 }
  const { subject, html, text } = withoutSignature(draft.content)
  if (html === null) return { subject, html: withChips(text), leftOut: 0 }
  const page = new DOMParser().parseFromString(html, 'text/html')
  let leftOut = 0
  for (const image of page.querySelectorAll('img[src^="cid:"]')) {
    const attachment = draft.attachments.find(({ contentId }) => image.getAttribute('src') === `cid:${contentId}`)
    const source = attachment && (await pictureOf(`/v1/drafts/${draft.id}/attachments/${attachment.id}`))
    if (source) image.setAttribute('src', source)
    else {
      leftOut++
      image.remove()
    }
  }
  return { subject, html: page.body.innerHTML, leftOut }
}

const pictureOf = async (address: string): Promise<string | null> => {
  try {
    const answer = await fetch(address)
    return answer.ok ? await readPicture(await answer.blob()) : null
  } catch {
    // Told as left out.
    return null
  }
}
