import type { DraftStart } from '@postern/shared/drafts.ts'
import { explain } from './api.ts'
import { app } from './app-state.ts'
import { holdKeys } from './held-keys.ts'
import { loadPart } from './load-part.ts'
import { showToast } from './toasts.ts'

/** What somebody wants to write: something new, an answer, or a draft that is there. */
export type ComposeWish = DraftStart['start'] | { kind: 'draft'; draftId: string }

/** Opens it in a panel; everything else about writing comes with the first wish, or ahead of it. */
export const askCompose = (wish: ComposeWish): void => {
  app.set({ hasComposers: true })
  const opened = loadPart(import('./open-drafts.ts')).then(({ openDraft }) => openDraft(wish))
  holdKeys(opened)
  opened.catch((error: unknown) => showToast({ kind: 'problem', text: explain(error) }))
}

/** What a `mailto:` link asks for. */
export const askMailto = async (href: string): Promise<void> => {
  const { parseMailto } = await loadPart(import('#lib/address-list.ts'))
  const asked = parseMailto(href)
  if (asked) askCompose({ kind: 'new', ...asked })
}

/** For clicks on a page that holds such links: they open here, not in another program. */
export const onMailtoClick = (event: MouseEvent): void => {
  // Not `instanceof`: the element may be of a frame's own kind.
  const target = event.target as Element | null // what is clicked on a page is one
  const link = target?.closest?.<HTMLAnchorElement>('a[href^="mailto:" i]')
  if (!link || event.defaultPrevented || event.button !== 0 || link.isContentEditable) return
  event.preventDefault()
  void askMailto(link.href)
}
