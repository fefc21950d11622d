import type { RawTx } from './bare-tx.ts'
import { endWaiting, recomputeShown } from './command-effects.ts'
import type { RawUnit } from './commit.ts'
import type { MailboxPlace } from './sync-envelopes.ts'

export type FlagRow = { uid: bigint; bits: number; keywords: string[]; modseq: bigint }

/**
 * The server's flags onto stored placements. A lower modseq never replaces a higher one (RFC 7162 3.1.1); unchanged rows
 * are not written. Answers the conversations concerned.
 */
export const storeFlags = async (unit: RawUnit, { mailboxId }: MailboxPlace, rows: FlagRow[]): Promise<bigint[]> => {
  if (rows.length === 0) return []
  const { tx } = unit
  const changed = await tx.$queryRaw<{ id: bigint; thread_id: bigint }[]>`
    UPDATE placement p SET flags = f.bits, keywords = string_to_array(f.keywords, ' '), modseq = greatest(p.modseq, f.modseq),
      shown_flags = f.bits, shown_keywords = string_to_array(f.keywords, ' '),
      shown_mailbox_id = CASE WHEN f.bits & 8 <> 0 THEN NULL ELSE p.mailbox_id END
    FROM unnest(${rows.map((row) => row.uid)}::bigint[], ${rows.map((row) => row.bits)}::int[], ${rows.map((row) => row.keywords.join(' '))}::text[],
      ${rows.map((row) => row.modseq)}::bigint[]) AS f (uid, bits, keywords, modseq)
    WHERE p.mailbox_id = ${mailboxId} AND p.uid = f.uid AND (f.modseq = 0 OR f.modseq >= p.modseq)
      AND (p.flags <> f.bits OR p.keywords <> string_to_array(f.keywords, ' '))
    RETURNING p.id, p.thread_id`
  const pending = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT DISTINCT placement_id AS id FROM command_target WHERE state = 'pending' AND placement_id = ANY (${changed.map((row) => row.id)}::bigint[])`
  await recomputeShown(
    tx,
    pending.map((row) => row.id),
  )
  return [...new Set(changed.map((row) => row.thread_id))]
}

/**
 * Uids that are gone from the server. Messages without any placement are kept for a while, so that moves find them. What a
 * move that runs right now took away is left to that move, which knows where it went and keeps its row (settleChunk).
 */
export const removeUids = async (unit: RawUnit, { mailboxId }: MailboxPlace, uids: bigint[]): Promise<bigint[]> => {
  if (uids.length === 0) return []
  const { tx } = unit
  const gone = await tx.$queryRaw<{ id: bigint; thread_id: bigint; message_id: bigint }[]>`
    DELETE FROM placement p WHERE p.mailbox_id = ${mailboxId} AND p.uid = ANY (${uids}::bigint[])
      AND NOT EXISTS (SELECT 1 FROM command_target t JOIN command c ON c.id = t.command_id
        WHERE t.placement_id = p.id AND t.state = 'pending' AND t.to_mailbox_id IS NOT NULL AND c.state = 'running')
    RETURNING id, thread_id, message_id`
  await tx.$executeRaw`UPDATE mailbox SET envelopes_stored = greatest(0, envelopes_stored - ${gone.length}) WHERE id = ${mailboxId}`
  await endWaiting(
    tx,
    gone.map((row) => row.id),
  )
  await tx.$executeRaw`
    UPDATE message m SET orphaned_at = now() WHERE m.id = ANY (${gone.map((row) => row.message_id)}::bigint[])
      AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id)`
  return [...new Set(gone.map((row) => row.thread_id))]
}

/** Every stored uid of a mailbox with its flags: our side of a full compare. */
export const readStoredFlags = async (
  tx: RawTx,
  mailboxId: bigint,
): Promise<Map<bigint, { bits: number; keywords: string }>> => {
  const rows = await tx.$queryRaw<{ uid: bigint; bits: number; keywords: string }[]>`
    SELECT uid, flags::int AS bits, array_to_string(keywords, ' ') AS keywords FROM placement WHERE mailbox_id = ${mailboxId} AND uid IS NOT NULL`
  return new Map(rows.map((row) => [row.uid, { bits: row.bits, keywords: row.keywords }]))
}
