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
}

export type Stored = {
  threadIds: bigint[]
  /** Of what has a place of its own now; copies of what is here already have none. */
  uids: bigint[]
  copies: number
  /** Mails that were here by their header, and are whole now. */
  completed: number
  /** Of the staged blobs those that are a message's source now: others hold octets that were here. */
  tied: bigint[]
}

/**
 * Makes a batch of mails and their rows in the ledger visible at once: messages, places in a mailbox, sources. A mail of
 * which the very bytes are here already, while the row they came by is no longer listed, came again under another key: it
 * gets no second place, and its ledger row says so. One whose twin is listed beside it is a mail of its own.
 */
export const storeArrivals = async (unit: BulkUnit, place: MailboxPlace, all: Arrival[]): Promise<Stored> => {
  const { tx } = unit
  const { ledgerIds, threadIds: joined } = await completeArrivals(unit, place.accountId, all.filter(isLedgered))
  const arrivals = all.filter(({ ledgerId }) => ledgerId === null || !ledgerIds.has(ledgerId))
  const stored: Stored = { threadIds: joined, uids: [], copies: 0, completed: ledgerIds.size, tied: [] }
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

/** Ledger id -> the message that is here already. Every row that is away stands for one copy at most. */
const findCopies = async (tx: RawTx, accountId: bigint, all: Arrival[]): Promise<Map<bigint, bigint>> => {
  const arrivals = all.filter(isLedgered)
  if (arrivals.length === 0) return new Map()
  const hashes = (isWhole: boolean) =>
    textArray(arrivals.filter((arrival) => arrival.isWhole === isWhole).map(({ rawHash }) => rawHash.toString('hex')))
  const known = await tx.$queryRaw<{ hash: string; message_id: bigint; free: number }[]>`
    SELECT encode(hash, 'hex') AS hash, min(message_id) AS message_id,
      (count(*) FILTER (WHERE state = 'gone' OR missing_since IS NOT NULL) - count(*) FILTER (WHERE is_copy))::int AS free
    FROM (
      SELECT raw_hash AS hash, message_id, state, missing_since, is_copy FROM pop_ledger WHERE account_id = ${accountId}
        AND raw_hash = ANY (SELECT decode(h, 'hex') FROM unnest(${hashes(true)}::text[]) h)
      UNION ALL SELECT top_hash, message_id, state, missing_since, is_copy FROM pop_ledger WHERE account_id = ${accountId}
        AND top_hash = ANY (SELECT decode(h, 'hex') FROM unnest(${hashes(false)}::text[]) h)
    ) l WHERE message_id IS NOT NULL GROUP BY hash`
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
