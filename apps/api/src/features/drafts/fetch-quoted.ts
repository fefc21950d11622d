import { idsShownIn } from '#mail/shown-pictures.ts'
import { commit } from '#store/commit.ts'
import { type WholeDraft, wantCopy } from '#store/drafts.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { openPart } from '../mail-content.ts'
import { openOriginal } from '../read-original.ts'

type Deps = Pick<FeatureDeps, 'store' | 'engine' | 'logger'>

/**
 * Brings the pictures that a quoted mail shows, behind the answer that begins its draft: the copy in Drafts holds them, which is made
 * without a connection to where they lie. One that cannot be had now is asked for again when the mail is sent.
 */
export const fetchQuoted = async (deps: Deps, { row, content: { about, quotes, html } }: WholeDraft): Promise<void> => {
  const { store, engine, logger } = deps
  if (!about || about.kind === 'redirect' || !quotes || html === null) return
  try {
    const { userId } = row
    const messageId = BigInt(about.messageId)
    const { original } = await openOriginal(deps, userId, { messageId, kind: about.kind })
    const shown = idsShownIn(original.html ?? '')
    const parts = await store.read(userId, (tx) => tx.part.findMany({ where: { messageId, blobId: null } }))
    const missing = parts.filter(({ contentId }) => contentId !== null && shown.has(contentId))
    for (const part of missing) {
      const { chunks } = await openPart(store, engine, { id: messageId, account_id: part.accountId }, part)
      // To its end: it is kept once it is whole.
      for await (const _ of chunks);
    }
    if (missing.length > 0) await commit(store, { kind: 'user', userId }, (unit) => wantCopy(unit, row.id))
  } catch (error) {
    logger.info({ err: error, draftId: row.id }, 'pictures of a quoted mail were not fetched')
  }
}
