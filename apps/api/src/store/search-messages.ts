import type { ThreadListRow } from './list-threads.ts'
import type { Tx } from './open-store.ts'

export type SearchWish = {
  userId: bigint
  tsquery: string
  limit: number
  after: { at: Date; messageId: bigint } | null
  accountId: bigint | null
  mailboxId: bigint | null
}
export type FoundMessage = ThreadListRow & {
  message_id: bigint
  received_at: Date
  text: string | null
  found_subject: string
}

/** From this many hits on, the newest are found by walking the dates instead of collecting every hit. */
const commonFrom = 1000

/**
 * Newest first. A rare word is looked up in the index of words; for a common one that would collect thousands of rows to
 * show fifty, so the dates are walked instead and the count says "at least".
 */
export const searchMessages = async (
  tx: Tx,
  wish: SearchWish,
): Promise<{ rows: FoundMessage[]; count: number; isExact: boolean }> => {
  const accounts = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM account WHERE user_id = ${wish.userId} AND disconnected_at IS NULL AND (${wish.accountId}::bigint IS NULL OR id = ${wish.accountId}::bigint)`
  const ids = accounts.map(({ id }) => id)
  const counted = await tx.$queryRaw<{ n: number }[]>`
    SELECT count(*)::int AS n FROM (SELECT 1 FROM message_search s WHERE s.account_id = ANY (${ids}::bigint[]) AND s.vector @@ ${wish.tsquery}::tsquery
      AND EXISTS (SELECT 1 FROM placement p WHERE p.message_id = s.message_id AND p.shown_mailbox_id IS NOT NULL
        AND (${wish.mailboxId}::bigint IS NULL OR p.shown_mailbox_id = ${wish.mailboxId}::bigint)) LIMIT ${commonFrom + 1}::int) x`
  const count = counted[0]?.n ?? 0
  const found = count > commonFrom ? await walkDates(tx, ids, wish) : await useIndex(tx, ids, wish)
  const rows =
    found.length === 0
      ? []
      : await withRows(
          tx,
          found.map(({ message_id }) => message_id),
          wish.mailboxId,
        )
  return { rows, count: Math.min(count, commonFrom), isExact: count <= commonFrom }
}

type Hit = { message_id: bigint }
const farFuture = new Date('9999-12-31T00:00:00Z')
const lastId = 9_223_372_036_854_775_807n

const useIndex = (tx: Tx, ids: bigint[], wish: SearchWish): Promise<Hit[]> => tx.$queryRaw<Hit[]>`
    WITH hits AS MATERIALIZED (SELECT s.message_id, s.received_at FROM message_search s WHERE s.account_id = ANY (${ids}::bigint[]) AND s.vector @@ ${wish.tsquery}::tsquery)
    SELECT h.message_id FROM hits h WHERE (h.received_at, h.message_id) < (${wish.after?.at ?? farFuture}::timestamptz, ${wish.after?.messageId ?? lastId}::bigint)
      AND EXISTS (SELECT 1 FROM placement p WHERE p.message_id = h.message_id AND p.shown_mailbox_id IS NOT NULL
        AND (${wish.mailboxId}::bigint IS NULL OR p.shown_mailbox_id = ${wish.mailboxId}::bigint))
    ORDER BY h.received_at DESC, h.message_id DESC LIMIT ${wish.limit}::int`

const walkDates = async (tx: Tx, ids: bigint[], wish: SearchWish): Promise<Hit[]> => {
  // The planner would take the index of words here too; the sort key as an expression of the subquery keeps it on dates.
  const perAccount = await Promise.all(
    ids.map(
      (id) => tx.$queryRaw<(Hit & { received_at: Date })[]>`
        SELECT d.message_id, d.received_at FROM (
          SELECT message_id, received_at, vector FROM message_search WHERE account_id = ${id}
            AND (received_at, message_id) < (${wish.after?.at ?? farFuture}::timestamptz, ${wish.after?.messageId ?? lastId}::bigint)
          ORDER BY received_at DESC, message_id DESC OFFSET 0) d
        WHERE d.vector @@ ${wish.tsquery}::tsquery AND EXISTS (SELECT 1 FROM placement p WHERE p.message_id = d.message_id AND p.shown_mailbox_id IS NOT NULL
          AND (${wish.mailboxId}::bigint IS NULL OR p.shown_mailbox_id = ${wish.mailboxId}::bigint))
        LIMIT ${wish.limit}::int`,
    ),
  )
  return perAccount
    .flat()
    .sort((a, b) => b.received_at.getTime() - a.received_at.getTime() || (a.message_id < b.message_id ? 1 : -1))
    .slice(0, wish.limit)
}

/** Each found message with the row of its conversation in the mailbox where it is shown. */
const withRows = (tx: Tx, messageIds: bigint[], mailboxId: bigint | null): Promise<FoundMessage[]> => tx.$queryRaw<
  FoundMessage[]
>`
    SELECT t.thread_id, t.mailbox_id, t.account_id, t.latest_at, t.latest_message_id, t.messages, t.unread, t.flagged, t.answered, t.attachments, t.size_bytes,
      m.subject, m.preview, m.to_addresses, jsonb_build_array(jsonb_build_object('from', m.from_addresses, 'seen', p.shown_flags & 1 <> 0)) AS senders,
      m.id AS message_id, m.received_at, left(b.text, 200000) AS text, m.subject AS found_subject
    FROM unnest(${messageIds}::bigint[]) WITH ORDINALITY AS w (id, n) JOIN message m ON m.id = w.id
    CROSS JOIN LATERAL (SELECT * FROM placement p WHERE p.message_id = m.id AND p.shown_mailbox_id IS NOT NULL
      AND (${mailboxId}::bigint IS NULL OR p.shown_mailbox_id = ${mailboxId}::bigint) ORDER BY p.id LIMIT 1) p
    JOIN thread_mailbox t ON t.mailbox_id = p.shown_mailbox_id AND t.thread_id = m.thread_id
    LEFT JOIN body b ON b.message_id = m.id ORDER BY w.n`

/** Messages whose words are not in the index yet. */
export const countNotIndexed = async (tx: Tx, userId: bigint): Promise<number> => {
  const rows = await tx.$queryRaw<{ n: number }[]>`
    SELECT count(*)::int AS n FROM message m JOIN account a ON a.id = m.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL
    WHERE m.body_state = 'absent' AND m.orphaned_at IS NULL`
  return rows[0]?.n ?? 0
}
