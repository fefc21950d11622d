import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import { dropOctets } from './blobs.ts'
import type { BulkUnit } from './commit.ts'
import { type SourcedMail, storeSources } from './store-sources.ts'
import { forgetRead } from './sync-bodies.ts'

type Rest = SourcedMail & { ledgerId: bigint; envelope: { identityKey: string; sizeBytes: bigint }; isRest: boolean }
/** `messageOf`: of the rows of the ledger that are whole now. */
export type Completed = { messageOf: Map<bigint, bigint>; threadIds: bigint[] }

/**
 * Mails that were here by their header become whole: each keeps its id, its conversation and its places with their flags,
 * wherever they were moved meanwhile; what it is known by, its size and its source are those of the whole. It is read next,
 * as a mail that came whole. Of two mails with one header, which are one until now, the second stays out when its octets
 * are others: it is a mail of its own. A source that was damaged here is replaced by the octets as they came again.
 */
export const completeArrivals = async (unit: BulkUnit, accountId: bigint, arrivals: Rest[]): Promise<Completed> => {
  const rest = arrivals.filter(({ isRest, isWhole }) => isRest && isWhole)
  if (rest.length === 0) return { messageOf: new Map(), threadIds: [] }
  const { tx } = unit
  const known = await findParts(tx, accountId, rest)
  const hashes = new Map<bigint, string | null>()
  const first: (Rest & { messageId: bigint })[] = []
  const done: (Rest & { messageId: bigint })[] = []
  for (const arrival of rest) {
    const part = known.get(arrival.ledgerId)
    if (!part) continue
    const hash = arrival.rawHash.toString('hex')
    const stored = hashes.get(part.message_id) ?? part.hash
    if (stored !== null && stored !== hash) continue
    const completed = { ...arrival, messageId: part.message_id }
    if (stored === null || (part.is_damaged && !hashes.has(part.message_id))) first.push(completed)
    hashes.set(part.message_id, hash)
    done.push(completed)
  }
  const messageIds = new Map(first.map(({ envelope, messageId }) => [envelope.identityKey, messageId]))
  // Of one that came when the account was IMAP the text is here already, and its parts are not.
  await forgetRead(unit, accountId, [...messageIds.values()])
  await dropSources(
    unit,
    accountId,
    first.map(({ messageId }) => messageId),
  )
  await storeSources(unit, accountId, first, messageIds)
  const text = <T>(list: T[], of: (item: T) => string) => textArray(list.map(of))
  const threads = await tx.$queryRaw<{ thread_id: bigint }[]>`
    UPDATE message m SET identity_key = t.key::uuid, size_bytes = t.size::bigint, is_header_only = false
    FROM unnest(${text(first, ({ messageId }) => messageId.toString())}::text[], ${text(first, ({ envelope }) => envelope.identityKey)}::text[],
      ${text(first, ({ envelope }) => envelope.sizeBytes.toString())}::text[]) AS t (id, key, size)
    WHERE m.account_id = ${accountId} AND m.id = t.id::bigint RETURNING m.thread_id`
  await tx.$executeRaw`
    UPDATE pop_ledger l SET is_whole = true, wants_whole = false, raw_hash = decode(t.hash, 'hex'), fetched_at = now()
    FROM unnest(${text(done, ({ ledgerId }) => ledgerId.toString())}::text[], ${text(done, ({ rawHash }) => rawHash.toString('hex'))}::text[]) AS t (id, hash)
    WHERE l.account_id = ${accountId} AND l.id = t.id::bigint`
  return {
    messageOf: new Map(done.map(({ ledgerId, messageId }) => [ledgerId, messageId])),
    threadIds: threads.map((row) => row.thread_id),
  }
}

/** Whatever is there of these, to make room for what came. */
const dropSources = async ({ tx }: BulkUnit, accountId: bigint, messageIds: bigint[]): Promise<void> => {
  const gone = await tx.$queryRaw<{ blob_id: bigint }[]>`
    DELETE FROM raw_source WHERE account_id = ${accountId} AND message_id = ANY (${messageIds}::bigint[]) RETURNING blob_id`
  await dropOctets(
    tx,
    gone.map(({ blob_id }) => blob_id),
  )
}

/** Ledger id -> the message that is here by its header, or damaged; `hash` of the whole, once that came. */
const findParts = async (tx: RawTx, accountId: bigint, rest: Rest[]) => {
  const rows = await tx.$queryRaw<{ id: bigint; message_id: bigint; hash: string | null; is_damaged: boolean }[]>`
    SELECT l.id, l.message_id, encode(b.sha256, 'hex') AS hash,
      b.sha256 IS DISTINCT FROM (SELECT sha256(string_agg(c.bytes, ''::bytea ORDER BY c.n)) FROM blob_chunk c WHERE c.blob_id = b.id) AS is_damaged
    FROM pop_ledger l JOIN message m ON m.id = l.message_id
    LEFT JOIN raw_source r ON r.message_id = m.id LEFT JOIN blob b ON b.id = r.blob_id
    WHERE l.account_id = ${accountId} AND l.id = ANY (${rest.map(({ ledgerId }) => ledgerId)}::bigint[]) AND NOT l.is_whole ORDER BY l.id`
  return new Map(rows.map((row) => [row.id, row]))
}
