import { Prisma } from './generated/client.ts'
import type { ThreadListRow } from './list-threads.ts'
import type { Store } from './open-store.ts'
import type { Statement } from './reader.ts'

export type SearchWish = {
  userId: bigint
  tsquery: string
  limit: number
  after: { at: Date; messageId: bigint } | null
  accountId: bigint | null
  mailboxId: bigint | null
}
export type FoundMessage = ThreadListRow & { message_id: bigint; received_at: Date; text: string | null }
export type Found = { rows: FoundMessage[]; count: number; isExact: boolean; notIndexed: number }

/** From this many hits on, the newest are found by walking the dates instead of collecting every hit. */
const commonFrom = 1000
const farFuture = new Date('9999-12-31T00:00:00Z')
const lastId = 9_223_372_036_854_775_807n

/**
 * Newest first. A rare word is looked up in the index of words; for a common one that would collect thousands of rows to
 * show fifty, so the dates are walked instead and the count says "at least".
 */
export const searchMessages = async (store: Store, wish: SearchWish): Promise<Found> => {
  const { userId, accountId } = wish
  const accounts = await store.readOne<{ id: bigint }>({
    name: 'search.accounts',
    sql: Prisma.sql`
    SELECT id FROM account WHERE user_id = ${userId} AND disconnected_at IS NULL AND (${accountId}::bigint IS NULL OR id = ${accountId}::bigint)`,
  })
  const [found, [waiting]] = await store.readAs(userId, [
    hits(
      accounts.map(({ id }) => id),
      wish,
    ),
    notIndexed(userId),
  ])
  const n = found[0]?.n ?? 0
  return {
    rows: found.filter((row) => row.thread_id !== null),
    count: Math.min(n, commonFrom),
    isExact: n <= commonFrom,
    notIndexed: waiting?.n ?? 0,
  }
}

type HitRow = { n: number } & (FoundMessage | { thread_id: null })

/**
 * Count and page at once: each found message with the row of its conversation in the mailbox where it is shown. Planned
 * anew each time, because the best way depends on the words; the accounts are given, because the index of words is used by
 * account only when the planner sees which.
 */
const hits = (accountIds: bigint[], { tsquery, mailboxId, limit, after }: SearchWish): Statement<HitRow> => {
  // As a subquery for its value: the planner would make a join of EXISTS and collect every hit of a common word for it.
  const isShown = (
    id: Prisma.Sql,
  ) => Prisma.sql`(SELECT true FROM placement p WHERE p.message_id = ${id} AND p.shown_mailbox_id IS NOT NULL
        AND (${mailboxId}::bigint IS NULL OR p.shown_mailbox_id = ${mailboxId}::bigint) LIMIT 1)`
  const isAfter = Prisma.sql`(received_at, message_id) < (${after?.at ?? farFuture}::timestamptz, ${after?.messageId ?? lastId}::bigint)`
  const newest = Prisma.sql`ORDER BY received_at DESC, message_id DESC`
  return {
    name: null,
    sql: Prisma.sql`
    -- By itself, so that the limit below does not tempt the planner into reading vectors instead of the index.
    WITH found AS MATERIALIZED (
      SELECT message_id, received_at FROM message_search WHERE account_id = ANY (${accountIds}::bigint[]) AND vector @@ ${tsquery}::tsquery
    ), hits AS MATERIALIZED (
      SELECT f.message_id, f.received_at FROM found f WHERE ${isShown(Prisma.sql`f.message_id`)} LIMIT ${commonFrom + 1}::int
    ), counted AS MATERIALIZED (
      SELECT count(*)::int AS n FROM hits
    ), page AS (
      (SELECT message_id, received_at FROM hits WHERE (SELECT n FROM counted) <= ${commonFrom}::int AND ${isAfter} ${newest} LIMIT ${limit}::int)
      UNION ALL
      -- The planner would take the index of words here too; OFFSET 0 keeps it on the dates.
      (SELECT d.message_id, d.received_at FROM unnest(${accountIds}::bigint[]) AS a (id) CROSS JOIN LATERAL (
        SELECT w.message_id, w.received_at FROM (
          SELECT message_id, received_at, vector FROM message_search WHERE account_id = a.id AND ${isAfter} ${newest} OFFSET 0) w
        WHERE w.vector @@ ${tsquery}::tsquery AND ${isShown(Prisma.sql`w.message_id`)} LIMIT ${limit}::int) d
      WHERE (SELECT n FROM counted) > ${commonFrom}::int ${newest} LIMIT ${limit}::int)
    )
    SELECT c.n, t.thread_id, t.mailbox_id, t.account_id, t.latest_at, t.latest_message_id, t.messages, t.unread, t.flagged, t.answered, t.attachments,
      t.size_bytes, m.is_header_only AS in_part, m.subject, m.preview, m.to_addresses, jsonb_build_array(jsonb_build_object('from', m.from_addresses, 'seen', p.shown_flags & 1 <> 0)) AS senders,
      g.message_id, g.received_at, left(b.text, 200000) AS text
    FROM counted c LEFT JOIN page g ON true LEFT JOIN message m ON m.id = g.message_id
    LEFT JOIN LATERAL (SELECT * FROM placement WHERE message_id = g.message_id AND shown_mailbox_id IS NOT NULL
      AND (${mailboxId}::bigint IS NULL OR shown_mailbox_id = ${mailboxId}::bigint) ORDER BY id LIMIT 1) p ON true
    LEFT JOIN thread_mailbox t ON t.mailbox_id = p.shown_mailbox_id AND t.thread_id = m.thread_id
    LEFT JOIN body b ON b.message_id = g.message_id ORDER BY g.received_at DESC, g.message_id DESC`,
  }
}

/** Messages whose words are not in the index yet. */
const notIndexed = (userId: bigint): Statement<{ n: number }> => ({
  name: 'search.waiting',
  sql: Prisma.sql`
    SELECT count(*)::int AS n FROM message m JOIN account a ON a.id = m.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL
    WHERE m.body_state = 'absent' AND NOT m.is_header_only AND m.orphaned_at IS NULL`,
})
