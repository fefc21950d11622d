import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { StagedContent } from './blobs.ts'
import type { RawUnit, Unit } from './commit.ts'
import type { WholeDraft } from './drafts.ts'
import { holdOwnDraft, tellDraft, wantCopy, wantCopyGone } from './drafts.ts'
import type { Tx } from './open-store.ts'
import { foundInSent } from './read-submissions.ts'
import { type Due, partsOf, splitWaiting, tellSubmission } from './submissions.ts'

/** What its person does with a mail on its way out. Each holds it first, so that nobody begins to send it meanwhile. */
export type HeldSubmission = {
  id: string
  accountId: bigint
  userId: bigint
  draftId: string | null
  blobId: bigint
  isCancelled: boolean
  isDismissed: boolean
  isFinished: boolean
  /** By the clock of the database. */
  now: Date
  states: string[]
  /** Why they wait, where it is nothing that a server said of the mail. */
  faults: string[]
}

/** Null when it is somebody else's or not there. */
export const holdSubmission = async (tx: RawTx, userId: bigint, id: string): Promise<HeldSubmission | null> => {
  // In the order in which the engine takes them.
  const batches = await tx.$queryRaw<{ state: string; error_code: string | null }[]>`
    SELECT b.state, b.error_code FROM submission_batch b JOIN submission s ON s.id = b.submission_id AND s.user_id = ${userId}
    WHERE b.submission_id = ${id}::uuid ORDER BY b.n FOR UPDATE OF b`
  const [found] = await tx.$queryRaw<Omit<HeldSubmission, 'states' | 'faults'>[]>`
    SELECT id::text, account_id AS "accountId", user_id AS "userId", draft_id::text AS "draftId", blob_id AS "blobId", cancelled_at IS NOT NULL AS "isCancelled",
      dismissed_at IS NOT NULL AS "isDismissed", finished_at IS NOT NULL AS "isFinished", now() AS now FROM submission WHERE id = ${id}::uuid AND user_id = ${userId} FOR UPDATE`
  if (!found) return null
  const faults = batches.flatMap(({ error_code }) => error_code ?? [])
  return { ...found, states: batches.map(({ state }) => state), faults }
}

/**
 * A draft that is sent is on nobody's desk, and not long in Drafts; not at once, as it may be taken back. False: it has another
 * version or other attachments than were composed, is sent already, or is gone. Both statements leave at once.
 */
export const takeDraft = async (
  unit: RawUnit,
  { row: { id, userId }, attachments }: WholeDraft,
  { submissionId, version }: { submissionId: string; version: number },
): Promise<boolean> => {
  const attached = attachments.map((one) => one.id).sort()
  // Whoever attaches something or takes it out holds the draft too; what is attached is looked at when nobody else holds it.
  const hold = unit.tx.$executeRaw`SELECT 1 FROM draft WHERE id = ${id}::uuid AND user_id = ${userId} FOR UPDATE`
  const take = unit.tx.$executeRaw`
    UPDATE draft SET submission_id = ${submissionId}::uuid, copy_at = now() + interval '15 seconds'
    WHERE id = ${id}::uuid AND user_id = ${userId} AND version = ${version}::int AND submission_id IS NULL AND discarded_at IS NULL
      AND ARRAY(SELECT a.id::text FROM draft_attachment a WHERE a.draft_id = draft.id AND a.removed_at IS NULL ORDER BY a.id::text COLLATE "C") = ${textArray(attached)}::text[]`
  const [, taken] = await Promise.all([hold, take])
  if (taken > 0) unit.log({ userId }, { kind: 'draft', draftId: id })
  return taken > 0
}

/** It is a draft again, as it was. Null: there is none any more. */
export const giveDraftBack = async (
  unit: Unit,
  { id, userId, draftId }: HeldSubmission,
): Promise<WholeDraft | null> => {
  if (draftId === null) return null
  const { count } = await unit.tx.draft.updateMany({
    where: { id: draftId, userId, submissionId: id },
    data: { submissionId: null, updatedAt: new Date() },
  })
  const draft = await holdOwnDraft(unit.tx, userId, draftId)
  if (count === 0 || !draft) return draft
  await wantCopy(unit, draftId)
  tellDraft(unit, draft.row)
  return draft
}

/** Sent: neither it nor its copy in Drafts is wanted any more. It is kept for a while as what is discarded is. */
export const endDraft = async (unit: Unit, { id, draftId }: { id: string; draftId: string }): Promise<void> => {
  const { count } = await unit.tx.draft.updateMany({
    where: { id: draftId, submissionId: id, discardedAt: null },
    data: { discardedAt: new Date() },
  })
  if (count > 0) await wantCopyGone(unit, draftId)
}

/** Taken back: nothing of it leaves. It must be held, and in none of the states from which something may have left. */
export const cancelHeld = async (unit: Unit, { id, accountId }: HeldSubmission): Promise<void> => {
  await unit.tx.$executeRaw`UPDATE submission SET cancelled_at = now(), finished_at = now() WHERE id = ${id}::uuid`
  await unit.tx
    .$executeRaw`UPDATE submission_batch SET state = 'cancelled', changed_at = now() WHERE submission_id = ${id}::uuid`
  tell(unit, { id, accountId })
}

/** To all who have not got it, at once, and to Sent; a day is counted anew. False: nothing is left to do. */
export const retryHeld = async (unit: Unit, { id, accountId }: HeldSubmission): Promise<boolean> => {
  const { tx } = unit
  const again = await tx.$executeRaw`
    UPDATE submission_batch b SET state = 'queued', changed_at = now(), due_at = greatest(now(), s.not_before)
    FROM submission s WHERE s.id = b.submission_id AND b.submission_id = ${id}::uuid AND b.state IN ('deferred', 'failed')`
  // Those refused by a server that took it for others: they alone.
  const missed = await tx.$executeRaw`
    WITH missed AS (SELECT r.position FROM submission_recipient r JOIN submission_batch b ON b.submission_id = r.submission_id AND b.n = r.batch
        WHERE r.submission_id = ${id}::uuid AND r.state = 'refused' AND b.state = 'sent'),
      made AS (INSERT INTO submission_batch (submission_id, n, account_id, due_at)
        SELECT ${id}::uuid, (SELECT max(n) + 1 FROM submission_batch WHERE submission_id = ${id}::uuid), ${accountId}::bigint, now() WHERE EXISTS (SELECT 1 FROM missed) RETURNING n)
    UPDATE submission_recipient r SET batch = made.n FROM made WHERE r.submission_id = ${id}::uuid AND r.position IN (SELECT position FROM missed)`
  await tx.$executeRaw`
    UPDATE submission_recipient r SET state = 'waiting', reply_code = NULL, text = NULL FROM submission_batch b
    WHERE r.submission_id = ${id}::uuid AND r.state = 'refused' AND b.submission_id = r.submission_id AND b.n = r.batch AND b.state = 'queued'`
  if (again + missed > 0)
    await tx.$executeRaw`UPDATE submission SET finished_at = NULL, dismissed_at = NULL, told_at = NULL, not_before = greatest(now(), not_before) WHERE id = ${id}::uuid`
  const copies = await tx.$executeRaw`
    UPDATE submission SET sent_copy = 'waiting', sent_copy_item_id = NULL, copy_at = now() WHERE id = ${id}::uuid AND sent_copy = 'refused'`
  tell(unit, { id, accountId })
  return again + missed + copies > 0
}

/** Ends the doubt about its batches: the server had them, for all but those it refused; or they go again. */
export const decideHeld = async (
  unit: RawUnit,
  { id, accountId }: HeldSubmission,
  decision: 'arrived' | 'foundInSent' | 'sendAgain',
): Promise<void> => {
  const { tx } = unit
  if (decision === 'sendAgain') {
    await tx.$executeRaw`UPDATE submission SET not_before = now(), told_at = NULL WHERE id = ${id}::uuid`
    // Those of whom a report said that it did not arrive, too.
    await tx.$executeRaw`
      UPDATE submission_recipient r SET state = 'waiting', reply_code = NULL, text = NULL FROM submission_batch b
      WHERE r.submission_id = ${id}::uuid AND r.state = 'failed' AND b.submission_id = r.submission_id AND b.n = r.batch AND b.state = 'in_doubt'`
    await tx.$executeRaw`
      UPDATE submission_batch SET state = 'queued', changed_at = now(), due_at = now(), text = NULL WHERE submission_id = ${id}::uuid AND state = 'in_doubt'`
  } else {
    const doubts = await tx.$queryRaw<{ n: number }[]>`
      SELECT n FROM submission_batch WHERE submission_id = ${id}::uuid AND state = 'in_doubt' ORDER BY n`
    for (const { n } of doubts) await splitWaiting(unit, { submissionId: id, n }, { dueInMs: 0 })
    await tx.$executeRaw`
      UPDATE submission_recipient r SET state = 'accepted', reply_code = NULL, text = NULL FROM submission_batch b
      WHERE r.submission_id = ${id}::uuid AND r.state = 'waiting' AND b.submission_id = r.submission_id AND b.n = r.batch AND b.state = 'in_doubt'`
    await tx.$executeRaw`
      UPDATE submission_batch SET state = 'sent', changed_at = now(), reply_code = NULL, text = ${decision === 'foundInSent' ? foundInSent : null}::text WHERE submission_id = ${id}::uuid AND state = 'in_doubt'`
  }
  tell(unit, { id, accountId })
}

export const dismissHeld = async (unit: Unit, { id, accountId }: HeldSubmission): Promise<void> => {
  await unit.tx.$executeRaw`UPDATE submission SET dismissed_at = now() WHERE id = ${id}::uuid`
  tell(unit, { id, accountId })
}

/** It leaves at another time, and says so in its header: other octets take the place of those it had. */
export const rescheduleHeld = async (
  unit: Unit,
  { id, accountId, blobId }: HeldSubmission,
  { notBefore, schedule, octets }: { notBefore: Due; schedule: unknown; octets: StagedContent },
): Promise<void> => {
  const { tx } = unit
  const { at, inMs } = partsOf(notBefore)
  const stored = octets.blobId ?? (await storeSmall(tx, accountId, octets))
  if (octets.blobId !== null)
    await tx.$executeRaw`UPDATE blob SET is_whole = true, sha256 = ${octets.sha256}, size_bytes = ${octets.sizeBytes}::bigint WHERE id = ${stored} AND account_id = ${accountId}`
  await tx.$executeRaw`DELETE FROM blob_chunk WHERE blob_id = ${blobId}`
  await tx.$executeRaw`DELETE FROM blob WHERE id = ${blobId}`
  await tx.$executeRaw`
    UPDATE submission SET not_before = coalesce(${at}::timestamptz, now() + ${inMs}::float8 * interval '1 millisecond'), schedule = ${schedule === null ? null : JSON.stringify(schedule)}::jsonb, blob_id = ${stored},
      size_bytes = ${octets.sizeBytes}::bigint WHERE id = ${id}::uuid`
  await tx.$executeRaw`
    UPDATE submission_batch b SET due_at = s.not_before FROM submission s WHERE s.id = b.submission_id AND b.submission_id = ${id}::uuid`
  tell(unit, { id, accountId })
}

const storeSmall = async (tx: Tx, accountId: bigint, { sha256, sizeBytes, head }: StagedContent): Promise<bigint> => {
  const [row] = await tx.$queryRaw<{ id: bigint }[]>`
    INSERT INTO blob (account_id, sha256, size_bytes, is_whole) VALUES (${accountId}, ${sha256}, ${sizeBytes}::bigint, true) RETURNING id`
  if (!row) throw new Error('a row was not made')
  await tx.$executeRaw`INSERT INTO blob_chunk (blob_id, n, bytes) VALUES (${row.id}, 0, ${head})`
  return row.id
}

const tell = (unit: RawUnit, { id, accountId }: { id: string; accountId: bigint }): void => {
  tellSubmission(unit, accountId, id)
  unit.wakeEngine(accountId)
}
