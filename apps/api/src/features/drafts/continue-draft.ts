import type { DraftContent } from '@postern/shared/drafts.ts'
import { readReturned, withoutPage } from '#mail/returned-draft.ts'
import { idsShownIn } from '#mail/shown-pictures.ts'
import { findOriginal, findQuotable } from '#store/quoted-original.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import type { AboutMail } from './carry-parts.ts'

/** The texts of a mail, and what it is about; its pictures that stood in what it quotes are none of its `parts`. */
type Continued = Pick<AboutMail, 'html' | 'text' | 'parts'> & Pick<DraftContent, 'about' | 'quotes'>

/**
 * A draft that lies in Drafts, taken up again: a mail that it quotes unchanged is sealed again. Of one that somebody wrote into, and of
 * what this gateway does not know, the quote is part of the text.
 */
export const continueDraft = async (
  { store }: Pick<FeatureDeps, 'store'>,
  userId: bigint,
  { html, text, parts, inReplyTo }: Pick<AboutMail, 'html' | 'text' | 'parts'> & { inReplyTo: string | null },
): Promise<Continued> => {
  const removeQuote = readReturned({ text, html })
  const known = await store.read(userId, (tx) => findQuotable(tx, userId, inReplyTo))
  for (const about of removeQuote ? known : []) {
    const found = await findOriginal(store, userId, about)
    const own = found && found !== 'absent' ? removeQuote?.(found.original) : null
    if (!own) continue
    const [before, now] = [idsShownIn(html ?? ''), idsShownIn(own.html ?? '')]
    return {
      ...own,
      parts: parts.filter(({ content_id: id }) => id === null || !before.has(id) || now.has(id)),
      about: { messageId: about.messageId.toString(), kind: about.kind },
      quotes: true,
    }
  }
  const [first] = known
  const isAnswer = first?.isAnswered === true
  return {
    html: html === null ? null : withoutPage(html),
    text,
    parts,
    about: isAnswer ? { messageId: first.messageId.toString(), kind: 'reply' } : null,
    quotes: false,
  }
}
