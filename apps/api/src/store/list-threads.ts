import type { threadFilter } from '@postern/shared/messages.ts'
import type { z } from 'zod'
import { Prisma } from './generated/client.ts'
import type { Tx } from './open-store.ts'
import type { Statement } from './reader.ts'

/** A row of a mailbox's list with what the presenter needs; people are the stored JSON. */
export type ThreadListRow = {
  thread_id: bigint
  mailbox_id: bigint
  account_id: bigint
  latest_at: Date
  latest_message_id: bigint
  messages: number
  unread: number
  flagged: number
  answered: number
  attachments: number
  in_part: boolean
  size_bytes: bigint
  subject: string
  preview: string
  to_addresses: unknown
  /** [{from: [...], seen}] of the thread's messages here, oldest first. */
  senders: unknown
}
export type ListKey = { at: Date; threadId: bigint }
export type Filter = z.infer<typeof threadFilter>

const conditions: Record<Filter, Prisma.Sql> = {
  all: Prisma.empty,
  unread: Prisma.sql`AND unread > 0`,
  flagged: Prisma.sql`AND flagged > 0`,
  attachments: Prisma.sql`AND attachments > 0`,
}

const columns = Prisma.sql`t.thread_id, t.mailbox_id, t.account_id, t.latest_at, t.latest_message_id, t.messages, t.unread, t.flagged, t.answered,
  t.attachments, t.size_bytes, m.subject, m.preview, m.to_addresses, CASE WHEN t.messages = 1 THEN m.is_header_only
    ELSE EXISTS (SELECT 1 FROM message im WHERE im.thread_id = t.thread_id AND im.is_header_only) END AS in_part`

/**
 * Who wrote in `t`; a conversation of one message has its only sender in `m`, which is most of them. Found by conversation
 * only (`+ 0` keeps the mailbox out of the choice): while a mailbox fills, the planner does not know yet that it holds more
 * than a conversation does, and would walk all of it for each row.
 */
const senders = Prisma.sql`CASE WHEN t.messages = 1 THEN jsonb_build_array(jsonb_build_object('from', m.from_addresses, 'seen', t.unread = 0)) ELSE (
    SELECT jsonb_agg(jsonb_build_object('from', x.from_addresses, 'seen', x.seen) ORDER BY x.received_at, x.id) FROM (
      SELECT pm.id, pm.from_addresses, pm.received_at, p.shown_flags & 1 <> 0 AS seen
      FROM placement p JOIN message pm ON pm.id = p.message_id WHERE p.thread_id = t.thread_id AND p.shown_mailbox_id + 0 = t.mailbox_id LIMIT 50) x
  ) END AS senders`

export type PageWish = { limit: number; after: ListKey | null; filter: Filter; offset?: number }
export type PageRow = { total: number; unread_total: number } & (ThreadListRow | { thread_id: null })

/**
 * A page of a person's mailbox, newest first, after `after` when given: one index range. No row when the mailbox is not
 * theirs; one without a conversation when the page is empty. Limit and filter stand in the text, because a plan made for
 * any number of rows walks whole tables.
 */
export const threadPage = (
  userId: bigint,
  mailboxId: bigint,
  { limit, after, filter, offset = 0 }: PageWish,
): Statement<PageRow> => {
  // "Infinity" as the first key keeps the row form, which the index follows at any depth.
  const at = after?.at ?? new Date('9999-12-31T00:00:00Z')
  const id = after?.threadId ?? 9_223_372_036_854_775_807n
  return {
    name: `threads.${filter}.${limit}`,
    sql: Prisma.sql`
    SELECT b.conversations AS total, b.unread_conversations AS unread_total, ${columns}, ${senders}
    FROM mailbox b JOIN account a ON a.id = b.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL
    LEFT JOIN LATERAL (
      SELECT * FROM thread_mailbox WHERE mailbox_id = b.id AND (latest_at, thread_id) < (${at}::timestamptz, ${id}::bigint) ${conditions[filter]}
      ORDER BY latest_at DESC, thread_id DESC LIMIT ${Prisma.raw(limit.toFixed(0))} OFFSET ${offset}::int
    ) t ON true LEFT JOIN message m ON m.id = t.latest_message_id
    WHERE b.id = ${mailboxId} ORDER BY t.latest_at DESC, t.thread_id DESC`,
  }
}

/** The rows of given conversations in given mailboxes, whatever their place in the list. */
export const threadRowsOf = (pairs: [bigint, bigint][]): Statement<ThreadListRow> => ({
  name: 'changed.threads',
  sql: Prisma.sql`
    SELECT ${columns}, ${senders}
    FROM unnest(${pairs.map(([mailboxId]) => mailboxId)}::bigint[], ${pairs.map(([, threadId]) => threadId)}::bigint[]) AS w (mailbox_id, thread_id)
    JOIN thread_mailbox t USING (mailbox_id, thread_id) JOIN message m ON m.id = t.latest_message_id`,
})

/** How long the list of a person's mailbox is; no row when it is not theirs. */
export const mailboxSize = (userId: bigint, mailboxId: bigint): Statement<{ conversations: number }> => ({
  name: 'mailbox.size',
  sql: Prisma.sql`
    SELECT b.conversations FROM mailbox b JOIN account a ON a.id = b.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL
    WHERE b.id = ${mailboxId}`,
})

/** Every 1,000th key of a list: from there a jump to a position is a short walk. */
export const ladder = (mailboxId: bigint, step: number): Statement<ListKey> => ({
  name: 'mailbox.ladder',
  sql: Prisma.sql`
    SELECT latest_at AS at, thread_id AS "threadId" FROM (
      SELECT latest_at, thread_id, row_number() OVER (ORDER BY latest_at DESC, thread_id DESC) AS n FROM thread_mailbox WHERE mailbox_id = ${mailboxId}) k
    WHERE n % ${step}::int = 0 ORDER BY n`,
})

/** Conversations with messages some other program marked \Deleted in this mailbox. */
export const listHidden = (tx: Tx, mailboxId: bigint, limit: number): Promise<ThreadListRow[]> => tx.$queryRaw<
  ThreadListRow[]
>`
    SELECT p.thread_id, p.mailbox_id, p.account_id, max(p.received_at) AS latest_at, max(m.id) AS latest_message_id, count(*)::int AS messages,
      (count(*) FILTER (WHERE p.shown_flags & 1 = 0))::int AS unread, 0 AS flagged, 0 AS answered, (count(*) FILTER (WHERE m.has_attachment))::int AS attachments,
      bool_or(m.is_header_only) AS in_part, sum(m.size_bytes)::bigint AS size_bytes, max(m.subject) AS subject, max(m.preview) AS preview, '[]'::jsonb AS to_addresses,
      jsonb_agg(jsonb_build_object('from', m.from_addresses, 'seen', p.shown_flags & 1 <> 0)) AS senders
    FROM placement p JOIN message m ON m.id = p.message_id WHERE p.mailbox_id = ${mailboxId} AND p.shown_flags & 8 <> 0
    GROUP BY 1, 2, 3 ORDER BY latest_at DESC, thread_id DESC LIMIT ${limit}::int`
