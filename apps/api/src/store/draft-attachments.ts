import type { BlobScope, StagedContent } from './blobs.ts'
import { commitBulk, type RawUnit, type Unit } from './commit.ts'
import { type AttachmentRow, type DraftRow, tellDraft, wantCopy } from './drafts.ts'
import type { Store, Tx } from './open-store.ts'

/** What an attachment is, beside its octets. */
export type AttachmentFacts = {
  id: string
  draftId: string
  filename: string
  contentType: string
  contentId: string | null
  from: { messageId: bigint; partId: bigint | null } | null
}

/** `conflict`: the id is taken by something else; `onItsWay`: the mail is being sent as it was. */
export type Attached = { kind: 'attached' | 'conflict' | 'gone' | 'onItsWay' }

/**
 * Attaches what was staged, in one transaction with the octets of a small one. The same octets under the same id are the same
 * attachment, whether it waited for them, was taken out, or is there. `isRevived`: one that was taken out is wanted again; else
 * its octets are kept for whoever puts it back.
 */
export const attachContent = (
  store: Store,
  scope: BlobScope & { kind: 'user' },
  { id, draftId, filename, contentType, contentId, from, isRevived }: AttachmentFacts & { isRevived: boolean },
  content: StagedContent,
): Promise<Attached> =>
  commitBulk(
    store,
    scope,
    async (unit): Promise<Attached> => {
      const { tx } = unit
      const { userId } = scope
      const [draft] = await tx.$queryRaw<{ account_id: bigint; submission_id: string | null }[]>`
        SELECT account_id, submission_id::text FROM draft WHERE id = ${draftId}::uuid AND user_id = ${userId} FOR UPDATE`
      if (!draft) return { kind: 'gone' }
      if (draft.submission_id !== null) return { kind: 'onItsWay' }
      const accountId = draft.account_id
      const [known] = await tx.$queryRaw<
        { draft_id: string; sha256: Uint8Array; blob_id: bigint | null; is_removed: boolean }[]
      >`
        SELECT draft_id::text, sha256, blob_id, removed_at IS NOT NULL AS is_removed FROM draft_attachment WHERE id = ${id}::uuid`
      if (known && known.draft_id !== draftId) return { kind: 'conflict' }
      if (known?.blob_id != null) {
        if (Buffer.compare(known.sha256, content.sha256) !== 0) return { kind: 'conflict' }
        if (!known.is_removed || !isRevived) return { kind: 'attached' }
        await tx.$executeRaw`UPDATE draft_attachment SET removed_at = NULL WHERE id = ${id}::uuid`
      } else {
        const blobId = await keepContent(unit, accountId, content)
        await tx.$executeRaw`
          INSERT INTO draft_attachment (id, draft_id, account_id, position, filename, content_type, size_bytes, sha256, content_id, blob_id, from_message_id, from_part_id)
          SELECT ${id}::uuid, ${draftId}::uuid, ${accountId}, coalesce(max(position) + 1, 0), ${filename}, ${contentType}, ${content.sizeBytes}::bigint, ${content.sha256}::bytea, ${contentId}, ${blobId}::bigint,
            ${from?.messageId ?? null}::bigint, ${from?.partId ?? null}::bigint FROM draft_attachment WHERE draft_id = ${draftId}::uuid
          ON CONFLICT (id) DO UPDATE SET blob_id = excluded.blob_id, sha256 = excluded.sha256, size_bytes = excluded.size_bytes, error_code = NULL,
            removed_at = CASE WHEN ${isRevived} THEN NULL ELSE draft_attachment.removed_at END`
      }
      await wantCopy(unit, draftId)
      tellDraft(unit, { id: draftId, userId })
      return { kind: 'attached' }
    },
    // Who sent it need not keep it.
    { isDurable: true },
  )

const keepContent = async (
  { tx }: RawUnit,
  accountId: bigint,
  { blobId, sha256, sizeBytes, head }: StagedContent,
): Promise<bigint> => {
  if (blobId !== null) {
    await tx.$executeRaw`
      UPDATE blob SET is_whole = true, sha256 = ${sha256}, size_bytes = ${sizeBytes}, account_id = ${accountId} WHERE id = ${blobId}`
    return blobId
  }
  const [blob] = await tx.$queryRaw<{ id: bigint }[]>`
    INSERT INTO blob (account_id, sha256, size_bytes, is_whole) VALUES (${accountId}, ${sha256}, ${sizeBytes}, true) RETURNING id`
  if (!blob) throw new Error('a row was not made')
  await tx.$executeRaw`INSERT INTO blob_chunk (blob_id, n, bytes) VALUES (${blob.id}, 0, ${head})`
  return blob.id
}

export type ComingAttachment = Omit<AttachmentFacts, 'draftId'> & { sizeBytes: number }

/** Attachments whose octets are to be fetched out of mails: they are there from the beginning, so that nothing goes without them. */
export const addComing = async (
  { tx }: Unit,
  { id: draftId, accountId }: { id: string; accountId: bigint },
  attachments: ComingAttachment[],
): Promise<void> => {
  await tx.draftAttachment.createMany({
    data: attachments.map(({ id, filename, contentType, contentId, from, sizeBytes }, position) => ({
      id,
      draftId,
      accountId,
      position,
      filename,
      contentType,
      contentId,
      sizeBytes: BigInt(sizeBytes),
      fromMessageId: from?.messageId ?? null,
      fromPartId: from?.partId ?? null,
    })),
  })
}

/** It cannot be fetched, for now or for good. */
export const noteMissing = async (
  unit: Unit,
  draft: { id: string; userId: bigint },
  id: string,
  code: string,
): Promise<void> => {
  const { count } = await unit.tx.draftAttachment.updateMany({ where: { id, blobId: null }, data: { errorCode: code } })
  if (count > 0) tellDraft(unit, draft)
}

/** Null when the draft is somebody else's, or it is not there; also one that was taken out. */
export const findOwnAttachment = async (
  tx: Tx,
  userId: bigint,
  { draftId, attachmentId }: { draftId: string; attachmentId: string },
): Promise<{ draft: DraftRow; attachment: AttachmentRow } | null> => {
  const draft = await tx.draft.findFirst({ where: { id: draftId, userId } })
  const attachment = draft && (await tx.draftAttachment.findFirst({ where: { id: attachmentId, draftId } }))
  return draft && attachment && { draft, attachment }
}

/** Taken out, or put back where it was. */
export const setRemoved = async (unit: Unit, draft: DraftRow, id: string, isRemoved: boolean): Promise<void> => {
  const { count } = await unit.tx.draftAttachment.updateMany({
    where: { id, draftId: draft.id, removedAt: isRemoved ? null : { not: null } },
    data: { removedAt: isRemoved ? new Date() : null },
  })
  if (count === 0) return
  await wantCopy(unit, draft.id)
  tellDraft(unit, draft)
}
