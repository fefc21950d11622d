import { maxAttachments } from '@postern/shared/attachment-room.ts'
import { displayLine } from '#mail/storable-text.ts'
import { AppError } from '#platform/errors.ts'
import { stageContent } from '#store/blobs.ts'
import { commit, type Unit } from '#store/commit.ts'
import { attachContent, findOwnAttachment, setRemoved } from '#store/draft-attachments.ts'
import { type AttachmentRow, type DraftRow, findOwnDraft, holdOwnDraft, type WholeDraft } from '#store/drafts.ts'
import { findOwnIdentity } from '#store/identities.ts'
import type { Tx } from '#store/open-store.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { peek, requireOwnMessage } from '../mail-content.ts'
import { attachmentDisposition, safeHeaders, sniffImage } from '../part-headers.ts'
import { presentAttachment } from '../present-draft.ts'
import { roomFor, tooLarge, within } from './attachment-limits.ts'
import type { AttachmentFetching } from './fetch-attachments.ts'
import { noDraft, onItsWay, requireAttached, staysAsItIs } from './refusals.ts'

/** What is attached to drafts. */
export const registerAttachments = ({ router, store, engine }: FeatureDeps, fetching: AttachmentFetching): void => {
  const write = <T>(userId: bigint, work: (unit: Unit) => Promise<T>): Promise<T> =>
    commit(store, { kind: 'user', userId }, work)
  const readOne = async (userId: bigint, draftId: string, attachmentId: string) =>
    presentAttachment(
      (await store.read(userId, (tx) => requireAttachment(tx, userId, { draftId, attachmentId }))).attachment,
    )

  router.on('addAttachment', async ({ user: { userId }, params: { draftId }, query, body, request }) => {
    const { draft, room, maxMessageBytes } = await store.read(userId, (tx) =>
      requireRoom(tx, userId, draftId, query.id),
    )
    if (!body) throw new AppError('request.invalid', 'There is no file in this request.')
    if (Number(request.headers['content-length'] ?? 0) > room) throw tooLarge(room, maxMessageBytes)
    const scope = { kind: 'user' as const, userId, accountId: draft.row.accountId }
    const content = await stageContent(store, scope, within(room, body, maxMessageBytes))
    const facts = {
      id: query.id,
      draftId,
      filename: fileName(query.name),
      contentType: typeOf(query.type),
      contentId: query.contentId ?? null,
      from: null,
      isRevived: true,
    }
    const { kind } = await attachContent(store, scope, facts, content)
    requireAttached(kind)
    return readOne(userId, draftId, query.id)
  })

  router.on('addAttachmentFromMail', async ({ user: { userId }, params: { draftId }, body }) => {
    const { draft } = await store.read(userId, (tx) => requireRoom(tx, userId, draftId, body.id))
    const message = await requireOwnMessage(store, userId, body.messageId)
    const facts = await store.read(userId, (tx) => factsOf(tx, message, body))
    await fetching.fetch(draft.row, { ...facts, id: body.id, draftId, isRevived: true })
    return readOne(userId, draftId, body.id)
  })

  router.on('getAttachment', async ({ user: { userId }, params, reply }) => {
    const { attachment } = await store.read(userId, (tx) => requireAttachment(tx, userId, params))
    if (attachment.blobId === null)
      throw new AppError('message.unavailable', 'This attachment is not here yet.', { hint: 'Try again in a moment.' })
    const { head, whole } = await peek(engine.readBlob(attachment.blobId, Number(attachment.sizeBytes)), 16)
    const picture = attachment.contentId === null ? null : sniffImage(head)
    reply.headers({
      ...safeHeaders,
      'content-type': picture ?? 'application/octet-stream',
      'content-disposition': picture ? 'inline' : attachmentDisposition(attachment.filename || 'attachment'),
      'content-length': Number(attachment.sizeBytes),
    })
    return reply.send(whole)
  })

  router.on('removeAttachment', ({ user: { userId }, params }) =>
    write(userId, async (unit) => {
      const { draft, attachment } = await requireChangeable(unit.tx, userId, params)
      await setRemoved(unit, draft, attachment.id, true)
    }),
  )
  router.on('restoreAttachment', ({ user: { userId }, params }) =>
    write(userId, async (unit) => {
      const { draft, attachment } = await requireChangeable(unit.tx, userId, params)
      await setRemoved(unit, draft, attachment.id, false)
      return presentAttachment(attachment)
    }),
  )
}

const requireAttachment = async (
  tx: Tx,
  userId: bigint,
  ids: { draftId: string; attachmentId: string },
): Promise<{ draft: DraftRow; attachment: AttachmentRow }> => {
  const found = await findOwnAttachment(tx, userId, ids)
  if (!found) throw new AppError('not_found', 'There is no such attachment.')
  return found
}

/** Held, so that it is not sent meanwhile with what it had before. */
const requireChangeable = async (tx: Tx, userId: bigint, ids: { draftId: string; attachmentId: string }) => {
  await holdOwnDraft(tx, userId, ids.draftId)
  const found = await requireAttachment(tx, userId, ids)
  if (found.draft.submissionId !== null) throw onItsWay()
  return found
}

/** How much this draft takes beside what else is attached. */
const requireRoom = async (
  tx: Tx,
  userId: bigint,
  draftId: string,
  attachmentId: string,
): Promise<{ draft: WholeDraft; room: number; maxMessageBytes: bigint | null }> => {
  const draft = await findOwnDraft(tx, userId, draftId)
  if (!draft) throw noDraft()
  if (draft.row.submissionId !== null) throw onItsWay()
  if (draft.content.about?.kind === 'redirect') throw staysAsItIs()
  const others = draft.attachments.filter(({ id }) => id !== attachmentId)
  if (others.length >= maxAttachments)
    throw new AppError('request.too_large', `A mail has at most ${maxAttachments} attachments here.`)
  const identity = await findOwnIdentity(tx, userId, BigInt(draft.content.identityId))
  const maxMessageBytes = identity?.maxMessageBytes ?? null
  return { draft, room: roomFor({ maxMessageBytes }, others), maxMessageBytes }
}

const maxNameLength = 200

/** The file itself, without the folders it lies in. */
const fileName = (path: string): string =>
  displayLine(path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1), maxNameLength) || 'attachment'

const typeOf = (type: string): string => {
  const [plain = ''] = type.toLowerCase().split(';')
  return /^[\w.+-]+\/[\w.+-]+$/.test(plain.trim()) ? plain.trim() : 'application/octet-stream'
}

const factsOf = async (tx: Tx, message: { id: bigint; subject: string }, { partId }: { partId: string | null }) => {
  if (partId === null)
    return {
      filename: `${displayLine(message.subject, 80) || 'message'}.eml`,
      contentType: 'message/rfc822',
      contentId: null,
      from: { messageId: message.id, partId: null },
    }
  const part = await tx.part.findFirst({ where: { id: BigInt(partId), messageId: message.id } })
  if (!part) throw new AppError('not_found', 'There is no such attachment.')
  return {
    filename: fileName(part.filename ?? ''),
    contentType: typeOf(part.contentType),
    contentId:
      part.contentId !== null && /^[\w.+-]+@[\w.-]+$/.test(part.contentId) && part.isInline ? part.contentId : null,
    from: { messageId: message.id, partId: part.id },
  }
}
