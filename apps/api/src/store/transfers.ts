import { textArray } from './binary-array.ts'
import type { BlobScope, StagedContent } from './blobs.ts'
import { commitBulk, type Unit } from './commit.ts'
import type { Transfer } from './generated/client.ts'
import type { Store, Tx } from './open-store.ts'
import { settleCopies } from './sent-copies.ts'

export type TransferRow = Transfer
/** What became of the mails of a transfer so far. */
export type TransferCounts = { found: number; stored: number; here: number; refused: number; open: number }
export type RefusedItem = { name: string; errorCode: string | null }

export type NewTransfer = {
  userId: bigint
  accountId: bigint
  mailboxId: bigint
  kind: 'import' | 'upload'
  fromMailboxId: bigint | null
  expectedBytes: bigint | null
}

/** What a person began; copies of what they sent go the same way, without being shown as work of theirs. */
const ofPeople = ['import', 'upload']

export const createTransfer = (tx: Tx, wanted: NewTransfer): Promise<TransferRow> =>
  tx.transfer.create({ data: wanted })

/** Null when it is somebody else's or not there. */
export const findOwnTransfer = (tx: Tx, userId: bigint, id: bigint): Promise<TransferRow | null> =>
  tx.transfer.findFirst({ where: { id, userId, kind: { in: ofPeople } } })

const listed = 50

/** The newest that their person has not put away. */
export const listOwnTransfers = (tx: Tx, userId: bigint): Promise<TransferRow[]> =>
  tx.transfer.findMany({
    where: { userId, dismissedAt: null, kind: { in: ofPeople } },
    orderBy: { id: 'desc' },
    take: listed,
  })

export const countItems = async (tx: Tx, transferIds: bigint[]): Promise<Map<bigint, TransferCounts>> => {
  const rows = await tx.$queryRaw<(TransferCounts & { transfer_id: bigint })[]>`
    SELECT transfer_id, count(*)::int AS found, (count(*) FILTER (WHERE state = 'stored'))::int AS stored, (count(*) FILTER (WHERE state = 'here'))::int AS here,
      (count(*) FILTER (WHERE state = 'refused'))::int AS refused, (count(*) FILTER (WHERE state IN ('waiting', 'sending')))::int AS open
    FROM transfer_item WHERE transfer_id = ANY (${transferIds}::bigint[]) GROUP BY transfer_id`
  return new Map(rows.map((row) => [row.transfer_id, row]))
}

const refusedListed = 100

export const listRefused = (tx: Tx, transferId: bigint): Promise<RefusedItem[]> =>
  tx.transferItem.findMany({
    where: { transferId, state: 'refused' },
    select: { name: true, errorCode: true },
    orderBy: { id: 'asc' },
    take: refusedListed,
  })

/** A mail that came, or why it was left out. */
export type NewItem = { name: string; bits: number; keywords: string[]; cameAt: Date | null; fileAt: Date | null } & (
  | { kind: 'mail'; content: StagedContent }
  | { kind: 'refused'; code: string }
)

/**
 * Stages mails for the account's worker, with the octets of small ones, in one transaction. From here on they are safe.
 * Answers false when the transfer takes none any more.
 */
export const addItems = (
  store: Store,
  scope: BlobScope,
  { transferId, items, bytes }: { transferId: bigint; items: NewItem[]; bytes: number },
): Promise<boolean> =>
  commitBulk(
    store,
    scope,
    async (unit) => {
      const { tx } = unit
      const [transfer] = await tx.$queryRaw<{ account_id: bigint; mailbox_id: bigint }[]>`
        UPDATE transfer SET received_bytes = received_bytes + ${bytes}, heard_at = now() WHERE id = ${transferId} AND closed_at IS NULL AND cancelled_at IS NULL RETURNING account_id, mailbox_id`
      if (!transfer) return false
      const rows = items.map((item) => ({
        ...item,
        content: item.kind === 'mail' ? item.content : null,
        code: item.kind === 'refused' ? item.code : null,
      }))
      await tx.$executeRaw`
        WITH t AS MATERIALIZED (SELECT u.*, CASE WHEN u.code IS NULL THEN coalesce(u.blob, nextval('blob_id_seq')) END AS blob_id, u.blob IS NULL AND u.code IS NULL AS is_small
            FROM unnest(${rows.map(({ content }) => content?.blobId ?? null)}::bigint[], ${rows.map(({ content }) => content?.sha256 ?? Buffer.alloc(0))}::bytea[],
              ${rows.map(({ content }) => content?.sizeBytes ?? 0)}::bigint[], ${rows.map(({ content }) => (content?.blobId === null ? content.head : Buffer.alloc(0)))}::bytea[],
              ${textArray(rows.map(({ name }) => name))}::text[], ${rows.map(({ bits }) => bits)}::int[], ${textArray(rows.map(({ keywords }) => keywords.join(' ')))}::text[],
              ${textArray(rows.map(({ cameAt }) => cameAt?.toISOString() ?? null))}::text[],
              ${textArray(rows.map(({ fileAt }) => fileAt?.toISOString() ?? null))}::text[], ${textArray(rows.map(({ code }) => code))}::text[])
              WITH ORDINALITY AS u (blob, sha256, size, bytes, name, bits, keywords, came_at, file_at, code, n)),
          b AS (INSERT INTO blob (id, account_id, sha256, size_bytes, is_whole) SELECT blob_id, ${transfer.account_id}::bigint, sha256, size, true FROM t WHERE is_small),
          c AS (INSERT INTO blob_chunk (blob_id, n, bytes) SELECT blob_id, 0, bytes FROM t WHERE is_small),
          w AS (UPDATE blob SET is_whole = true, sha256 = t.sha256, size_bytes = t.size FROM t WHERE blob.id = t.blob)
        INSERT INTO transfer_item (transfer_id, account_id, mailbox_id, name, sha256, size_bytes, blob_id, flags, keywords, came_at, file_at, state, error_code, settled_at)
        SELECT ${transferId}::bigint, ${transfer.account_id}::bigint, ${transfer.mailbox_id}::bigint, name, sha256, size, blob_id, bits, coalesce(string_to_array(nullif(keywords, ''), ' '), '{}'),
          came_at::timestamptz, file_at::timestamptz, CASE WHEN code IS NULL THEN 'waiting' ELSE 'refused' END, code, CASE WHEN code IS NULL THEN NULL ELSE now() END FROM t ORDER BY n`
      unit.wakeEngine(transfer.account_id)
      return true
    },
    // Who sent it need not keep it.
    { isDurable: true },
  )

/** A large mail is long on its way, and counts when its end is here: until then its sender is there. */
export const noteSender = async (store: Store, transferId: bigint): Promise<void> => {
  await store.prisma.$executeRaw`UPDATE transfer SET heard_at = now() WHERE id = ${transferId} AND closed_at IS NULL`
}

/** Nothing more comes; `isCutOff`: though not all has. Null when it was cancelled. */
export const closeTransfer = async (tx: Tx, id: bigint, { isCutOff = false } = {}): Promise<TransferRow | null> => {
  await tx.$executeRaw`UPDATE transfer SET closed_at = now(), is_cut_off = ${isCutOff} WHERE id = ${id} AND closed_at IS NULL AND cancelled_at IS NULL`
  return tx.transfer.findFirst({ where: { id, cancelledAt: null } })
}

/** What is on its way to the mail server right now comes to its end; everything that waits is let go, and stays counted. */
export const cancelTransfer = async (unit: Unit, id: bigint): Promise<void> => {
  const { tx } = unit
  await tx.$executeRaw`UPDATE transfer SET cancelled_at = coalesce(cancelled_at, now()) WHERE id = ${id}`
  const gone = await tx.$queryRaw<{ id: bigint }[]>`
    WITH gone AS (UPDATE transfer_item SET state = 'cancelled', settled_at = now() WHERE transfer_id = ${id} AND state = 'waiting' RETURNING id, blob_id, owns_blob),
      b AS (DELETE FROM blob WHERE id IN (SELECT blob_id FROM gone WHERE owns_blob)),
      c AS (DELETE FROM blob_chunk WHERE blob_id IN (SELECT blob_id FROM gone WHERE owns_blob))
    SELECT id FROM gone`
  await settleCopies(
    unit,
    gone.map((item) => item.id),
  )
}

/**
 * Mailboxes go: what is on its way into them ends. Comes before their rows are locked, as whoever stores mail holds its items first.
 */
export const cancelTransfersInto = async (unit: Unit, mailboxIds: bigint[]): Promise<void> => {
  const open = await unit.tx.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM transfer t WHERE mailbox_id = ANY (${mailboxIds}::bigint[]) AND cancelled_at IS NULL AND (closed_at IS NULL
      OR EXISTS (SELECT 1 FROM transfer_item i WHERE i.transfer_id = t.id AND i.state IN ('waiting', 'sending'))) ORDER BY id`
  for (const { id } of open) await cancelTransfer(unit, id)
}

/** Those of these mailboxes that were deleted: no more there, or in Trash. */
export const findDeleted = async (tx: Tx, mailboxIds: bigint[]): Promise<Set<bigint>> => {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT u.id FROM unnest(${mailboxIds}::bigint[]) AS u (id) LEFT JOIN mailbox m ON m.id = u.id
    WHERE m.id IS NULL OR EXISTS (SELECT 1 FROM mailbox t WHERE t.account_id = m.account_id AND coalesce(t.chosen_role, t.role) = 'trash'
      AND starts_with(m.path, t.path || t.delimiter))`
  return new Set(rows.map(({ id }) => id))
}

/** Puts those away that have ended, and tells the other screens of their person. */
export const dismissTransfers = async (unit: Unit, userId: bigint, ids: bigint[]): Promise<void> => {
  const gone = await unit.tx.$queryRaw<{ id: bigint }[]>`
    UPDATE transfer t SET dismissed_at = now() WHERE user_id = ${userId} AND id = ANY (${ids}::bigint[]) AND dismissed_at IS NULL
      AND (cancelled_at IS NOT NULL OR (closed_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM transfer_item i WHERE i.transfer_id = t.id AND i.state IN ('waiting', 'sending'))))
    RETURNING id`
  if (gone.length > 0)
    unit.log({ userId }, { kind: 'transfersDismissed', transferIds: gone.map(({ id }) => id.toString()) })
}

/** Every mail that is shown in a mailbox kept here, each once; those of which only the header is here are left out, and say so. */
export const addUploadItems = async (
  unit: Unit,
  transfer: { id: bigint; accountId: bigint; mailboxId: bigint },
  fromMailboxId: bigint,
): Promise<void> => {
  await unit.tx.$executeRaw`
    INSERT INTO transfer_item (transfer_id, account_id, mailbox_id, name, sha256, size_bytes, blob_id, owns_blob, flags, keywords, came_at, state, error_code, settled_at)
    SELECT ${transfer.id}, ${transfer.accountId}, ${transfer.mailboxId}, left(m.subject, 200), coalesce(b.sha256, ''), coalesce(b.size_bytes, m.size_bytes), b.id, false,
      p.shown_flags, p.shown_keywords, m.received_at, CASE WHEN b.id IS NULL THEN 'refused' ELSE 'waiting' END,
      CASE WHEN b.id IS NULL THEN 'message.unavailable' END, CASE WHEN b.id IS NULL THEN now() END
    FROM (SELECT DISTINCT ON (message_id) * FROM placement WHERE shown_mailbox_id = ${fromMailboxId} ORDER BY message_id, id) p
    JOIN message m ON m.id = p.message_id LEFT JOIN raw_source r ON r.message_id = m.id LEFT JOIN blob b ON b.id = r.blob_id AND b.is_whole
    ORDER BY m.received_at, m.id`
  unit.wakeEngine(transfer.accountId)
}

/** Transfers that came to their end long ago, or whose sender is gone: a page that was closed says nothing. */
export const sweepTransfers = async (store: Store): Promise<void> => {
  await store.prisma
    .$executeRaw`UPDATE transfer SET closed_at = now(), is_cut_off = true WHERE closed_at IS NULL AND cancelled_at IS NULL AND heard_at < now() - interval '1 hour'`
  await store.prisma.$executeRaw`
    WITH old AS (DELETE FROM transfer t WHERE created_at < now() - interval '90 days'
      AND NOT EXISTS (SELECT 1 FROM transfer_item i WHERE i.transfer_id = t.id AND i.state IN ('waiting', 'sending')) RETURNING id)
    DELETE FROM transfer_item WHERE transfer_id IN (SELECT id FROM old)`
}
