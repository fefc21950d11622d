import { effectivePlacement, type PendingEffect } from '#mail/flags.ts'
import type { RawTx } from './bare-tx.ts'

type PlacementRow = { id: bigint; mailbox_id: bigint; flags: number; keywords: string[]; thread_id: bigint }
type TargetRow = {
  placement_id: bigint
  add_flags: number
  remove_flags: number
  add_keywords: string[]
  remove_keywords: string[]
  to_mailbox_id: bigint | null
  is_expunge: boolean
}

/** What is still to be done to these placements, by placement, in the order it was asked for. */
export const pendingTargetsFor = async (tx: RawTx, placementIds: bigint[]): Promise<Map<bigint, PendingEffect[]>> => {
  const rows = await tx.$queryRaw<TargetRow[]>`
    SELECT placement_id, add_flags::int AS add_flags, remove_flags::int AS remove_flags, add_keywords, remove_keywords, to_mailbox_id, is_expunge
    FROM command_target WHERE placement_id = ANY (${placementIds}::bigint[]) AND state = 'pending' ORDER BY placement_id, ordinal`
  const pending = new Map<bigint, PendingEffect[]>()
  for (const row of rows) {
    const effects = pending.get(row.placement_id) ?? []
    pending.set(row.placement_id, effects)
    effects.push({
      addFlags: row.add_flags,
      removeFlags: row.remove_flags,
      addKeywords: row.add_keywords,
      removeKeywords: row.remove_keywords,
      toMailboxId: row.to_mailbox_id,
      isExpunge: row.is_expunge,
    })
  }
  return pending
}

/**
 * These placements are gone, and what waited for them ends: what was to be deleted is, anything else came too late for a
 * message that had left its mailbox. It is not followed to where it lies now; whoever moved it there did so on purpose.
 */
export const endWaiting = async (tx: RawTx, placementIds: bigint[]): Promise<void> => {
  await tx.$executeRaw`
    UPDATE command_target SET state = CASE WHEN is_expunge THEN 'done' ELSE 'missed' END
    WHERE state = 'pending' AND placement_id = ANY (${placementIds}::bigint[])`
}

/**
 * Sets the shown columns of these placements to the server's truth with pending intents applied. The fold itself is
 * `effectivePlacement`. Answers the conversations of those whose shown columns really changed.
 */
export const recomputeShown = async (tx: RawTx, placementIds: bigint[]): Promise<bigint[]> => {
  if (placementIds.length === 0) return []
  // Locked first: a command that is being given to one of them right now is then seen by the second statement.
  const placements = await tx.$queryRaw<PlacementRow[]>`
    SELECT id, mailbox_id, flags::int AS flags, keywords, thread_id FROM placement WHERE id = ANY (${placementIds}::bigint[]) ORDER BY id FOR UPDATE`
  const pending = await pendingTargetsFor(tx, placementIds)
  const shown = placements.map((row) => ({
    id: row.id,
    ...effectivePlacement(
      { mailboxId: row.mailbox_id, bits: row.flags, keywords: row.keywords },
      pending.get(row.id) ?? [],
    ),
  }))
  const changed = await tx.$queryRaw<{ thread_id: bigint }[]>`
    UPDATE placement p SET shown_mailbox_id = s.mailbox_id, shown_flags = s.flags, shown_keywords = string_to_array(s.keywords, ' ')
    FROM unnest(${shown.map((s) => s.id)}::bigint[], ${shown.map((s) => s.mailboxId)}::bigint[], ${shown.map((s) => s.bits)}::int[],
      ${shown.map((s) => s.keywords.join(' '))}::text[]) AS s (id, mailbox_id, flags, keywords)
    WHERE p.id = s.id AND (p.shown_mailbox_id IS DISTINCT FROM s.mailbox_id OR p.shown_flags <> s.flags
      OR p.shown_keywords <> string_to_array(s.keywords, ' '))
    RETURNING p.thread_id`
  return [...new Set(changed.map((row) => row.thread_id))]
}
