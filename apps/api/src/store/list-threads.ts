import type { threadFilter } from '@postern/shared/messages.ts'
import type { z } from 'zod'
import type { Tx } from './open-store.ts'

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
  size_bytes: bigint
  subject: string
  preview: string
  to_addresses: unknown
  /** [{from: [...], seen}] of the thread's messages here, oldest first. */
  senders: unknown
}
export type ListKey = { at: Date; threadId: bigint }
export type Filter = z.infer<typeof threadFilter>

const filterMask: Record<Filter, { unread: boolean; flagged: boolean; attachments: boolean }> = {
  all: { unread: false, flagged: false, attachments: false },
  unread: { unread: true, flagged: false, attachments: false },
  flagged: { unread: false, flagged: true, attachments: false },
  attachments: { unread: false, flagged: false, attachments: true },
}

/** Newest first, after `after` when given. One index range; senders by one lateral look per row. */
export const listThreads = (
  tx: Tx,
  mailboxId: bigint,
  { limit, after, filter, offset = 0 }: { limit: number; after: ListKey | null; filter: Filter; offset?: number },
): Promise<ThreadListRow[]> => {
  const { unread, flagged, attachments } = filterMask[filter]
  // "Infinity" as the first key keeps the row form, which the index follows at any depth.
  const at = after?.at ?? new Date('9999-12-31T00:00:00Z')
  const id = after?.threadId ?? 9_223_372_036_854_775_807n
  return tx.$queryRaw<ThreadListRow[]>`
    SELECT t.*, m.subject, m.preview, m.to_addresses, s.senders FROM (
      SELECT thread_id, mailbox_id, account_id, latest_at, latest_message_id, messages, unread, flagged, answered, attachments, size_bytes
      FROM thread_mailbox WHERE mailbox_id = ${mailboxId} AND (latest_at, thread_id) < (${at}::timestamptz, ${id}::bigint)
        AND (NOT ${unread} OR unread > 0) AND (NOT ${flagged} OR flagged > 0) AND (NOT ${attachments} OR attachments > 0)
      ORDER BY latest_at DESC, thread_id DESC LIMIT ${limit}::int OFFSET ${offset}::int
    ) t JOIN message m ON m.id = t.latest_message_id
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('from', x.from_addresses, 'seen', x.seen) ORDER BY x.received_at, x.id) AS senders FROM (
        SELECT DISTINCT ON (pm.id) pm.id, pm.from_addresses, pm.received_at, p.shown_flags & 1 <> 0 AS seen
        FROM placement p JOIN message pm ON pm.id = p.message_id WHERE p.thread_id = t.thread_id AND p.shown_mailbox_id = t.mailbox_id
        ORDER BY pm.id LIMIT 50) x
    ) s ORDER BY t.latest_at DESC, t.thread_id DESC`
}

/** The rows of given conversations in given mailboxes, whatever their place in the list. */
export const readThreadRows = (tx: Tx, pairs: [bigint, bigint][]): Promise<ThreadListRow[]> => tx.$queryRaw<
  ThreadListRow[]
>`
    SELECT t.thread_id, t.mailbox_id, t.account_id, t.latest_at, t.latest_message_id, t.messages, t.unread, t.flagged, t.answered, t.attachments, t.size_bytes,
      m.subject, m.preview, m.to_addresses, s.senders
    FROM unnest(${pairs.map(([mailboxId]) => mailboxId)}::bigint[], ${pairs.map(([, threadId]) => threadId)}::bigint[]) AS w (mailbox_id, thread_id)
    JOIN thread_mailbox t USING (mailbox_id, thread_id) JOIN message m ON m.id = t.latest_message_id
    CROSS JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('from', x.from_addresses, 'seen', x.seen) ORDER BY x.received_at, x.id) AS senders FROM (
        SELECT DISTINCT ON (pm.id) pm.id, pm.from_addresses, pm.received_at, p.shown_flags & 1 <> 0 AS seen
        FROM placement p JOIN message pm ON pm.id = p.message_id WHERE p.thread_id = t.thread_id AND p.shown_mailbox_id = t.mailbox_id
        ORDER BY pm.id LIMIT 50) x
    ) s`

/** Every 1,000th key of a list: from there a jump to a position is a short walk. */
export const readLadder = async (tx: Tx, mailboxId: bigint, step: number): Promise<ListKey[]> => {
  const rows = await tx.$queryRaw<{ latest_at: Date; thread_id: bigint }[]>`
    SELECT latest_at, thread_id FROM (
      SELECT latest_at, thread_id, row_number() OVER (ORDER BY latest_at DESC, thread_id DESC) AS n FROM thread_mailbox WHERE mailbox_id = ${mailboxId}) k
    WHERE n % ${step}::int = 0 ORDER BY n`
  return rows.map((row) => ({ at: row.latest_at, threadId: row.thread_id }))
}

/** Conversations with messages some other program marked \Deleted in this mailbox. */
export const listHidden = (tx: Tx, mailboxId: bigint, limit: number): Promise<ThreadListRow[]> => tx.$queryRaw<
  ThreadListRow[]
>`
    SELECT p.thread_id, p.mailbox_id, p.account_id, max(p.received_at) AS latest_at, max(m.id) AS latest_message_id, count(*)::int AS messages,
      (count(*) FILTER (WHERE p.shown_flags & 1 = 0))::int AS unread, 0 AS flagged, 0 AS answered, (count(*) FILTER (WHERE m.has_attachment))::int AS attachments,
      sum(m.size_bytes)::bigint AS size_bytes, max(m.subject) AS subject, max(m.preview) AS preview, '[]'::jsonb AS to_addresses,
      jsonb_agg(jsonb_build_object('from', m.from_addresses, 'seen', p.shown_flags & 1 <> 0)) AS senders
    FROM placement p JOIN message m ON m.id = p.message_id WHERE p.mailbox_id = ${mailboxId} AND p.shown_flags & 8 <> 0
    GROUP BY 1, 2, 3 ORDER BY latest_at DESC LIMIT ${limit}::int`
