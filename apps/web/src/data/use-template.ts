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

type TemplateOf = Omit<TemplateContent, 'name'> & {
  /** Pictures too large for every mail, or of another kind. */
  leftOut: number
  notFetched: number
}

/**
 * What was written, to be written again: without the signature, which every mail gets anyway, and with its pictures in it. Those
 * that are too large for every mail, or cannot be fetched, are left out, and counted.
 */
export const templateOf = async (key: string): Promise<TemplateOf> => {
  // Files do not come along: they are not waited for.
  await whenAttached(key, ({ contentId }) => contentId !== null)
  const draft = findDraft(key)
  const none = { leftOut: 0, notFetched: 0 }
  if (!draft) return { subject: '', html: '', ...none }
  const { subject, html, text } = withoutSignature(draft.content)
  if (html === null) return { subject, html: withChips(text), ...none }
  const page = new DOMParser().parseFromString(html, 'text/html')
  let { leftOut, notFetched } = none
  for (const image of page.querySelectorAll('img[src^="cid:"]')) {
    const attachment = draft.attachments.find(({ contentId }) => image.getAttribute('src') === `cid:${contentId}`)
    const picture = attachment && (await fetchPicture(`/v1/drafts/${draft.id}/attachments/${attachment.id}`))
    const source = picture && (await readPicture(picture).catch(() => null))
    if (source) image.setAttribute('src', source)
    else {
      if (picture) leftOut++
      else notFetched++
      image.remove()
    }
  }
  return { subject, html: page.body.innerHTML, leftOut, notFetched }
}

/** Null is told as not fetched. */
const fetchPicture = (address: string): Promise<Blob | null> =>
  fetch(address)
    .then((answer) => (answer.ok ? answer.blob() : null))
    .catch(() => null)
