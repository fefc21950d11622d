import { dropOctets } from './blobs.ts'
import { removePlacements } from './command-settle.ts'
import type { BulkUnit, RawUnit } from './commit.ts'
import { type DraftRow, discardDraft, isOpen, tellDraft, type WholeDraft, wantCopy, wholeDrafts } from './drafts.ts'
import { type DraftCopy, type Identity, Prisma } from './generated/client.ts'
import type { Store, Tx } from './open-store.ts'
import { countTexts } from './stored-texts.ts'

/** What may lie in a Drafts mailbox of a draft. */
export type CopyRow = DraftCopy

/** A draft whose copy is to be looked after in one account. */
export type DraftWork = WholeDraft & {
  /** Null: nobody writes as that any more. */
  writer: Identity | null
  copies: CopyRow[]
  /** A copy was kept here, and was not met at the server nor brought there yet (switch_mail). */
  isMoving: boolean
  /** When this was read, by the clock of the database: later changes are in no copy that is made of it. */
  readAt: Date
  /** There is to be a copy in this account; else none. */
  isWanted: boolean
}

/** The next one that is due; also one that went on in another account, and has a copy left in this one. */
export const nextDraftWork = async (tx: Tx, accountId: bigint): Promise<DraftWork | null> => {
  const [due] = await tx.$queryRaw<{ id: string; read_at: Date }[]>`
    SELECT d.id::text, now() AS read_at FROM draft d WHERE d.account_id = ${accountId} AND d.copy_at <= now()
    UNION ALL SELECT d.id::text, now() FROM draft_copy c JOIN draft d ON d.id = c.draft_id AND d.account_id <> c.account_id WHERE c.account_id = ${accountId} AND c.made_at <= now()
    LIMIT 1`
  const row = due && (await tx.draft.findUnique({ where: { id: due.id } }))
  if (!row) return null
  const attachments = await tx.draftAttachment.findMany({ where: { draftId: row.id } })
  const [draft] = wholeDrafts([row], attachments)
  if (!draft) return null
  const writer = await tx.identity.findUnique({ where: { id: BigInt(draft.content.identityId) } })
  const copies = await tx.draftCopy.findMany({ where: { draftId: row.id, accountId }, orderBy: { id: 'asc' } })
  const ids = copies.flatMap(({ messageId }) => messageId ?? [])
  const isMoving = (await tx.switchMail.count({ where: { messageId: { in: ids } } })) > 0
  const isWanted = isOpen(row) && row.accountId === accountId && writer !== null
  return { ...draft, writer, copies, isMoving, readAt: due.read_at, isWanted }
}

/** Null: none is due, now or later. */
export const msToNextCopy = async (tx: Tx, accountId: bigint): Promise<number | null> => {
  const [row] = await tx.$queryRaw<{ ms: number | null }[]>`
    SELECT extract(epoch FROM min(due_at) - now())::float8 * 1000 AS ms FROM (
      SELECT copy_at AS due_at FROM draft WHERE account_id = ${accountId}
      UNION ALL SELECT c.made_at FROM draft_copy c JOIN draft d ON d.id = c.draft_id AND d.account_id <> c.account_id WHERE c.account_id = ${accountId}) due`
  return row?.ms ?? null
}

/** A copy that a run left behind holds what is there now: every change since sets the time of the next one. */
export const isCurrent = (copy: CopyRow, { version, copyAt }: DraftRow): boolean =>
  copy.state === 'stored' && copy.version === version && (copyAt === null || copyAt < copy.madeAt)

const canComeBackMs = 24 * 3_600_000

/**
 * A mail that the draft was begun from holds what was not brought out of it yet: it stays until that is here, or the draft
 * cannot come back any more.
 */
export const isSourceNeeded = ({ row, copies, attachments }: DraftWork, now: Date): boolean =>
  (row.discardedAt === null || now.getTime() - row.discardedAt.getTime() < canComeBackMs) &&
  attachments.some(
    ({ blobId, fromMessageId }) =>
      blobId === null && fromMessageId !== null && copies.some(({ messageId }) => messageId === fromMessageId),
  )

/** How long nobody looks whether it is needed no more. */
export const sourceNeededMs = 30_000

/** The number of a copy that is to be made: it stands in its header. */
export const takeCopyId = async (tx: Tx): Promise<bigint> => {
  const [row] = await tx.$queryRaw<{ id: bigint }[]>`SELECT nextval('draft_copy_id_seq') AS id`
  if (!row) throw new Error('a number was not given')
  return row.id
}

export type NewCopy = {
  id: bigint
  draftId: string
  accountId: bigint
  mailboxId: bigint
  version: number
  fromUid: bigint
  uidValidity: bigint
  /** When what it holds was read. */
  madeAt: Date
}

/** Says durably that it may reach the server from now on. */
export const beginCopy = async (
  { tx }: RawUnit,
  { id, draftId, accountId, mailboxId, version, fromUid, uidValidity, madeAt }: NewCopy,
): Promise<void> => {
  await tx.$executeRaw`
    INSERT INTO draft_copy (id, draft_id, account_id, mailbox_id, version, state, from_uid, uid_validity, made_at)
    VALUES (${id}, ${draftId}::uuid, ${accountId}, ${mailboxId}, ${version}, 'sending', ${fromUid}, ${uidValidity}, ${madeAt.toISOString()}::timestamptz)`
}

/** It is there, as this uid. */
export const keepCopy = async (
  { tx }: RawUnit,
  id: bigint,
  { uid, uidValidity }: { uid: number; uidValidity: bigint },
): Promise<void> => {
  await tx.$executeRaw`UPDATE draft_copy SET state = 'stored', uid = ${uid}::bigint, uid_validity = ${uidValidity}::bigint WHERE id = ${id}`
}

/** Where mail is kept here, it is seen at once. */
export const seeCopyHere = async ({ tx }: RawUnit, id: bigint): Promise<bigint | null> => {
  const [row] = await tx.$queryRaw<{ message_id: bigint }[]>`
    UPDATE draft_copy c SET message_id = p.message_id FROM placement p WHERE c.id = ${id} AND p.mailbox_id = c.mailbox_id AND p.uid = c.uid RETURNING c.message_id`
  return row?.message_id ?? null
}

/** These are no longer there, or nobody can say that they are ours. */
export const forgetCopies = async ({ tx }: RawUnit, ids: bigint[]): Promise<void> => {
  await tx.$executeRaw`DELETE FROM draft_copy WHERE id = ANY (${ids}::bigint[])`
}

/**
 * All is as it should be for the draft as it was read; what changed since has its own time. `copy`: the one there is now,
 * which counts once it is seen; null: none is kept.
 */
export const endDraftWork = async (
  unit: RawUnit,
  { id, userId, copyAt }: DraftRow,
  copy: { version: number; messageId: bigint | null } | null,
): Promise<void> => {
  const read = copyAt?.toISOString() ?? null
  await unit.tx.$executeRaw`
    UPDATE draft SET copied_version = ${copy?.messageId == null ? 0 : copy.version}, message_id = CASE WHEN ${copy === null} THEN message_id ELSE coalesce(${copy?.messageId ?? null}::bigint, message_id) END,
      uncopied_at = CASE WHEN copy_at IS NOT DISTINCT FROM ${read}::timestamptz THEN NULL ELSE now() END,
      copy_at = CASE WHEN copy_at IS NOT DISTINCT FROM ${read}::timestamptz THEN NULL ELSE copy_at END
    WHERE id = ${id}::uuid`
  tellDraft(unit, { id, userId })
}

/** Nothing can be done for now: later again. One that went on in another account has its own time there. */
export const postponeCopy = async (
  { tx }: RawUnit,
  { id, accountId: home }: DraftRow,
  { accountId, delayMs }: { accountId: bigint; delayMs: number },
): Promise<void> => {
  if (home === accountId)
    await tx.$executeRaw`
      UPDATE draft SET copy_at = now() + ${delayMs}::float8 * interval '1 millisecond' WHERE id = ${id}::uuid AND copy_at <= now()`
  else
    await tx.$executeRaw`
      UPDATE draft_copy SET made_at = now() + ${delayMs}::float8 * interval '1 millisecond' WHERE draft_id = ${id}::uuid AND account_id = ${accountId}`
}

/**
 * A message in Drafts, which another program may have put there, is the draft's copy from now on. False when it lies in no
 * such mailbox.
 */
export const adoptCopy = async (
  { tx }: RawUnit,
  { id, accountId, version }: { id: string; accountId: bigint; version: number },
  messageId: bigint,
): Promise<boolean> => {
  const adopted = await tx.$executeRaw`
    INSERT INTO draft_copy (draft_id, account_id, mailbox_id, version, state, uid_validity, uid, message_id)
    SELECT ${id}::uuid, p.account_id, p.mailbox_id, ${version}::int, 'stored', b.uid_validity, p.uid, p.message_id
    FROM placement p JOIN mailbox b ON b.id = p.mailbox_id AND coalesce(b.chosen_role, b.role) = 'drafts'
    WHERE p.message_id = ${messageId} AND p.account_id = ${accountId} AND p.shown_mailbox_id = p.mailbox_id AND p.uid IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM draft_copy c WHERE c.draft_id = ${id}::uuid AND c.message_id = p.message_id)`
  if (adopted === 0) return false
  await tx.$executeRaw`UPDATE draft SET message_id = ${messageId}, copied_version = ${version}::int WHERE id = ${id}::uuid`
  return true
}

/** Whether anything of an account is in a Drafts mailbox because of us: most have nothing. */
export const hasCopies = async (tx: Tx, accountId: bigint): Promise<boolean> =>
  (await tx.draftCopy.findFirst({ where: { accountId }, select: { id: true } })) !== null

/**
 * After a look: copies that were seen have their message; those that somebody took away, in another program or as a message
 * here, take the draft with them, unless something of it is in no copy. A mailbox that is gone as a whole, is not looked at any
 * more, or is not yet known as a whole takes nothing; in a new life of it the copy is made anew, and an older one looked for.
 */
export const followCopies = async (unit: Parameters<typeof discardDraft>[0], accountId: bigint): Promise<void> => {
  const { tx } = unit
  const seen = await tx.$queryRaw<{ id: string; user_id: bigint }[]>`
    WITH c AS (UPDATE draft_copy c SET message_id = p.message_id FROM placement p JOIN mailbox b ON b.id = p.mailbox_id
      WHERE c.account_id = ${accountId} AND c.state = 'stored' AND c.message_id IS NULL AND p.mailbox_id = c.mailbox_id AND p.uid = c.uid AND b.uid_validity = c.uid_validity
      RETURNING c.draft_id, c.message_id, c.version, c.id)
    UPDATE draft d SET message_id = c.message_id, copied_version = c.version
    FROM (SELECT DISTINCT ON (draft_id) draft_id, message_id, version FROM c ORDER BY draft_id, id DESC) c
    WHERE d.id = c.draft_id RETURNING d.id::text, d.user_id`
  for (const { id, user_id: userId } of seen) tellDraft(unit, { id, userId })
  const missed = Prisma.sql`
    b.id = c.mailbox_id AND b.is_synced AND b.is_selectable AND b.fill_uid = 1 AND c.account_id = ${accountId} AND c.state = 'stored' AND c.message_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = c.message_id AND p.shown_mailbox_id = c.mailbox_id)
      AND NOT EXISTS (SELECT 1 FROM switch_mail s WHERE s.message_id = c.message_id)`
  const unsure = await tx.$queryRaw<{ id: string }[]>`
    SELECT DISTINCT d.id::text FROM draft_copy c JOIN draft d ON d.id = c.draft_id AND d.account_id = c.account_id AND d.copy_at IS NULL, mailbox b
    WHERE ${missed} AND b.uid_validity IS DISTINCT FROM c.uid_validity`
  for (const { id } of unsure) await wantCopy(unit, id)
  const gone = await tx.$queryRaw<{ draft_id: string }[]>`
    DELETE FROM draft_copy c USING mailbox b WHERE ${missed} AND b.uid_validity = c.uid_validity RETURNING c.draft_id::text`
  for (const { draft_id: id } of gone) {
    const row = await tx.draft.findUnique({ where: { id } })
    const left = await tx.draftCopy.count({ where: { draftId: id } })
    if (!row || !isOpen(row) || left > 0) continue
    if (row.uncopiedAt === null) await discardDraft(unit, row)
    else {
      await tx.draft.update({ where: { id }, data: { messageId: null } })
      tellDraft(unit, row)
    }
  }
}

/** The Drafts mailbox of an account whose mail is kept here; null: there is none. */
export const findDraftsHere = async (tx: Tx, accountId: bigint): Promise<bigint | null> => {
  const [row] = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM mailbox WHERE account_id = ${accountId} AND coalesce(chosen_role, role) = 'drafts' ORDER BY chosen_role IS NULL, id LIMIT 1`
  return row?.id ?? null
}

/** Held until this transaction ends, when it is still as it was read. */
export const holdUnchanged = async ({ tx }: RawUnit, { id, copyAt }: DraftRow): Promise<boolean> => {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM draft WHERE id = ${id}::uuid AND copy_at IS NOT DISTINCT FROM ${copyAt?.toISOString() ?? null}::timestamptz FOR UPDATE`
  return rows.length > 0
}

/** Copies kept here go with their octets: nobody misses one that another replaces. */
export const removeCopiesHere = async (unit: BulkUnit, accountId: bigint, copies: CopyRow[]): Promise<void> => {
  const { tx } = unit
  for (const { mailboxId, messageId } of copies) {
    const rows = await tx.$queryRaw<{ id: bigint }[]>`
      SELECT id FROM placement WHERE mailbox_id = ${mailboxId} AND message_id = ${messageId}`
    unit.touchThreads(
      accountId,
      await removePlacements(
        tx,
        mailboxId,
        rows.map(({ id }) => id),
      ),
    )
    const free = await tx.$queryRaw<{ blob_id: bigint; is_source: boolean }[]>`
      WITH o AS (SELECT id FROM message WHERE id = ${messageId} AND orphaned_at IS NOT NULL),
        p AS (UPDATE part SET blob_id = NULL FROM o WHERE part.message_id = o.id AND blob_id IS NOT NULL RETURNING (SELECT q.blob_id FROM part q WHERE q.id = part.id) AS blob_id),
        r AS (DELETE FROM raw_source USING o WHERE message_id = o.id RETURNING blob_id)
      SELECT blob_id, false AS is_source FROM p UNION SELECT blob_id, true FROM r`
    await dropOctets(
      tx,
      free.map(({ blob_id }) => blob_id),
    )
    if (messageId !== null && free.some((one) => one.is_source)) await countTexts(tx, accountId, [messageId])
  }
  await forgetCopies(
    unit,
    copies.map(({ id }) => id),
  )
}

/** Discarded drafts and attachments that were taken out, a day later. Octets go with the last that names them. */
export const sweepDrafts = async (store: Store): Promise<void> => {
  await store.prisma.$executeRaw`
    WITH old AS (DELETE FROM draft d WHERE discarded_at < now() - interval '1 day' AND submission_id IS NULL
        AND NOT EXISTS (SELECT 1 FROM draft_copy c WHERE c.draft_id = d.id) RETURNING id),
      gone AS (DELETE FROM draft_attachment WHERE draft_id IN (SELECT id FROM old) OR removed_at < now() - interval '1 day'
        OR NOT EXISTS (SELECT 1 FROM draft d WHERE d.id = draft_id) RETURNING id, blob_id),
      free AS (SELECT blob_id FROM gone WHERE blob_id IS NOT NULL
        EXCEPT SELECT blob_id FROM draft_attachment a WHERE NOT EXISTS (SELECT 1 FROM gone WHERE gone.id = a.id)),
      b AS (DELETE FROM blob WHERE id IN (SELECT blob_id FROM free))
    DELETE FROM blob_chunk WHERE blob_id IN (SELECT blob_id FROM free)`
}
