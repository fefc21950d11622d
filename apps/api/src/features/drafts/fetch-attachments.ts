import { maxAttachmentBytes } from '@postern/shared/attachment-room.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import { stageContent } from '#store/blobs.ts'
import { commit } from '#store/commit.ts'
import { type AttachmentFacts, attachContent, noteMissing } from '#store/draft-attachments.ts'
import type { AttachmentRow, WholeDraft } from '#store/drafts.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { openPart, openSource, requireOwnMessage } from '../mail-content.ts'
import { within } from './attachment-limits.ts'
import { requireAttached } from './refusals.ts'

type Deps = Pick<FeatureDeps, 'store' | 'engine' | 'logger'>
type Owner = { userId: bigint; accountId: bigint }
/** One that comes out of a mail. What a draft began with may be taken out while it comes, and stays out. */
export type Fetched = AttachmentFacts & { from: NonNullable<AttachmentFacts['from']>; isRevived: boolean }

/**
 * Brings attachments out of mails. What a draft began with is fetched behind its answer, one after the other; should that end
 * with this process, whoever opens the draft next begins it again.
 */
export type AttachmentFetching = {
  /** Resolves when it is attached. Throws why it is not. */
  fetch: (owner: Owner, wanted: Fetched) => Promise<void>
  /** Begins to fetch what a draft lacks, unless that is under way. */
  begin: (draft: WholeDraft) => void
}

export const createAttachmentFetching = ({ store, engine, logger }: Deps): AttachmentFetching => {
  const running = new Map<string, Promise<void>>()
  /** Drafts of which one is fetched after the other. */
  const drafts = new Set<string>()

  const bring = async ({ userId, accountId }: Owner, wanted: Fetched): Promise<void> => {
    const { messageId, partId } = wanted.from
    const message = await requireOwnMessage(store, userId, messageId.toString())
    const part =
      partId === null
        ? null
        : await store.read(userId, (tx) => tx.part.findFirst({ where: { id: partId, messageId: message.id } }))
    if (partId !== null && !part) throw new AppError('not_found', 'There is no such attachment.')
    const { chunks } = part ? await openPart(store, engine, message, part) : await openSource(store, engine, message)
    const scope = { kind: 'user' as const, userId, accountId }
    const content = await stageContent(store, scope, within(maxAttachmentBytes, chunks))
    const { kind } = await attachContent(store, scope, wanted, content)
    requireAttached(kind)
  }

  const fetch = (owner: Owner, wanted: Fetched): Promise<void> => {
    const known = running.get(wanted.id)
    if (known) return known
    const started = bring(owner, wanted)
      .catch(async (error: unknown) => {
        const code = isAppError(error) ? error.code : 'internal'
        const draft = { id: wanted.draftId, userId: owner.userId }
        await commit(store, { kind: 'user', userId: owner.userId }, (unit) => noteMissing(unit, draft, wanted.id, code))
        throw error
      })
      .finally(() => running.delete(wanted.id))
    running.set(wanted.id, started)
    return started
  }

  const bringAll = async (owner: Owner, missing: AttachmentRow[]): Promise<void> => {
    for (const row of missing) {
      const { id, draftId, filename, contentType, contentId, fromMessageId: messageId, fromPartId: partId } = row
      if (messageId === null) continue
      const facts = { id, draftId, filename, contentType, contentId, from: { messageId, partId } }
      await fetch(owner, { ...facts, isRevived: false }).catch((error: unknown) =>
        logger.info({ err: error, draftId }, 'an attachment was not fetched'),
      )
    }
  }

  return {
    fetch,
    begin: ({ row, attachments }) => {
      if (drafts.has(row.id)) return
      const missing = attachments.filter(
        ({ id, blobId, errorCode }) => blobId === null && errorCode === null && !running.has(id),
      )
      if (missing.length === 0) return
      drafts.add(row.id)
      void bringAll(row, missing).finally(() => drafts.delete(row.id))
    },
  }
}
