import type { Unit } from './commit.ts'
import type { Tx } from './open-store.ts'

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
export type BodyRow = {
  messageId: bigint
  receivedAt: Date
  state: 'ready' | 'salvaged' | 'unparsable'
  text: string
  html: string | null
  isTruncated: boolean
  preview: string
  vector: string
  /** Attachments and inline parts, in order, as a JSON array of PartFacts. */
  parts: PartFacts[]
}
export type PartFacts = {
  position: number
  path: string
  contentType: string
  encoding: string
  charset: string
  filename: string | null
  contentId: string | null
  isInline: boolean
  sizeBytes: number
}

type RawBody = {
  message_id: bigint
  uid: bigint
  mailbox_id: bigint
  structure: unknown
  subject: string
  people: unknown
  received_at: Date
  size_bytes: bigint
}
const fromRaw = (row: RawBody): BodyToFetch => ({
  messageId: row.message_id,
  uid: row.uid,
  mailboxId: row.mailbox_id,
  structure: row.structure,
  subject: row.subject,
  people: row.people,
  receivedAt: row.received_at,
  sizeBytes: row.size_bytes,
})

/** The newest messages without a body, all in one mailbox, so that one SELECT serves them. */
export const nextBodies = async (tx: Tx, accountId: bigint, limit: number): Promise<BodyToFetch[]> => {
  const rows = await tx.$queryRaw<RawBody[]>`
    WITH newest AS (
      SELECT m.id, m.received_at FROM message m WHERE m.account_id = ${accountId} AND m.body_state = 'absent' AND m.orphaned_at IS NULL
      ORDER BY m.received_at DESC, m.id DESC LIMIT ${limit}::int * 4
    ), placed AS (
      SELECT DISTINCT ON (n.id) n.id, n.received_at, p.uid, p.mailbox_id FROM newest n
      JOIN placement p ON p.message_id = n.id AND p.uid IS NOT NULL JOIN mailbox b ON b.id = p.mailbox_id AND b.is_synced
      ORDER BY n.id, p.id
    ), one AS (SELECT mailbox_id FROM placed ORDER BY received_at DESC, id DESC LIMIT 1)
    SELECT m.id AS message_id, p.uid, p.mailbox_id, m.structure, m.subject,
      jsonb_build_array(m.from_addresses, m.to_addresses, m.cc) AS people, m.received_at, m.size_bytes
    FROM placed p JOIN one USING (mailbox_id) JOIN message m ON m.id = p.id
    ORDER BY m.received_at DESC, m.id DESC LIMIT ${limit}::int`
  return rows.map(fromRaw)
}

/** One message and a place where the server has it; null when it is in no mailbox any more. */
export const findBodyPlace = async (
  tx: Tx,
  accountId: bigint,
  messageId: bigint,
): Promise<(BodyToFetch & { path: string }) | null> => {
  const rows = await tx.$queryRaw<(RawBody & { path: string })[]>`
    SELECT m.id AS message_id, p.uid, p.mailbox_id, m.structure, m.subject, jsonb_build_array(m.from_addresses, m.to_addresses, m.cc) AS people,
      m.received_at, m.size_bytes, b.path
    FROM message m JOIN placement p ON p.message_id = m.id AND p.uid IS NOT NULL JOIN mailbox b ON b.id = p.mailbox_id
    WHERE m.account_id = ${accountId} AND m.id = ${messageId} ORDER BY p.id LIMIT 1`
  const row = rows[0]
  return row ? { ...fromRaw(row), path: row.path } : null
}

/** Bodies, previews, parts and search vectors of a batch. A body that is there already is not written twice. */
export const storeBodies = async (unit: Unit, accountId: bigint, all: BodyRow[]): Promise<void> => {
  const { tx } = unit
  const open = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM message WHERE id = ANY (${all.map((row) => row.messageId)}::bigint[]) AND account_id = ${accountId} AND body_state = 'absent' FOR UPDATE`
  const wanted = new Set(open.map(({ id }) => id))
  const rows = all.filter((row) => wanted.has(row.messageId))
  if (rows.length === 0) return
  const ids = rows.map((row) => row.messageId)
  await tx.$executeRaw`
    INSERT INTO body (message_id, account_id, text, html, is_truncated)
    SELECT t.id, ${accountId}, t.text, t.html, t.cut FROM unnest(${ids}::bigint[], ${rows.map((row) => row.text)}::text[], ${rows.map((row) => row.html)}::text[],
      ${rows.map((row) => row.isTruncated)}::boolean[]) AS t (id, text, html, cut) ON CONFLICT (message_id) DO NOTHING`
  await tx.$executeRaw`
    UPDATE message m SET body_state = t.state, preview = t.preview
    FROM unnest(${ids}::bigint[], ${rows.map((row) => row.state)}::text[], ${rows.map((row) => row.preview)}::text[]) AS t (id, state, preview) WHERE m.id = t.id`
  await tx.$executeRaw`
    INSERT INTO message_search (message_id, account_id, received_at, has_body, vector)
    SELECT t.id, ${accountId}, t.at, true, t.vector::tsvector FROM unnest(${ids}::bigint[], ${rows.map((row) => row.receivedAt)}::timestamptz[],
      ${rows.map((row) => row.vector)}::text[]) AS t (id, at, vector) ON CONFLICT (message_id) DO NOTHING`
  await insertParts(tx, accountId, rows)
  unit.log({ accountId }, { kind: 'bodies', messageIds: ids.slice(0, 100).map(String) })
}

const insertParts = async (tx: Tx, accountId: bigint, rows: BodyRow[]): Promise<void> => {
  const parts = rows.flatMap((row) => row.parts.map((part) => ({ messageId: row.messageId, ...part })))
  if (parts.length === 0) return
  await tx.part.createMany({
    data: parts.map((part) => ({ ...part, accountId, sizeBytes: BigInt(part.sizeBytes) })),
    skipDuplicates: true,
  })
}

/** Bodies stored per mailbox, for progress. */
export const countBodies = async (tx: Tx, accountId: bigint): Promise<{ stored: number; total: number }> => {
  const rows = await tx.$queryRaw<{ absent: number; total: number }[]>`
    SELECT (SELECT count(*)::int FROM message WHERE account_id = ${accountId} AND body_state = 'absent' AND orphaned_at IS NULL) AS absent,
      (SELECT count(*)::int FROM message WHERE account_id = ${accountId} AND orphaned_at IS NULL) AS total`
  const row = rows[0] ?? { absent: 0, total: 0 }
  return { stored: row.total - row.absent, total: row.total }
}
