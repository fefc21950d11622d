import type { ErrorCode } from '@postern/shared/error-codes.ts'
import { recomputeShown } from './command-effects.ts'
import type { WorkItem } from './command-work.ts'
import { logCommand } from './commands.ts'
import type { Unit } from './commit.ts'

/** The server has taken the flags: they are its truth now. */
export const settleFlags = async (unit: Unit, accountId: bigint, items: WorkItem[]): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE placement p SET flags = (p.flags | t.add_flags) & ~t.remove_flags,
      keywords = ARRAY(SELECT k FROM (SELECT unnest(p.keywords) AS k UNION SELECT unnest(t.add_keywords)) u
        WHERE lower(k) <> ALL (SELECT lower(r) FROM unnest(t.remove_keywords) r) ORDER BY k COLLATE "C")
    FROM command_target t WHERE t.command_id = ${commandOf(items)}::uuid AND t.placement_id = p.id AND p.id = ANY (${placementsOf(items)}::bigint[])`
  await settleTargets(unit, accountId, items, 'done')
}

/** The server has moved them. Without new uids they wait in the target until its sync sees them arrive. */
export const settleMove = async (
  unit: Unit,
  accountId: bigint,
  items: WorkItem[],
  uidMap: Map<number, number> | null,
): Promise<void> => {
  const { tx } = unit
  const toMailboxId = items[0]?.toMailboxId ?? null
  if (toMailboxId === null) return
  // A uid the server did not move was no longer there: the next sync of the source takes its row away.
  const moved = uidMap === null ? items : items.filter(({ uid }) => uidMap.has(uid))
  const newUids = moved.map(({ uid }) => (uidMap === null ? null : BigInt(uidMap.get(uid) ?? 0)))
  const taken = newUids.filter((uid) => uid !== null)
  // A sync of the target may have been quicker and made rows of its own.
  const early = await tx.$queryRaw<{ thread_id: bigint }[]>`
    DELETE FROM placement WHERE mailbox_id = ${toMailboxId} AND uid = ANY (${taken}::bigint[]) AND id <> ALL (${placementsOf(items)}::bigint[]) RETURNING thread_id`
  await tx.$executeRaw`
    UPDATE placement p SET mailbox_id = ${toMailboxId}, uid = t.uid, modseq = 0 FROM unnest(${placementsOf(moved)}::bigint[], ${newUids}::bigint[]) AS t (id, uid) WHERE p.id = t.id`
  const sources = new Map<bigint, number>()
  for (const { mailboxId } of moved) sources.set(mailboxId, (sources.get(mailboxId) ?? 0) + 1)
  for (const [mailboxId, count] of sources)
    await tx.$executeRaw`UPDATE mailbox SET envelopes_stored = greatest(0, envelopes_stored - ${count}) WHERE id = ${mailboxId}`
  await tx.$executeRaw`UPDATE mailbox SET envelopes_stored = envelopes_stored + ${taken.length - early.length} WHERE id = ${toMailboxId}`
  await settleTargets(unit, accountId, items, 'done')
  unit.touchThreads(
    accountId,
    early.map((row) => row.thread_id),
  )
}

/** Marks targets, recomputes what is shown and counts on the command. */
export const settleTargets = async (
  unit: Unit,
  accountId: bigint,
  items: WorkItem[],
  state: 'done' | 'failed',
): Promise<void> => {
  const { tx } = unit
  await tx.$executeRaw`UPDATE command_target SET state = ${state} WHERE command_id = ${commandOf(items)}::uuid AND placement_id = ANY (${placementsOf(items)}::bigint[])`
  await tx.$executeRaw`UPDATE command SET settled = settled + ${items.length}, state = 'running' WHERE id = ${commandOf(items)}::uuid AND state IN ('pending', 'running')`
  unit.touchThreads(accountId, await recomputeShown(tx, placementsOf(items)))
}

export const failCommand = async (
  unit: Unit,
  commandId: string,
  code: ErrorCode,
  serverText: string | null,
): Promise<void> => {
  await unit.tx.command.update({ where: { id: commandId }, data: { errorCode: code, serverText } })
}

/** The end of a command, once nothing of it is open. */
export const finishCommand = async (unit: Unit, accountId: bigint, commandId: string): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE command SET state = CASE WHEN error_code IS NULL THEN 'done' ELSE 'failed' END, finished_at = now() WHERE id = ${commandId}::uuid AND state IN ('pending', 'running')`
  logCommand(unit, accountId, commandId)
}

const placementsOf = (items: WorkItem[]): bigint[] => items.map(({ placementId }) => placementId)
const commandOf = (items: WorkItem[]): string => items[0]?.commandId ?? '00000000-0000-0000-0000-000000000000'
