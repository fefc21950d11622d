import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { RawUnit } from './commit.ts'
import { type EnvelopeRow, type MailboxPlace, storeEnvelopes } from './sync-envelopes.ts'

/** A mail out of a maildrop, whole or its header alone, ready to become visible. */
export type Arrival = {
  /** Its row in the ledger. */
  ledgerId: bigint
  envelope: Omit<EnvelopeRow, 'uid' | 'modseq'>
  /** SHA-256 of its octets; of the header, where that is all there is. */
  rawHash: Buffer
  isWhole: boolean
  /** Small mails are written with their row; a large one was staged before, in pieces, and verified. */
  source: { kind: 'bytes'; bytes: Buffer } | { kind: 'staged'; blobId: bigint }
}

export type Stored = {
  threadIds: bigint[]
  /** Of what has a place of its own now; copies of what is here already have none. */
  uids: bigint[]
  copies: number
}

/**
 * Makes a batch of mails and their rows in the ledger visible at once: messages, places in the inbox, sources. A mail of
 * which the very bytes are here already, while the row they came by is no longer listed, came again under another key: it
 * gets no second place, and its ledger row says so. One whose twin is listed beside it is a mail of its own.
 */
export const storeArrivals = async (unit: RawUnit, place: MailboxPlace, arrivals: Arrival[]): Promise<Stored> => {
  if (arrivals.length === 0) return { threadIds: [], uids: [], copies: 0 }
  const { tx } = unit
  const copies = await findCopies(tx, place.accountId, arrivals)
  const fresh = arrivals.filter(({ ledgerId }) => !copies.has(ledgerId))
  const firstUid = await takeUids(tx, place.mailboxId, fresh.length)
  const rows = fresh.map(({ envelope }, n) => ({ ...envelope, uid: firstUid + BigInt(n), modseq: 0n }))
  const { threadIds } = await storeEnvelopes(unit, place, rows)
  const messageIds = await findMessages(tx, place.accountId, rows)
  await storeSources(unit, place.accountId, fresh, messageIds)
  await closeRows(tx, place.accountId, arrivals, copies, messageIds)
  return { threadIds, uids: rows.map(({ uid }) => uid), copies: copies.size }
}

/** Ledger id -> the message that is here already. Every row that is away stands for one copy at most. */
const findCopies = async (tx: RawTx, accountId: bigint, arrivals: Arrival[]): Promise<Map<bigint, bigint>> => {
  const known = await tx.$queryRaw<{ hash: string; message_id: bigint; free: number }[]>`
    SELECT encode(raw_hash, 'hex') AS hash, min(message_id) AS message_id,
      (count(*) FILTER (WHERE state = 'gone' OR missing_since IS NOT NULL) - count(*) FILTER (WHERE is_copy))::int AS free
    FROM pop_ledger WHERE account_id = ${accountId} AND message_id IS NOT NULL
      AND raw_hash = ANY (SELECT decode(h, 'hex') FROM unnest(${textArray(arrivals.map(({ rawHash }) => rawHash.toString('hex')))}::text[]) h)
    GROUP BY raw_hash`
  const free = new Map(known.map((row) => [row.hash, row]))
  const copies = new Map<bigint, bigint>()
  for (const { ledgerId, rawHash } of arrivals) {
    const row = free.get(rawHash.toString('hex'))
    if (!row || row.free < 1) continue
    row.free--
    copies.set(ledgerId, row.message_id)
  }
  return copies
}

/** Uids of a mailbox that is kept here; RFC 9051 2.3.1.1 holds for them too: they only grow. */
export const takeUids = async (tx: RawTx, mailboxId: bigint, count: number): Promise<bigint> => {
  const rows = await tx.$queryRaw<{ first: bigint }[]>`
    UPDATE mailbox SET uid_next = coalesce(uid_next, 1) + ${count} WHERE id = ${mailboxId} RETURNING uid_next - ${count} AS first`
  const [row] = rows
  if (!row) throw new Error('the mailbox of these mails is gone')
  return row.first
}

/** Whether it is there, and will be until this transaction ends. */
export const holdMailbox = async (tx: RawTx, mailboxId: bigint): Promise<boolean> => {
  const rows = await tx.$queryRaw<unknown[]>`SELECT 1 FROM mailbox WHERE id = ${mailboxId} FOR NO KEY UPDATE`
  return rows.length > 0
}

const findMessages = async (tx: RawTx, accountId: bigint, rows: EnvelopeRow[]): Promise<Map<string, bigint>> => {
  const found = await tx.$queryRaw<{ key: string; id: bigint }[]>`
    SELECT DISTINCT ON (identity_key) identity_key::text AS key, id FROM message
    WHERE account_id = ${accountId} AND identity_key = ANY (${textArray(rows.map(({ identityKey }) => identityKey))}::text[]::uuid[]) ORDER BY identity_key, id`
  return new Map(found.map(({ key, id }) => [key, id]))
}

/** One source for each message that has none. */
const storeSources = async (
  unit: RawUnit,
  accountId: bigint,
  arrivals: Arrival[],
  messageIds: Map<string, bigint>,
): Promise<void> => {
  const { tx } = unit
  const byMessage = new Map<bigint, Arrival>()
  for (const arrival of arrivals) {
    const messageId = messageIds.get(arrival.envelope.identityKey)
    if (messageId !== undefined && arrival.isWhole) byMessage.set(messageId, arrival)
  }
  const there = await tx.$queryRaw<{ message_id: bigint }[]>`
    SELECT message_id FROM raw_source WHERE message_id = ANY (${[...byMessage.keys()]}::bigint[])`
  for (const { message_id } of there) byMessage.delete(message_id)
  const bytes = [...byMessage.values()].reduce((sum, { envelope }) => sum + envelope.sizeBytes, 0n)
  if (bytes > 0n)
    await tx.$executeRaw`UPDATE account SET stored_bytes = stored_bytes + ${bytes} WHERE id = ${accountId}`
  const small = [...byMessage].flatMap(([messageId, { source, rawHash }]) =>
    source.kind === 'bytes' ? [{ messageId, bytes: source.bytes, rawHash }] : [],
  )
  const staged = [...byMessage].flatMap(([messageId, { source }]) =>
    source.kind === 'staged' ? [{ messageId, blobId: source.blobId }] : [],
  )
  await tx.$executeRaw`
    WITH t AS (SELECT nextval('blob_id_seq') AS blob_id, u.* FROM unnest(${small.map(({ messageId }) => messageId)}::bigint[], ${small.map(({ rawHash }) => rawHash)}::bytea[],
        ${small.map(({ bytes }) => bytes)}::bytea[]) AS u (message_id, hash, bytes)),
      b AS (INSERT INTO blob (id, account_id, sha256, size_bytes, is_whole) SELECT blob_id, ${accountId}::bigint, hash, length(bytes), true FROM t),
      c AS (INSERT INTO blob_chunk (blob_id, n, bytes) SELECT blob_id, 0, bytes FROM t)
    INSERT INTO raw_source (message_id, account_id, blob_id) SELECT message_id, ${accountId}::bigint, blob_id FROM t`
  await tx.$executeRaw`
    WITH t AS (SELECT * FROM unnest(${staged.map(({ messageId }) => messageId)}::bigint[], ${staged.map(({ blobId }) => blobId)}::bigint[]) AS u (message_id, blob_id)),
      b AS (UPDATE blob SET is_whole = true FROM t WHERE blob.id = t.blob_id)
    INSERT INTO raw_source (message_id, account_id, blob_id) SELECT message_id, ${accountId}::bigint, blob_id FROM t`
}

const closeRows = async (
  tx: RawTx,
  accountId: bigint,
  arrivals: Arrival[],
  copies: Map<bigint, bigint>,
  messageIds: Map<string, bigint>,
): Promise<void> => {
  const messageOf = ({ ledgerId, envelope }: Arrival) => copies.get(ledgerId) ?? messageIds.get(envelope.identityKey)
  const text = (of: (arrival: Arrival) => string | null) => textArray(arrivals.map(of))
  await tx.$executeRaw`
    UPDATE pop_ledger l SET state = 'fetched', is_whole = t.whole::boolean, raw_hash = decode(t.hash, 'hex'), message_id = t.message_id::bigint,
      is_copy = t.copy::boolean, fetched_at = now(), received_at = t.received::timestamptz
    FROM unnest(${text(({ ledgerId }) => ledgerId.toString())}::text[], ${text(({ isWhole }) => String(isWhole))}::text[], ${text(({ rawHash }) => rawHash.toString('hex'))}::text[],
      ${text((arrival) => messageOf(arrival)?.toString() ?? null)}::text[], ${text(({ envelope }) => envelope.receivedAt.toISOString())}::text[],
      ${text(({ ledgerId }) => String(copies.has(ledgerId)))}::text[]) AS t (id, whole, hash, message_id, received, copy)
    WHERE l.account_id = ${accountId} AND l.id = t.id::bigint`
}
