import type { ErrorCode } from '@postern/shared/error-codes.ts'
import { DELETED } from '#mail/flags.ts'
import type { RawTx } from './bare-tx.ts'
import { endWaiting, recomputeShown } from './command-effects.ts'
import type { Truth } from './command-work.ts'
import { logCommand } from './commands.ts'
import type { Unit } from './commit.ts'
import type { Tx } from './open-store.ts'

/** What became of a chunk of a command at the server. Ids are those of placements. */
export type Settlement = {
  commandId: string
  /** Where they were, and where they went; `uidValidity` is the target's as the server gave it. */
  mailboxId: bigint
  to: { mailboxId: bigint; uidValidity: bigint | null } | null
  done: bigint[]
  failed: bigint[]
  /** Had left before anything was done to them. */
  missed: bigint[]
  truth: Truth[]
  moved: { placementId: bigint; uid: number }[]
  /** No longer on the server as far as we know; a sync that meets the message again finds its id by identity. */
  gone: bigint[]
}

/**
 * A chunk's end, in one transaction: the server's truth onto the placements, targets closed, what is shown computed anew.
 * Lists are told only where that differs from what the person already saw.
 */
export const settleChunk = async (unit: Unit, accountId: bigint, chunk: Settlement): Promise<void> => {
  const { tx } = unit
  const { commandId, done, failed, missed, moved, gone, mailboxId, to } = chunk
  await tx.$executeRaw`
    UPDATE command_target SET state = CASE WHEN placement_id = ANY (${failed}::bigint[]) THEN 'failed'
      WHEN placement_id = ANY (${missed}::bigint[]) THEN 'missed' ELSE 'done' END
    WHERE command_id = ${commandId}::uuid AND placement_id = ANY (${[...done, ...failed, ...missed]}::bigint[])`
  await tx.$executeRaw`UPDATE command SET settled = settled + ${done.length}, attempts = 1, not_before = NULL WHERE id = ${commandId}::uuid`
  await storeTruth(tx, chunk.truth)
  if (to && moved.length > 0) unit.touchThreads(accountId, await placeMoved(tx, mailboxId, to, moved))
  unit.touchThreads(accountId, await removePlacements(tx, mailboxId, gone))
  unit.touchThreads(accountId, await recomputeShown(tx, [...done, ...failed, ...missed]))
}

/** A lower modseq never replaces a higher one; 0 means the server keeps none (RFC 7162 3.1.1). */
const storeTruth = async (tx: Tx, truth: Truth[]): Promise<void> => {
  if (truth.length === 0) return
  await tx.$executeRaw`
    UPDATE placement p SET flags = f.bits, keywords = string_to_array(f.keywords, ' '), modseq = greatest(p.modseq, f.modseq)
    FROM unnest(${truth.map((row) => row.placementId)}::bigint[], ${truth.map((row) => row.flags.bits)}::int[],
      ${truth.map((row) => row.flags.keywords.join(' '))}::text[], ${truth.map((row) => row.modseq)}::bigint[]) AS f (id, bits, keywords, modseq)
    WHERE p.id = f.id AND (f.modseq = 0 OR f.modseq >= p.modseq)`
}

/**
 * The placement keeps its id and gets the target's uid. A sync that was quicker made rows of its own: those give way. It may
 * also have seen the mark by which COPY and EXPUNGE remove the original; the copy is older than that.
 */
const placeMoved = async (
  tx: Tx,
  fromMailboxId: bigint,
  to: { mailboxId: bigint; uidValidity: bigint | null },
  moved: { placementId: bigint; uid: number }[],
): Promise<bigint[]> => {
  const ids = moved.map(({ placementId }) => placementId)
  const uids = moved.map(({ uid }) => BigInt(uid))
  await tx.$executeRaw`
    UPDATE command_target t SET placement_id = m.id FROM unnest(${ids}::bigint[], ${uids}::bigint[]) AS m (id, uid)
    JOIN placement e ON e.mailbox_id = ${to.mailboxId} AND e.uid = m.uid AND e.id <> m.id
    WHERE t.placement_id = e.id AND t.state = 'pending'
      AND NOT EXISTS (SELECT 1 FROM command_target o WHERE o.command_id = t.command_id AND o.placement_id = m.id)`
  const early = await tx.$queryRaw<GoneRow[]>`
    DELETE FROM placement WHERE mailbox_id = ${to.mailboxId} AND uid = ANY (${uids}::bigint[]) AND id <> ALL (${ids}::bigint[]) RETURNING id, thread_id, message_id`
  const placed = await tx.$executeRaw`
    UPDATE placement p SET mailbox_id = ${to.mailboxId}, uid = m.uid, modseq = 0, flags = p.flags & ~${DELETED}::int FROM unnest(${ids}::bigint[], ${uids}::bigint[]) AS m (id, uid) WHERE p.id = m.id`
  await tx.$executeRaw`UPDATE command_target SET state = 'done' WHERE state = 'pending' AND placement_id = ANY (${early.map((row) => row.id)}::bigint[])`
  await markOrphans(tx, early)
  await tx.$executeRaw`UPDATE mailbox SET envelopes_stored = greatest(0, envelopes_stored - ${placed}) WHERE id = ${fromMailboxId}`
  await growTarget(tx, to, uids, placed - early.length)
  return early.map((row) => row.thread_id)
}

/** When the new uids follow the target's cursor without a gap, its sync need not fetch them again. */
const growTarget = async (
  tx: Tx,
  to: { mailboxId: bigint; uidValidity: bigint | null },
  uids: bigint[],
  count: number,
): Promise<void> => {
  const [lowest, highest] = uids.reduce(([low, high], uid) => [uid < low ? uid : low, uid > high ? uid : high], [
    uids[0] ?? 0n,
    0n,
  ] as [bigint, bigint]) // a pair, not a list
  const isGapless = highest - lowest + 1n === BigInt(uids.length)
  await tx.$executeRaw`
    UPDATE mailbox SET envelopes_stored = greatest(0, envelopes_stored + ${count}), uid_validity = coalesce(uid_validity, ${to.uidValidity}::bigint),
      uid_next = CASE WHEN ${isGapless} AND uid_next = ${lowest} AND uid_validity = ${to.uidValidity}::bigint THEN ${highest + 1n} ELSE uid_next END
    WHERE id = ${to.mailboxId}`
}

type GoneRow = { id: bigint; thread_id: bigint; message_id: bigint }

/** Answers their conversations. */
export const removePlacements = async (tx: RawTx, mailboxId: bigint, ids: bigint[]): Promise<bigint[]> => {
  if (ids.length === 0) return []
  const gone = await tx.$queryRaw<GoneRow[]>`
    DELETE FROM placement WHERE id = ANY (${ids}::bigint[]) RETURNING id, thread_id, message_id`
  await tx.$executeRaw`UPDATE mailbox SET envelopes_stored = greatest(0, envelopes_stored - ${gone.length}) WHERE id = ${mailboxId}`
  await endWaiting(
    tx,
    gone.map((row) => row.id),
  )
  await markOrphans(tx, gone)
  return gone.map((row) => row.thread_id)
}

/** Messages without any placement are kept a while, so that a slow move finds them. */
const markOrphans = async (tx: RawTx, gone: GoneRow[]): Promise<void> => {
  if (gone.length === 0) return
  await tx.$executeRaw`
    UPDATE message m SET orphaned_at = now() WHERE m.id = ANY (${gone.map((row) => row.message_id)}::bigint[])
      AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id)`
}

/** Why a part of the command was refused; it will end as `failed`. */
export const noteFailure = async (
  unit: Unit,
  commandId: string,
  code: ErrorCode,
  serverText: string | null,
): Promise<void> => {
  await unit.tx.command.update({ where: { id: commandId }, data: { errorCode: code, serverText } })
}

/** The end of a command of which nothing is open: what waited for a message that is gone ends as in `endWaiting`. */
export const finishCommand = async (unit: Unit, accountId: bigint, commandId: string): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE command_target t SET state = CASE WHEN is_expunge THEN 'done' ELSE 'missed' END WHERE t.command_id = ${commandId}::uuid AND t.state = 'pending'
      AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.id = t.placement_id)`
  await unit.tx.$executeRaw`
    UPDATE command c SET finished_at = now(), settled = (SELECT count(*)::int FROM command_target t WHERE t.command_id = c.id AND t.state = 'done'),
      missed = missed + (SELECT count(*)::int FROM command_target t WHERE t.command_id = c.id AND t.state = 'missed'),
      state = CASE WHEN undone_by IS NOT NULL THEN 'undone' WHEN error_code IS NULL THEN 'done' ELSE 'failed' END
    WHERE id = ${commandId}::uuid AND state IN ('pending', 'running')
      AND NOT EXISTS (SELECT 1 FROM command_target t WHERE t.command_id = c.id AND t.state = 'pending')`
  logCommand(unit, accountId, commandId)
}

/** What a taken-back command has not begun yet is dropped, together with the part of the inverse that would undo it. */
export const dropUnsent = async (unit: Unit, accountId: bigint, commandId: string, undoneBy: string): Promise<void> => {
  const { tx } = unit
  const dropped = await tx.$queryRaw<{ placement_id: bigint }[]>`
    UPDATE command_target SET state = 'failed' WHERE command_id = ${commandId}::uuid AND state = 'pending' RETURNING placement_id`
  const ids = dropped.map((row) => row.placement_id)
  await tx.$executeRaw`
    UPDATE command_target SET state = 'done' WHERE command_id = ${undoneBy}::uuid AND state = 'pending' AND placement_id = ANY (${ids}::bigint[])`
  unit.touchThreads(accountId, await recomputeShown(tx, ids))
}
