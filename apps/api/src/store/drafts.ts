import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type DraftContent, draftContent } from '@postern/shared/drafts.ts'
import type { RawUnit, Unit } from './commit.ts'
import type { Draft, DraftAttachment } from './generated/client.ts'
import type { Tx } from './open-store.ts'

export type DraftRow = Draft
export type AttachmentRow = DraftAttachment

/** A draft as its person sees it. */
export type WholeDraft = { row: DraftRow; content: DraftContent; attachments: AttachmentRow[] }

/** A copy is made so long after the last save, but no later than so long after the first that is in none. */
const copyAfterMs = 5000
const copyWithinMs = 30_000

/** On the desk: neither discarded nor on its way out. */
export const isOpen = ({ discardedAt, submissionId }: DraftRow): boolean =>
  discardedAt === null && submissionId === null

const whole = async (tx: Tx, rows: DraftRow[]): Promise<WholeDraft[]> =>
  wholeDrafts(
    rows,
    await tx.draftAttachment.findMany({ where: { draftId: { in: rows.map(({ id }) => id) }, removedAt: null } }),
  )

/** Attachments in their order, without those that were taken out. */
export const wholeDrafts = (rows: DraftRow[], attachments: AttachmentRow[]): WholeDraft[] => {
  const shown = attachments
    .filter(({ removedAt }) => removedAt === null)
    .sort((a, b) => a.position - b.position || (a.id < b.id ? -1 : 1))
  return rows.map((row) => ({
    row,
    content: draftContent.parse(row.content),
    attachments: shown.filter(({ draftId }) => draftId === row.id),
  }))
}

/** Those of accounts that are there, last changed first. */
export const listDrafts = async (tx: Tx, userId: bigint): Promise<WholeDraft[]> => {
  const accounts = await tx.account.findMany({ where: { userId, disconnectedAt: null }, select: { id: true } })
  const accountId = { in: accounts.map(({ id }) => id) }
  const rows = await tx.draft.findMany({
    where: { userId, accountId, discardedAt: null, submissionId: null },
    orderBy: [{ updatedAt: 'desc' }, { id: 'asc' }],
  })
  return whole(tx, rows)
}

/** Also one that was discarded or is being sent (`isOpen`). Null when it is somebody else's or not there. */
export const findOwnDraft = async (tx: Tx, userId: bigint, id: string): Promise<WholeDraft | null> => {
  const row = await tx.draft.findFirst({ where: { id, userId } })
  return row && ((await whole(tx, [row]))[0] ?? null)
}

/** The same, held against everybody else who changes it until this transaction ends. */
export const holdOwnDraft = async (tx: Tx, userId: bigint, id: string): Promise<WholeDraft | null> => {
  await tx.$executeRaw`SELECT 1 FROM draft WHERE id = ${id}::uuid AND user_id = ${userId} FOR UPDATE`
  return findOwnDraft(tx, userId, id)
}

/** What of a mail that another program began, or that is answered, is no text of its person's. */
export type DraftOrigin = { inReplyTo: string | null; refs: string[] }

export type NewDraft = { id: string; userId: bigint; accountId: bigint; content: DraftContent; origin: DraftOrigin }

/** False: there is a draft of this id, whoever's it is. */
export const insertDraft = async (
  unit: Unit,
  { id, userId, accountId, content, origin }: NewDraft,
): Promise<boolean> => {
  const { count } = await unit.tx.draft.createMany({
    data: { id, userId, accountId, content, inReplyTo: origin.inReplyTo, refs: origin.refs },
    skipDuplicates: true,
  })
  if (count > 0) tellDraft(unit, { id, userId })
  return count > 0
}

export type SaveOutcome = { kind: 'saved' | 'same'; id: string } | { kind: 'other'; id: string }

/**
 * Saves what a person wrote upon `baseVersion`. Where the draft has gone on from there to something else, neither text gives
 * way: what was sent becomes a draft of its own, the same one however often it is sent. A draft that was discarded is one
 * again: somebody writes it. It must be held (`holdOwnDraft`).
 */
export const saveDraft = async (
  unit: Unit,
  { row, content: stored }: WholeDraft,
  { baseVersion, content, accountId }: { baseVersion: number; content: DraftContent; accountId: bigint },
): Promise<SaveOutcome> => {
  const { tx } = unit
  const { id, userId } = row
  if (isDeepStrictEqual(stored, content)) {
    if (row.discardedAt !== null) await restoreDraft(unit, row)
    return { kind: 'same', id }
  }
  if (baseVersion !== row.version) return keepBeside(unit, row, { baseVersion, content, accountId })
  await tx.draft.update({
    where: { id },
    data: { version: { increment: 1 }, content, accountId, discardedAt: null, updatedAt: new Date() },
  })
  if (accountId !== row.accountId) {
    await moveAttachments(tx, id, accountId)
    // Its copy there goes.
    unit.wakeEngine(row.accountId)
  }
  await wantCopy(unit, id)
  tellDraft(unit, { id, userId })
  return { kind: 'saved', id }
}

const keepBeside = async (
  unit: Unit,
  row: DraftRow,
  { baseVersion, content, accountId }: { baseVersion: number; content: DraftContent; accountId: bigint },
): Promise<SaveOutcome> => {
  const id = idOf(`${row.id} ${baseVersion} ${JSON.stringify(content)}`)
  await insertTwin(unit, row, { id, content, accountId })
  return { kind: 'other', id }
}

/** A draft of its own that answers the same mail and has the same attachments, whose octets both share. None where the id is known. */
export const insertTwin = async (
  unit: Unit,
  { id: from, userId, inReplyTo, refs }: DraftRow,
  { id, content, accountId }: Pick<NewDraft, 'id' | 'content' | 'accountId'>,
): Promise<void> => {
  if (!(await insertDraft(unit, { id, userId, accountId, content, origin: { inReplyTo, refs } }))) return
  const attachments = await unit.tx.draftAttachment.findMany({ where: { draftId: from, removedAt: null } })
  await unit.tx.draftAttachment.createMany({
    data: attachments.map((one) => ({ ...one, id: idOf(`${id} ${one.id}`), draftId: id, accountId })),
  })
  await wantCopy(unit, id)
}

/** An id that is the same for the same thing. RFC 9562 5.8. */
const idOf = (text: string): string => {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Octets belong to an account, and go with it. */
const moveAttachments = async (tx: Tx, draftId: string, accountId: bigint): Promise<void> => {
  await tx.draftAttachment.updateMany({ where: { draftId }, data: { accountId } })
  await tx.$executeRaw`
    UPDATE blob SET account_id = ${accountId} WHERE id IN (SELECT blob_id FROM draft_attachment WHERE draft_id = ${draftId}::uuid)`
}

/** It can come back for a while (`restoreDraft`); its copy goes. */
export const discardDraft = async (unit: Unit, { id, userId }: DraftRow): Promise<void> => {
  await unit.tx.draft.updateMany({ where: { id, discardedAt: null }, data: { discardedAt: new Date() } })
  await wantCopyGone(unit, id)
  tellDraft(unit, { id, userId })
}

export const restoreDraft = async (unit: Unit, { id, userId }: DraftRow): Promise<void> => {
  await unit.tx.draft.updateMany({ where: { id }, data: { discardedAt: null } })
  await wantCopy(unit, id)
  tellDraft(unit, { id, userId })
}

/** What it holds, or what is attached to it, is to be in the Drafts mailbox before long; not at every keystroke. */
export const wantCopy = async ({ tx, wakeEngine }: RawUnit, id: string): Promise<void> => {
  const [row] = await tx.$queryRaw<{ account_id: bigint }[]>`
    UPDATE draft SET uncopied_at = coalesce(uncopied_at, now()),
      copy_at = greatest(now() + interval '1 second', least(now() + ${copyAfterMs}::float8 * interval '1 millisecond', coalesce(uncopied_at, now()) + ${copyWithinMs}::float8 * interval '1 millisecond'))
    WHERE id = ${id}::uuid RETURNING account_id`
  if (row) wakeEngine(row.account_id)
}

/** Discarded, or on its way out: there is to be no copy of it, from now on. */
export const wantCopyGone = async ({ tx, wakeEngine }: RawUnit, id: string): Promise<void> => {
  const [row] = await tx.$queryRaw<{ account_id: bigint }[]>`
    UPDATE draft SET copy_at = now() WHERE id = ${id}::uuid RETURNING account_id`
  if (row) wakeEngine(row.account_id)
}

/** To every screen of its person: it changed, or is no longer open. */
export const tellDraft = ({ log }: RawUnit, { id, userId }: { id: string; userId: bigint }): void =>
  log({ userId }, { kind: 'draft', draftId: id })

/** The draft whose copy a message is; also one that is discarded, or on its way out. */
export const findDraftOfMessage = async (tx: Tx, userId: bigint, messageId: bigint): Promise<WholeDraft | null> => {
  const row = await tx.draft.findFirst({
    where: { userId, messageId },
    orderBy: { updatedAt: 'desc' },
  })
  return row && ((await whole(tx, [row]))[0] ?? null)
}

/** What the mail it answers says of itself, unless that is known. */
export const noteTies = async ({ tx }: RawUnit, id: string, { inReplyTo, refs }: DraftOrigin): Promise<void> => {
  await tx.$executeRaw`
    UPDATE draft SET in_reply_to = ${inReplyTo}, refs = ${refs}::text[] WHERE id = ${id}::uuid AND in_reply_to IS NULL AND cardinality(refs) = 0`
}
