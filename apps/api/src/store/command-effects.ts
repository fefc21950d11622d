import { effectivePlacement } from '#mail/flags.ts'
import type { Tx } from './open-store.ts'

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

/**
 * Sets the shown columns of these placements to the server's truth with pending intents applied. The fold itself is
 * `effectivePlacement`. Answers the conversations concerned.
 */
export const recomputeShown = async (tx: Tx, placementIds: bigint[]): Promise<bigint[]> => {
  if (placementIds.length === 0) return []
  const placements = await tx.$queryRaw<PlacementRow[]>`
    SELECT id, mailbox_id, flags::int AS flags, keywords, thread_id FROM placement WHERE id = ANY (${placementIds}::bigint[]) FOR UPDATE`
  const targets = await tx.$queryRaw<TargetRow[]>`
    SELECT placement_id, add_flags::int AS add_flags, remove_flags::int AS remove_flags, add_keywords, remove_keywords, to_mailbox_id, is_expunge
    FROM command_target WHERE placement_id = ANY (${placementIds}::bigint[]) AND state = 'pending' ORDER BY placement_id, ordinal`
  const pending = new Map<bigint, TargetRow[]>()
  for (const target of targets) pending.set(target.placement_id, [...(pending.get(target.placement_id) ?? []), target])
  const shown = placements.map((row) => {
    const effects = (pending.get(row.id) ?? []).map((target) => ({
      addFlags: target.add_flags,
      removeFlags: target.remove_flags,
      addKeywords: target.add_keywords,
      removeKeywords: target.remove_keywords,
      toMailboxId: target.to_mailbox_id,
      isExpunge: target.is_expunge,
    }))
    return {
      id: row.id,
      ...effectivePlacement({ mailboxId: row.mailbox_id, bits: row.flags, keywords: row.keywords }, effects),
    }
  })
  await tx.$executeRaw`
    UPDATE placement p SET shown_mailbox_id = s.mailbox_id, shown_flags = s.flags, shown_keywords = string_to_array(s.keywords, ' ')
    FROM unnest(${shown.map((s) => s.id)}::bigint[], ${shown.map((s) => s.mailboxId)}::bigint[], ${shown.map((s) => s.bits)}::int[],
      ${shown.map((s) => s.keywords.join(' '))}::text[]) AS s (id, mailbox_id, flags, keywords)
    WHERE p.id = s.id`
  return [...new Set(placements.map((row) => row.thread_id))]
}
