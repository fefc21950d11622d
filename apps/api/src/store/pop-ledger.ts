import type { MaildropFacts } from '@postern/shared/retrieval.ts'
import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { RawUnit } from './commit.ts'
import { Prisma } from './generated/client.ts'
import { type Held, toHeld } from './maildrop-parts.ts'
import type { Store, Tx } from './open-store.ts'
import type { Statement } from './reader.ts'

/** The memory of a maildrop; what its states mean and who may change them is told in sync/plan-maildrop.ts. */
export type LedgerRowState = 'listed' | 'fetched' | 'to_delete' | 'dele_sent' | 'gone'

type RawRow = {
  id: bigint
  key: string
  size_bytes: bigint
  state: string
  is_whole: boolean
  is_in_part: boolean
  wants_whole: boolean
  is_too_large: boolean
  is_copy: boolean
  fetched_at: Date | null
  received_at: Date | null
  missing_since: Date | null
}

const rowsOf = (accountId: bigint): Statement<RawRow> => ({
  name: 'ledger.rows',
  sql: Prisma.sql`
    SELECT id, key, size_bytes, state, is_whole, wants_whole, is_too_large, is_copy, fetched_at, received_at, missing_since,
      CASE WHEN is_whole THEN false ELSE coalesce((SELECT m.is_header_only FROM message m WHERE m.id = l.message_id), true) END AS is_in_part
    FROM pop_ledger l WHERE account_id = ${accountId} AND state <> 'gone' ORDER BY id`,
})
type RawFacts = { maildrop: unknown; retrieval: unknown }
const factsOf = (accountId: bigint): Statement<RawFacts> => ({
  name: 'ledger.facts',
  sql: Prisma.sql`SELECT maildrop, retrieval FROM account WHERE id = ${accountId}`,
})

const toLedger = (rows: RawRow[], held: Held) => ({
  ...held,
  rows: rows.map((row) => ({
    id: row.id,
    key: row.key,
    sizeBytes: Number(row.size_bytes),
    state: row.state as Exclude<LedgerRowState, 'gone'>, // the query leaves that one out
    isWhole: row.is_whole,
    isInPart: row.is_in_part,
    wantsWhole: row.wants_whole,
    isTooLarge: row.is_too_large,
    isCopy: row.is_copy,
    fetchedAt: row.fetched_at,
    receivedAt: row.received_at,
    missingSince: row.missing_since,
  })),
})
export type Ledger = ReturnType<typeof toLedger>

/** Every row that is not gone, in the order it was first listed; what the person was last told of the maildrop, and wants of it. */
export const readLedger = async (store: Store, accountId: bigint): Promise<Ledger> => {
  const [rows, [told]] = await store.readTogether([rowsOf(accountId), factsOf(accountId)])
  return toLedger(rows, toHeld(told))
}

/** Writes down what was listed for the first time; answers the ids in the same order. */
export const addListed = async (
  unit: RawUnit,
  accountId: bigint,
  entries: { key: string; sizeBytes: number }[],
): Promise<bigint[]> => {
  if (entries.length === 0) return []
  const rows = await unit.tx.$queryRaw<{ id: bigint }[]>`
    WITH t AS (SELECT nextval('pop_ledger_id_seq') AS id, u.key, u.size::bigint AS size, u.n FROM unnest(${textArray(entries.map(({ key }) => key))}::text[],
        ${textArray(entries.map(({ sizeBytes }) => String(sizeBytes)))}::text[]) WITH ORDINALITY AS u (key, size, n)),
      l AS (INSERT INTO pop_ledger (id, account_id, key, size_bytes) SELECT id, ${accountId}::bigint, key, size FROM t)
    SELECT id FROM t ORDER BY n`
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

/** What is stored of these is not what came: they are to be fetched whole, and keep their state. */
export const markDamaged = async (unit: RawUnit, accountId: bigint, ids: bigint[]): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE pop_ledger SET is_whole = false, wants_whole = true WHERE account_id = ${accountId} AND id = ANY (${ids}::bigint[]) AND is_whole`
}

/** More came of it than is kept: from the next look on its header is all that is asked for. Answers the mail, if it has one. */
export const markTooLarge = async (unit: RawUnit, accountId: bigint, id: bigint): Promise<bigint[]> => {
  const rows = await unit.tx.$queryRaw<{ message_id: bigint | null }[]>`
    UPDATE pop_ledger SET is_too_large = true, wants_whole = false WHERE account_id = ${accountId} AND id = ${id} RETURNING message_id`
  return rows.flatMap(({ message_id }) => message_id ?? [])
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

/**
 * What the maildrop holds, for the person to see, counted by the ledger as it is while nobody else changes it: what a person asked
 * for since the look began counts. `held`: the account, as the transaction took it. Answers it.
 */
export const storeMaildropFacts = async (
  unit: RawUnit,
  { accountId, held }: { accountId: bigint; held: Held },
  count: (ledger: Ledger) => MaildropFacts,
): Promise<MaildropFacts> => {
  const { strings, values } = rowsOf(accountId).sql
  const rows = await unit.tx.$queryRaw<RawRow[]>(Object.assign([...strings], { raw: strings }), ...values)
  const facts = count(toLedger(rows, held))
  await unit.tx.$executeRaw`UPDATE account SET maildrop = ${JSON.stringify(facts)}::jsonb WHERE id = ${accountId}`
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
  return facts
}

/** What is left of a mail to compare another with: the header of its source, and the hash of what came, be it the header alone. */
export type StoredMail = { header: Uint8Array | null; hash: Uint8Array | null; isWhole: boolean }

/** By the ids of their rows. Most of a source's beginning is no header: many are read together, and octets go through JSON on their way. */
export const readStoredMails = async (
  tx: RawTx,
  accountId: bigint,
  ids: bigint[],
): Promise<Map<bigint, StoredMail>> => {
  const rows = await tx.$queryRaw<(StoredMail & { id: bigint })[]>`
    SELECT l.id, l.raw_hash AS hash, l.is_whole AS "isWhole",
      CASE WHEN h.ends > 0 THEN substr(c.bytes, 1, h.ends + 3) ELSE c.bytes END AS header FROM pop_ledger l
    LEFT JOIN raw_source r ON r.message_id = l.message_id
    CROSS JOIN LATERAL (SELECT blob_head(r.blob_id) AS bytes OFFSET 0) c
    CROSS JOIN LATERAL (SELECT position('\\x0d0a0d0a'::bytea IN c.bytes) AS ends) h
    WHERE l.account_id = ${accountId} AND l.id = ANY (${ids}::bigint[])`
  return new Map(rows.map(({ id, ...stored }) => [id, stored]))
}

/** The beginnings of the newest mails that the last look listed and that are here. */
export const readListedSources = async (tx: Tx, accountId: bigint, count: number): Promise<Uint8Array[]> => {
  const rows = await tx.$queryRaw<{ bytes: Uint8Array | null }[]>`
    SELECT blob_head(r.blob_id) AS bytes FROM pop_ledger l JOIN raw_source r ON r.message_id = l.message_id
    WHERE l.account_id = ${accountId} AND l.state = 'fetched' AND l.missing_since IS NULL ORDER BY l.id DESC LIMIT ${count}::int`
  return rows.flatMap(({ bytes }) => bytes ?? [])
}

/** Of a `message m`: the last look did not list it. */
export const isUnlisted = Prisma.sql`NOT EXISTS (SELECT 1 FROM pop_ledger l WHERE l.message_id = m.id AND l.state <> 'gone' AND l.missing_since IS NULL)`

/** Mails shown here that the last look did not list. */
export const countOnlyHere = async (tx: Tx, accountId: bigint): Promise<{ mails: number; bytes: number }> => {
  const [row] = await tx.$queryRaw<{ mails: number; bytes: number }[]>`
    SELECT count(*)::int AS mails, coalesce(sum(m.size_bytes), 0)::float8 AS bytes FROM message m
    WHERE m.account_id = ${accountId} AND EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id) AND ${isUnlisted}`
  return row ?? { mails: 0, bytes: 0 }
}

/** A mail of a listing, as the ledger knows it. */
export type ListedName = { key: string; sizeBytes: number }

/** The newest of what the last look found there. */
export const readLastListed = async (tx: Tx, accountId: bigint, count: number): Promise<ListedName[]> => {
  const rows = await tx.popLedger.findMany({
    where: { accountId, state: { notIn: ['gone', 'dele_sent'] }, missingSince: null },
    orderBy: { id: 'desc' },
    take: count,
    select: { key: true, sizeBytes: true },
  })
  return rows.map(({ key, sizeBytes }) => ({ key, sizeBytes: Number(sizeBytes) }))
}

/** How many of these the POP3 accounts of a person listed at their last look, those that know most of them first. */
export const countListedBy = async (
  tx: Tx,
  userId: bigint,
  names: ListedName[],
): Promise<{ accountId: bigint; mails: number }[]> => {
  const rows = await tx.$queryRaw<{ account_id: bigint; mails: number }[]>`
    SELECT l.account_id, count(DISTINCT (l.key, l.size_bytes))::int AS mails FROM account a
    JOIN pop_ledger l ON l.account_id = a.id AND l.state <> 'gone' AND l.missing_since IS NULL
    JOIN unnest(${textArray(names.map(({ key }) => key))}::text[], ${textArray(names.map(({ sizeBytes }) => String(sizeBytes)))}::text[]) AS u (key, size)
      ON u.key = l.key AND u.size::bigint = l.size_bytes
    WHERE a.user_id = ${userId} AND a.kind = 'pop3' GROUP BY l.account_id ORDER BY mails DESC, l.account_id`
  return rows.map((row) => ({ accountId: row.account_id, mails: row.mails }))
}
