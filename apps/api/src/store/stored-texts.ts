import type { RawTx } from './bare-tx.ts'

/**
 * A text counts as stored (account.stored_bytes) as long as there is no source of its mail: from that it could be read again.
 * Called before it goes, or before the source comes. Locks the account's row.
 */
export const uncountTexts = (tx: RawTx, accountId: bigint, messageIds: bigint[]): Promise<void> =>
  addTexts(tx, accountId, messageIds, -1)

/** The text came, or the source is gone and the text is left: it counts from here on. Locks the account's row. */
export const countTexts = (tx: RawTx, accountId: bigint, messageIds: bigint[]): Promise<void> =>
  addTexts(tx, accountId, messageIds, 1)

const addTexts = async (tx: RawTx, accountId: bigint, messageIds: bigint[], sign: 1 | -1): Promise<void> => {
  if (messageIds.length === 0) return
  // First, by a statement of its own: a text and the source of its mail that come at the same time would else not see each other.
  await tx.$queryRaw`SELECT 1 FROM account WHERE id = ${accountId} FOR NO KEY UPDATE`
  await tx.$executeRaw`
    UPDATE account SET stored_bytes = greatest(0, stored_bytes + ${sign}::int * t.bytes) FROM (
      SELECT sum(octet_length(b.text) + coalesce(octet_length(b.html), 0))::bigint AS bytes FROM body b
      WHERE b.account_id = ${accountId} AND b.message_id = ANY (${messageIds}::bigint[])
        AND NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.message_id = b.message_id)) t
    WHERE account.id = ${accountId} AND t.bytes > 0`
}
