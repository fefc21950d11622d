import { countBytes } from './account-state.ts'
import type { RawTx } from './bare-tx.ts'
import { dropOctets } from './blobs.ts'
import type { BodyColumns } from './body-columns.ts'
import type { RawUnit } from './commit.ts'
import { noteTexts } from './doubt-evidence.ts'
import { storeReports } from './mail-reports.ts'
import { countTexts, uncountTexts } from './stored-texts.ts'

export type BodyToFetch = {
  messageId: bigint
  uid: bigint
  mailboxId: bigint
  structure: unknown
  subject: string
  people: unknown
  receivedAt: Date
  sizeBytes: bigint
}
/** One JSON text instead of rows: thousands of rows with JSON columns cost the client ten times as much. */
type RawBody = {
  id: string
  uid: string
  mailbox: string
  structure: unknown
  subject: string
  people: unknown
  at: string
  size: string
}
const fromRaw = (row: RawBody): BodyToFetch => ({
  messageId: BigInt(row.id),
  uid: BigInt(row.uid),
  mailboxId: BigInt(row.mailbox),
  structure: row.structure,
  subject: row.subject,
  people: row.people,
  receivedAt: new Date(row.at),
  sizeBytes: BigInt(row.size),
})

/**
 * The newest messages without a body of the mailbox that holds the newest of all, so that one SELECT serves them. Those
 * that are on their way into the database already (`underWay`) are left out.
 */
export const nextBodies = async (
  tx: RawTx,
  accountId: bigint,
  limit: number,
  underWay: bigint[],
): Promise<BodyToFetch[]> => {
  const [found] = await tx.$queryRaw<{ rows: string | null }[]>`
    WITH one AS (
      SELECT p.mailbox_id FROM message m JOIN placement p ON p.message_id = m.id AND p.uid IS NOT NULL
      JOIN mailbox b ON b.id = p.mailbox_id AND b.is_synced
      WHERE m.account_id = ${accountId} AND m.body_state = 'absent' AND m.orphaned_at IS NULL AND m.id <> ALL (${underWay}::bigint[])
      ORDER BY m.received_at DESC, m.id DESC LIMIT 1
    )
    SELECT json_agg(json_build_object('id', w.id::text, 'uid', w.uid::text, 'mailbox', w.mailbox_id::text, 'structure', w.structure,
      'subject', w.subject, 'people', json_build_array(w.from_addresses, w.to_addresses, w.cc), 'at', w.received_at, 'size', w.size_bytes::text)
      ORDER BY w.received_at DESC, w.id DESC)::text AS rows
    FROM (SELECT m.*, p.uid, p.mailbox_id FROM one JOIN placement p ON p.mailbox_id = one.mailbox_id AND p.uid IS NOT NULL JOIN message m ON m.id = p.message_id
    WHERE m.account_id = ${accountId} AND m.body_state = 'absent' AND m.orphaned_at IS NULL AND m.id <> ALL (${underWay}::bigint[])
    ORDER BY m.received_at DESC, m.id DESC LIMIT ${limit}::int) w`
  const rows = JSON.parse(found?.rows ?? '[]') as RawBody[] // made by the query above
  // A mail that lies twice in this mailbox is fetched once.
  return [...new Map(rows.map((row) => [row.id, fromRaw(row)])).values()]
}

/** One message and a place where the server has it; null when it is in no mailbox any more. */
export const findBodyPlace = async (
  tx: RawTx,
  accountId: bigint,
  messageId: bigint,
): Promise<(BodyToFetch & { path: string }) | null> => {
  const [found] = await tx.$queryRaw<{ row: string; path: string }[]>`
    SELECT b.path, json_build_object('id', m.id::text, 'uid', p.uid::text, 'mailbox', p.mailbox_id::text, 'structure', m.structure,
      'subject', m.subject, 'people', json_build_array(m.from_addresses, m.to_addresses, m.cc), 'at', m.received_at, 'size', m.size_bytes::text)::text AS row
    FROM message m JOIN placement p ON p.message_id = m.id AND p.uid IS NOT NULL JOIN mailbox b ON b.id = p.mailbox_id
    WHERE m.account_id = ${accountId} AND m.id = ${messageId} ORDER BY p.id LIMIT 1`
  return found ? { ...fromRaw(JSON.parse(found.row) as RawBody), path: found.path } : null // made by the query above
}

/**
 * Bodies, previews, parts and search vectors of a batch, and the `bytes` it cost to fetch them. A body that is there already is not
 * written twice. Answers the bytes fetched today.
 */
export const storeBodies = async (
  unit: RawUnit,
  accountId: bigint,
  batch: BodyColumns[],
  bytes: number,
): Promise<bigint> => {
  const put: bigint[] = []
  for (const { messageIds, columns, reports } of batch) {
    if (messageIds.length === 0) continue
    put.push(...(await putBodies(unit, accountId, columns)))
    await storeReports(unit, accountId, reports)
    await noteTexts(unit, accountId, messageIds)
    unit.log({ accountId }, { kind: 'bodies', messageIds: messageIds.slice(0, 100) })
  }
  // Last: the account's row is locked from here on, and the next batch may be on its way beside this one.
  await countTexts(unit.tx, accountId, put)
  return countBytes(unit, accountId, bytes)
}

/** Answers which of them had no body before. */
const putBodies = async (unit: RawUnit, accountId: bigint, columns: BodyColumns['columns']): Promise<bigint[]> => {
  const put = await unit.tx.$queryRaw<{ id: bigint }[]>`
    WITH t AS MATERIALIZED (
      SELECT m.id, t.at::timestamptz AS at, t.state, t.text, t.html, t.cut::boolean AS cut, t.preview, t.vector, t.parts
      FROM unnest(${columns.id}::text[], ${columns.at}::text[], ${columns.state}::text[], ${columns.text}::text[], ${columns.html}::text[],
        ${columns.cut}::text[], ${columns.preview}::text[], ${columns.vector}::tsvector[], ${columns.parts}::text[])
        AS t (id, at, state, text, html, cut, preview, vector, parts)
      JOIN message m ON m.id = t.id::bigint AND m.account_id = ${accountId}
    ), put_body AS (
      INSERT INTO body (message_id, account_id, text, html, is_truncated) SELECT id, ${accountId}::bigint, text, html, cut FROM t ON CONFLICT (message_id) DO NOTHING
      RETURNING message_id AS id
    ), put_search AS (
      INSERT INTO message_search (message_id, account_id, received_at, has_body, vector)
      SELECT id, ${accountId}::bigint, at, true, vector FROM t ON CONFLICT (message_id) DO NOTHING
    ), put_parts AS (
      INSERT INTO part (message_id, account_id, position, path, content_type, encoding, charset, filename, content_id, is_inline, size_bytes)
      SELECT t.id, ${accountId}::bigint, p."position", p.path, p."contentType", p.encoding, p.charset, p.filename, p."contentId", p."isInline", p."sizeBytes"
      FROM t CROSS JOIN LATERAL json_to_recordset(t.parts::json) AS p ("position" int, path text, "contentType" text, encoding text, charset text,
        filename text, "contentId" text, "isInline" boolean, "sizeBytes" bigint)
      ON CONFLICT (message_id, position) DO NOTHING
    ), put_state AS (
      UPDATE message m SET body_state = t.state, preview = t.preview FROM t WHERE m.id = t.id AND m.body_state = 'absent'
    )
    SELECT id FROM put_body`
  return put.map(({ id }) => id)
}

/**
 * What was read of these mails part by part at a server is read anew from their sources: until that is stored, in the same
 * transaction or soon after, nothing was read of them. Parts that were fetched by themselves go with it.
 */
export const forgetRead = async (unit: RawUnit, accountId: bigint, messageIds: bigint[]): Promise<void> => {
  const { tx } = unit
  await uncountTexts(tx, accountId, messageIds)
  const gone = await tx.$queryRaw<{ blob_id: bigint | null }[]>`
    DELETE FROM part WHERE account_id = ${accountId} AND message_id = ANY (${messageIds}::bigint[]) RETURNING blob_id`
  await dropOctets(
    tx,
    gone.flatMap(({ blob_id }) => blob_id ?? []),
  )
  await tx.$executeRaw`DELETE FROM body WHERE message_id = ANY (${messageIds}::bigint[])`
  await tx.$executeRaw`DELETE FROM message_search WHERE message_id = ANY (${messageIds}::bigint[])`
  await tx.$executeRaw`UPDATE message SET body_state = 'absent' WHERE account_id = ${accountId} AND id = ANY (${messageIds}::bigint[])`
}

/** A mail of which the whole source is here, and nothing was read of it yet. */
export type SourceToOpen = Pick<BodyToFetch, 'messageId' | 'subject' | 'people' | 'receivedAt' | 'sizeBytes'> & {
  blobId: bigint
  blobBytes: number
}

type RawSource = {
  id: bigint
  subject: string
  people: unknown
  at: Date
  size: bigint
  blob_id: bigint
  bytes: bigint
}
const toSource = ({ id, subject, people, at, size, blob_id, bytes }: RawSource): SourceToOpen => ({
  messageId: id,
  subject,
  people,
  receivedAt: at,
  sizeBytes: size,
  blobId: blob_id,
  blobBytes: Number(bytes),
})

/** The newest unread sources of an account. */
export const nextSources = async (tx: RawTx, accountId: bigint, limit: number): Promise<SourceToOpen[]> => {
  const rows = await tx.$queryRaw<RawSource[]>`
    SELECT m.id, m.subject, json_build_array(m.from_addresses, m.to_addresses, m.cc) AS people, m.received_at AS at, m.size_bytes AS size,
      b.id AS blob_id, b.size_bytes AS bytes
    FROM message m JOIN raw_source r ON r.message_id = m.id JOIN blob b ON b.id = r.blob_id AND b.is_whole
    WHERE m.account_id = ${accountId} AND m.body_state = 'absent' AND m.orphaned_at IS NULL
    ORDER BY m.received_at DESC, m.id DESC LIMIT ${limit}::int`
  return rows.map(toSource)
}

/**
 * A message as it is kept here. `source` is null while its whole source is not, which `isHeader` is the reason for; `isListed`:
 * it can be had from the maildrop.
 */
export type StoredMessage = { isRead: boolean; source: SourceToOpen | null; isHeader: boolean; isListed: boolean }

/** Null when there is no such message. */
export const findStored = async (tx: RawTx, accountId: bigint, messageId: bigint): Promise<StoredMessage | null> => {
  const [row] = await tx.$queryRaw<
    (Omit<RawSource, 'blob_id'> & {
      blob_id: bigint | null
      is_read: boolean
      is_header: boolean
      is_listed: boolean
    })[]
  >`
    SELECT m.id, m.subject, json_build_array(m.from_addresses, m.to_addresses, m.cc) AS people, m.received_at AS at, m.size_bytes AS size,
      b.id AS blob_id, b.size_bytes AS bytes, m.body_state <> 'absent' AS is_read,
      b.id IS NULL AND m.is_header_only AS is_header,
      EXISTS (SELECT 1 FROM pop_ledger l WHERE l.message_id = m.id AND l.state = 'fetched' AND NOT l.is_whole AND l.missing_since IS NULL) AS is_listed
    FROM message m LEFT JOIN raw_source r ON r.message_id = m.id LEFT JOIN blob b ON b.id = r.blob_id AND b.is_whole
    WHERE m.account_id = ${accountId} AND m.id = ${messageId}`
  if (!row) return null
  const { blob_id, is_read: isRead, is_header: isHeader, is_listed: isListed } = row
  return { isRead, source: blob_id === null ? null : toSource({ ...row, blob_id }), isHeader, isListed }
}

/** Whether a mail can be opened in all its parts from what is here: its source is, and what was read of it was read from that. */
export const isKeptWhole = async (tx: RawTx, accountId: bigint, messageId: bigint): Promise<boolean> => {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM raw_source r JOIN blob b ON b.id = r.blob_id AND b.is_whole WHERE r.message_id = ${messageId} AND r.account_id = ${accountId}
      AND NOT EXISTS (SELECT 1 FROM part p WHERE p.message_id = r.message_id AND NOT starts_with(p.path, 'parsed:'))`
  return rows.length > 0
}

/** What only the parts of a mail tell, where no server told it before. Answers the conversations that changed. */
export const markAttachments = async (unit: RawUnit, messageIds: bigint[]): Promise<bigint[]> => {
  const rows = await unit.tx.$queryRaw<{ thread_id: bigint }[]>`
    UPDATE message m SET has_attachment = true WHERE m.id = ANY (${messageIds}::bigint[]) AND NOT m.has_attachment
      AND EXISTS (SELECT 1 FROM part p WHERE p.message_id = m.id AND NOT p.is_inline) RETURNING m.thread_id`
  return [...new Set(rows.map(({ thread_id }) => thread_id))]
}

/** From so many missing ones on it is worth counting the others: that takes longer than all else after one new mail. */
const countAllFrom = 500

/** For progress. While few are missing, only those are counted. */
export const countBodies = async (tx: RawTx, accountId: bigint): Promise<{ stored: number; total: number }> => {
  const rows = await tx.$queryRaw<{ absent: number; total: number }[]>`
    WITH missing AS MATERIALIZED (
      SELECT count(*)::int AS absent FROM message WHERE account_id = ${accountId} AND body_state = 'absent' AND NOT is_header_only AND orphaned_at IS NULL)
    SELECT absent, CASE WHEN absent < ${countAllFrom} THEN absent
      ELSE (SELECT count(*)::int FROM message WHERE account_id = ${accountId} AND orphaned_at IS NULL) END AS total FROM missing`
  const row = rows[0] ?? { absent: 0, total: 0 }
  return { stored: row.total - row.absent, total: row.total }
}
