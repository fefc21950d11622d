import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { RawUnit } from './commit.ts'

/** The memory of a maildrop; what its states mean and who may change them is told in sync/plan-maildrop.ts. */
export type LedgerRowState = 'listed' | 'fetched' | 'to_delete' | 'dele_sent' | 'gone'

type RawRow = {
  id: bigint
  key: string
  size_bytes: bigint
  state: string
  is_whole: boolean
  is_copy: boolean
  fetched_at: Date | null
  received_at: Date | null
  missing_since: Date | null
}

/** Every row that is not gone, in the order it was first listed. */
export const readLedger = async (tx: RawTx, accountId: bigint) => {
  const rows = await tx.$queryRaw<RawRow[]>`
    SELECT id, key, size_bytes, state, is_whole, is_copy, fetched_at, received_at, missing_since FROM pop_ledger
    WHERE account_id = ${accountId} AND state <> 'gone' ORDER BY id`
  return rows.map((row) => ({
    id: row.id,
    key: row.key,
    sizeBytes: Number(row.size_bytes),
    state: row.state as Exclude<LedgerRowState, 'gone'>, // the query leaves that one out
    isWhole: row.is_whole,
    isCopy: row.is_copy,
    fetchedAt: row.fetched_at,
    receivedAt: row.received_at,
    missingSince: row.missing_since,
  }))
}

/** Writes down what was listed for the first time; answers the ids in the same order. */
export const addListed = async (
  unit: RawUnit,
  accountId: bigint,
  entries: { key: string; sizeBytes: number }[],
): Promise<bigint[]> => {
  if (entries.length === 0) return []
  const rows = await unit.tx.$queryRaw<{ id: bigint }[]>`
    INSERT INTO pop_ledger (account_id, key, size_bytes)
    SELECT ${accountId}::bigint, t.key, t.size::bigint FROM unnest(${textArray(entries.map(({ key }) => key))}::text[],
      ${textArray(entries.map(({ sizeBytes }) => String(sizeBytes)))}::text[]) WITH ORDINALITY AS t (key, size, n) ORDER BY t.n
    RETURNING id`
  return rows.map(({ id }) => id)
}

/** Marks rows; `from` guards against a state that somebody else changed meanwhile. Answers the ids that were marked. */
export const markLedger = async (
  unit: RawUnit,
  accountId: bigint,
  ids: bigint[],
  { from, to }: { from: LedgerRowState[]; to: LedgerRowState },
): Promise<bigint[]> => {
  if (ids.length === 0) return []
  const rows = await unit.tx.$queryRaw<{ id: bigint }[]>`
    UPDATE pop_ledger SET state = ${to}, gone_at = CASE WHEN ${to} = 'gone' THEN now() ELSE gone_at END
    WHERE account_id = ${accountId} AND id = ANY (${ids}::bigint[]) AND state = ANY (${from}::text[]) RETURNING id`
  return rows.map(({ id }) => id)
}

/** Says since when rows are away, or that they are back. */
export const markMissing = async (
  unit: RawUnit,
  accountId: bigint,
  ids: bigint[],
  isMissing: boolean,
): Promise<void> => {
  if (ids.length === 0) return
  await unit.tx.$executeRaw`
    UPDATE pop_ledger SET missing_since = CASE WHEN ${isMissing} THEN coalesce(missing_since, now()) END
    WHERE account_id = ${accountId} AND id = ANY (${ids}::bigint[])`
}

/** Those of which the stored source, read anew, has the hash it came with. */
export const findVerified = async (tx: RawTx, accountId: bigint, ids: bigint[]): Promise<bigint[]> => {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT l.id FROM pop_ledger l JOIN raw_source r ON r.message_id = l.message_id JOIN blob b ON b.id = r.blob_id
    WHERE l.account_id = ${accountId} AND l.id = ANY (${ids}::bigint[]) AND l.is_whole AND b.is_whole
      AND l.raw_hash = (SELECT sha256(string_agg(c.bytes, ''::bytea ORDER BY c.n)) FROM blob_chunk c WHERE c.blob_id = b.id)`
  return rows.map(({ id }) => id)
}

/** What the maildrop holds, for the person to see. */
export const storeMaildropFacts = async (
  unit: RawUnit,
  accountId: bigint,
  facts: { messages: number; bytes: number },
): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE account SET maildrop = jsonb_build_object('messages', ${facts.messages}::int, 'bytes', ${facts.bytes}::float8, 'listedAt', now()) WHERE id = ${accountId}`
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
}

/** The beginning of a stored source; null when there is none. */
export const readStoredHeader = async (tx: RawTx, accountId: bigint, id: bigint): Promise<Uint8Array | null> => {
  const rows = await tx.$queryRaw<{ bytes: Uint8Array }[]>`
    SELECT substr(c.bytes, 1, 262144) AS bytes FROM pop_ledger l JOIN raw_source r ON r.message_id = l.message_id
    JOIN blob_chunk c ON c.blob_id = r.blob_id AND c.n = 0 WHERE l.account_id = ${accountId} AND l.id = ${id}`
  return rows[0]?.bytes ?? null
}
