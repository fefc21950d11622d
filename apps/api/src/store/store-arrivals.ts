import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { BulkUnit } from './commit.ts'
import { completeArrivals } from './complete-arrivals.ts'
import { type SourcedMail, storeSources } from './store-sources.ts'
import { type EnvelopeRow, type MailboxPlace, storeEnvelopes } from './sync-envelopes.ts'

/** A mail that came as it is, whole or its header alone, ready to become visible. */
export type Arrival = SourcedMail & {
  /** Its row in the ledger of the maildrop it came out of; null for one that came another way. */
  ledgerId: bigint | null
  envelope: Omit<EnvelopeRow, 'uid' | 'modseq'>
  /** SHA-256 of its octets; of the header, where that is all there is. */
  rawHash: Buffer
  isWhole: boolean
  /** The whole of a mail of which the header is here already (complete-arrivals.ts). */
  isRest: boolean
  /** What its header alone would have had for a hash, as servers may send it. Absent: nothing is here by its header. */
  topHashes?: Buffer[]
}

export type Stored = {
  threadIds: bigint[]
  /** Of what has a place of its own now; copies of what is here already have none. */
  uids: bigint[]
  copies: number
  /** Mails that were here by their header, and are whole now, one for each row of the ledger. */
  completed: bigint[]
  /** Of the staged blobs those that are a message's source now: others hold octets that were here. */
  tied: bigint[]
}

/**
 * Makes a batch of mails and their rows in the ledger visible at once: messages, places in a mailbox, sources. A mail of
 * which the very bytes are here already, while the row they came by is no longer listed, came again under another key: it
 * gets no second place, and its ledger row says so. One whose twin is listed beside it is a mail of its own. Where only the
 * header was here, or comes now, because the size limit was another one then, the header decides.
 */
export const storeArrivals = async (unit: BulkUnit, place: MailboxPlace, found: Arrival[]): Promise<Stored> => {
  const { tx } = unit
  const all = await joinParts(tx, place.accountId, found)
  const { messageOf, threadIds: joined } = await completeArrivals(unit, place.accountId, all.filter(isLedgered))
  const arrivals = all.filter(({ ledgerId }) => ledgerId === null || !messageOf.has(ledgerId))
  const stored: Stored = { threadIds: joined, uids: [], copies: 0, completed: [...messageOf.values()], tied: [] }
  if (arrivals.length === 0) return stored
  const copies = await findCopies(tx, place.accountId, arrivals)
  const fresh = arrivals.filter(({ ledgerId }) => ledgerId === null || !copies.has(ledgerId))
  const firstUid = await takeUids(tx, place.mailboxId, fresh.length)
  const rows = fresh.map(({ envelope }, n) => ({ ...envelope, uid: firstUid + BigInt(n), modseq: 0n }))
  const { threadIds } = await storeEnvelopes(unit, place, rows)
  const messageIds = await findMessages(tx, place.accountId, rows)
  const tied = await storeSources(unit, place.accountId, fresh, messageIds)
  await markHeadersOnly(tx, fresh, messageIds)
  await closeRows(tx, place.accountId, arrivals.filter(isLedgered), copies, messageIds)
  return {
    ...stored,
    threadIds: [...stored.threadIds, ...threadIds],
    uids: rows.map(({ uid }) => uid),
    copies: copies.size,
    tied,
  }
}

type Ledgered = Arrival & { ledgerId: bigint }
const isLedgered = (arrival: Arrival): arrival is Ledgered => arrival.ledgerId !== null

/** Those that came whole under another key while their header was here and its row is away: they are the rest of that mail. */
const joinParts = async (tx: RawTx, accountId: bigint, all: Arrival[]): Promise<Arrival[]> => {
  const whole = all.filter(isLedgered).filter(({ isRest, topHashes }) => !isRest && topHashes !== undefined)
  if (whole.length === 0) return all
  const octetsHere = await findCopies(tx, accountId, whole)
  const arrivals = whole.filter(({ ledgerId }) => !octetsHere.has(ledgerId))
  const topHashes = ({ topHashes = [] }: Ledgered) => topHashes.map((hash) => hash.toString('hex'))
  const known = await tx.$queryRaw<Known[]>`
    SELECT encode(l.top_hash, 'hex') AS hash, min(l.message_id) AS message_id,
      (count(*) FILTER (WHERE l.state = 'gone' OR l.missing_since IS NOT NULL) - count(*) FILTER (WHERE l.is_copy))::int AS free
    FROM pop_ledger l JOIN message m ON m.id = l.message_id AND m.is_header_only WHERE l.account_id = ${accountId}
      AND l.top_hash = ANY (SELECT decode(h, 'hex') FROM unnest(${textArray(arrivals.flatMap(topHashes))}::text[]) h) GROUP BY l.top_hash`
  const parts = assign(arrivals, topHashes, known)
  if (parts.size === 0) return all
  const text = (of: (arrival: Ledgered) => string) => textArray(arrivals.filter(isIn(parts)).map(of))
  await tx.$executeRaw`
    UPDATE pop_ledger l SET state = 'fetched', is_copy = true, message_id = t.message_id::bigint, top_hash = decode(t.hash, 'hex'), received_at = t.received::timestamptz
    FROM unnest(${text(({ ledgerId }) => ledgerId.toString())}::text[], ${text(({ ledgerId }) => `${parts.get(ledgerId)?.messageId}`)}::text[],
      ${text(({ ledgerId }) => parts.get(ledgerId)?.hash ?? '')}::text[], ${text(({ envelope }) => envelope.receivedAt.toISOString())}::text[]) AS t (id, message_id, hash, received)
    WHERE l.account_id = ${accountId} AND l.id = t.id::bigint`
  return all.map((arrival) =>
    isLedgered(arrival) && parts.has(arrival.ledgerId) ? { ...arrival, isRest: true } : arrival,
  )
}

type Known = { hash: string; message_id: bigint; free: number }
type Assigned = Map<bigint, { messageId: bigint; hash: string }>

const isIn =
  (assigned: Assigned) =>
  ({ ledgerId }: Ledgered): boolean =>
    assigned.has(ledgerId)

/** Every row that is away stands for one mail at most. */
const assign = (arrivals: Ledgered[], hashesOf: (arrival: Ledgered) => string[], known: Known[]): Assigned => {
  const left = new Map(known.map((row) => [row.hash, { ...row }]))
  const assigned: Assigned = new Map()
  for (const arrival of arrivals) {
    const row = hashesOf(arrival)
      .map((hash) => left.get(hash))
      .find((found) => found !== undefined && found.free > 0)
    if (!row) continue
    row.free--
    assigned.set(arrival.ledgerId, { messageId: row.message_id, hash: row.hash })
  }
  return assigned
}

/** Ledger id -> the message that is here already. */
const findCopies = async (tx: RawTx, accountId: bigint, all: Arrival[]): Promise<Map<bigint, bigint>> => {
  const arrivals = all.filter(isLedgered)
  if (arrivals.length === 0) return new Map()
  const tops = arrivals.filter(({ isWhole }) => !isWhole)
  const hashes = (isWhole: boolean) =>
    textArray(arrivals.filter((arrival) => arrival.isWhole === isWhole).map(({ rawHash }) => rawHash.toString('hex')))
  const known = await tx.$queryRaw<Known[]>`
    WITH tops AS (SELECT decode(h, 'hex') AS hash, s::bigint AS size FROM unnest(${hashes(false)}::text[], ${textArray(tops.map(({ envelope }) => envelope.sizeBytes.toString()))}::text[]) AS u (h, s)),
      -- Of what came whole, the header as TOP gives it; POP3 may have ended its last line. Where no header is asked about, not
      -- one row of the ledger is looked at.
      whole AS (SELECT DISTINCT ON (l.id) l.*, substr(c.bytes, 1, position('\\x0d0a0d0a'::bytea IN c.bytes) + 3) AS top FROM tops t
        JOIN pop_ledger l ON l.account_id = ${accountId} AND l.is_whole AND l.top_hash IS NULL AND (l.state = 'gone' OR l.missing_since IS NOT NULL OR l.is_copy)
        JOIN raw_source r ON r.message_id = l.message_id JOIN blob b ON b.id = r.blob_id AND (l.size_bytes = t.size OR b.size_bytes BETWEEN t.size AND t.size + 3)
        CROSS JOIN LATERAL (SELECT blob_head(b.id) AS bytes OFFSET 0) c WHERE ${tops.length > 0}::boolean AND position('\\x0d0a0d0a'::bytea IN c.bytes) > 0)
    SELECT encode(hash, 'hex') AS hash, min(message_id) AS message_id,
      (count(*) FILTER (WHERE state = 'gone' OR missing_since IS NOT NULL) - count(*) FILTER (WHERE is_copy))::int AS free
    FROM (
      SELECT raw_hash AS hash, message_id, state, missing_since, is_copy FROM pop_ledger WHERE account_id = ${accountId}
        AND raw_hash = ANY (SELECT decode(h, 'hex') FROM unnest(${hashes(true)}::text[]) h)
      UNION ALL SELECT top_hash, message_id, state, missing_since, is_copy FROM pop_ledger WHERE account_id = ${accountId}
        AND top_hash IN (SELECT hash FROM tops)
      UNION ALL SELECT t.hash, w.message_id, w.state, w.missing_since, w.is_copy FROM whole w
        JOIN tops t ON t.hash IN (sha256(w.top), sha256(substr(w.top, 1, length(w.top) - 2)))
    ) l WHERE message_id IS NOT NULL GROUP BY hash`
  const copies = assign(arrivals, ({ rawHash }) => [rawHash.toString('hex')], known)
  return new Map([...copies].map(([ledgerId, { messageId }]) => [ledgerId, messageId]))
}

/** Mails of which nothing but the header is here. */
const markHeadersOnly = async (tx: RawTx, arrivals: Arrival[], messageIds: Map<string, bigint>): Promise<void> => {
  const ids = arrivals.flatMap(({ isWhole, envelope }) => (isWhole ? [] : (messageIds.get(envelope.identityKey) ?? [])))
  if (ids.length === 0) return
  await tx.$executeRaw`
    UPDATE message m SET is_header_only = true WHERE m.id = ANY (${ids}::bigint[])
      AND NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.message_id = m.id)`
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

const closeRows = async (
  tx: RawTx,
  accountId: bigint,
  arrivals: Ledgered[],
  copies: Map<bigint, bigint>,
  messageIds: Map<string, bigint>,
): Promise<void> => {
  if (arrivals.length === 0) return
  const messageOf = ({ ledgerId, envelope }: Ledgered) => copies.get(ledgerId) ?? messageIds.get(envelope.identityKey)
  const text = (of: (arrival: Ledgered) => string | null) => textArray(arrivals.map(of))
  await tx.$executeRaw`
    UPDATE pop_ledger l SET state = 'fetched', is_whole = t.whole::boolean, raw_hash = decode(t.hash, 'hex'),
      top_hash = CASE WHEN NOT t.whole::boolean THEN decode(t.hash, 'hex') END, message_id = t.message_id::bigint,
      is_copy = t.copy::boolean, fetched_at = now(), received_at = t.received::timestamptz
    FROM unnest(${text(({ ledgerId }) => ledgerId.toString())}::text[], ${text(({ isWhole }) => String(isWhole))}::text[], ${text(({ rawHash }) => rawHash.toString('hex'))}::text[],
      ${text((arrival) => messageOf(arrival)?.toString() ?? null)}::text[], ${text(({ envelope }) => envelope.receivedAt.toISOString())}::text[],
      ${text(({ ledgerId }) => String(copies.has(ledgerId)))}::text[]) AS t (id, whole, hash, message_id, received, copy)
    WHERE l.account_id = ${accountId} AND l.id = t.id::bigint`
}
