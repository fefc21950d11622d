import type { DraftContent } from '@postern/shared/drafts.ts'
import { readReturned, withoutPage } from '#mail/returned-draft.ts'
import { idsShownIn } from '#mail/shown-pictures.ts'
import { findOriginal, findQuotable } from '#store/quoted-original.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import type { AboutMail } from './carry-parts.ts'
import { arePicturesKept } from './same-pictures.ts'

/** The texts of a mail, and what it is about; its pictures that stood in what it quotes are none of its `parts`. */
type Continued = Pick<AboutMail, 'html' | 'text' | 'parts'> & Pick<DraftContent, 'about' | 'quotes'>

/**
 * A draft that lies in Drafts, taken up again: a mail that it quotes unchanged is sealed again. Of one that somebody wrote into, or whose
 * pictures somebody changed, and of what this gateway does not know, the quote is part of the text.
 */
export const continueDraft = async (
  deps: Pick<FeatureDeps, 'store' | 'engine' | 'logger'>,
  userId: bigint,
  { html, text, parts, inReplyTo }: Pick<AboutMail, 'html' | 'text' | 'parts'> & { inReplyTo: string | null },
): Promise<Continued> => {
  const { store } = deps
  const removeQuote = readReturned({ text, html })
  const quotable = await store.read(userId, (tx) => findQuotable(tx, userId, inReplyTo))
  for (const about of removeQuote ? quotable : []) {
    const found = await findOriginal(store, userId, about)
    if (!found || found === 'absent') continue
    const removed = removeQuote?.(found.original)
    if (!removed) continue
    const { own } = removed
    const ofText = idsShownIn(own.html ?? '')
    const [quoted, known] = [shownIn(html, parts), shownIn(found.original.html, found.parts)]
    const dropped = quoted.filter(({ content_id: id }) => !ofText.has(id ?? ''))
    const places = removed.places.map(([there, here]) => [namedIn(parts, there), namedIn(found.parts, here)] as const)
    if (!(await arePicturesKept(deps, { dropped, known, places }))) continue
    return {
      ...own,
      parts: parts.filter((part) => !dropped.includes(part)),
      about: { messageId: about.messageId.toString(), kind: about.kind },
      quotes: true,
    }
  }
  const [first] = quotable
  const isAnswer = first?.isAnswered === true
  return {
    html: html === null ? null : withoutPage(html),
    text,
    parts,
    about: isAnswer ? { messageId: first.messageId.toString(), kind: 'reply' } : null,
    quotes: false,
  }
}

const shownIn = (html: string | null, parts: AboutMail['parts']): AboutMail['parts'] => {
  const shown = idsShownIn(html ?? '')
  return parts.filter(({ content_id: id }) => id !== null && shown.has(id))
}

const namedIn = (parts: AboutMail['parts'], id: string): AboutMail['parts'][number] | undefined =>
  shownIn(`cid:${id}`, parts)[0]
