import { Prisma } from './generated/client.ts'
import type { Store } from './open-store.ts'
import type { Statement } from './reader.ts'

export type MessageRow = {
  id: bigint
  thread_id: bigint
  account_id: bigint
  subject: string
  from_addresses: unknown
  reply_to: unknown
  to_addresses: unknown
  cc: unknown
  bcc: unknown
  sent_at: Date | null
  received_at: Date
  size_bytes: bigint
  preview: string
  has_attachment: boolean
  body_state: string
  is_header_only: boolean
  is_rest_coming: boolean
  draft_id: string | null
}
export type PlacementRow = {
  message_id: bigint
  thread_id: bigint
  shown_mailbox_id: bigint
  copies: number
  flags: number
  keywords: string[]
}

/** A conversation of this person, oldest first; empty when it is not theirs. */
export const threadMessages = (userId: bigint, threadId: bigint): Statement<MessageRow> => ({
  name: 'thread.messages',
  sql: Prisma.sql`
    SELECT m.id, m.thread_id, m.account_id, m.subject, m.from_addresses, m.reply_to, m.to_addresses, m.cc, m.bcc, m.sent_at, m.received_at, m.size_bytes,
      m.preview, m.has_attachment, m.body_state, m.is_header_only,
      CASE WHEN m.is_header_only THEN EXISTS (SELECT 1 FROM pop_ledger l WHERE l.message_id = m.id AND l.wants_whole AND l.state <> 'gone' AND l.missing_since IS NULL)
        ELSE false END AS is_rest_coming,
      (SELECT d.id::text FROM draft d WHERE d.message_id = m.id AND d.discarded_at IS NULL AND d.submission_id IS NULL ORDER BY d.updated_at DESC LIMIT 1) AS draft_id
    FROM message m JOIN account a ON a.id = m.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL
    WHERE m.thread_id = ${threadId} AND m.orphaned_at IS NULL ORDER BY m.received_at, m.id LIMIT 1000`,
})

/** Where the messages of a conversation of this person went when it was merged into others, each time the smaller id; else null. */
export const threadWinner = (userId: bigint, threadId: bigint): Statement<{ id: bigint | null }> => ({
  name: 'thread.winner',
  sql: Prisma.sql`
    WITH RECURSIVE way AS (
      SELECT t.merged_into AS id FROM thread t JOIN account a ON a.id = t.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL WHERE t.id = ${threadId}
      UNION ALL SELECT t.merged_into FROM way w JOIN thread t ON t.id = w.id)
    SELECT min(id) AS id FROM way`,
})

/** Where messages are shown, one row a mailbox; several copies in one mailbox count as one. */
const placementRows = (where: Prisma.Sql): Prisma.Sql => Prisma.sql`
    SELECT p.message_id, p.thread_id, p.shown_mailbox_id, count(*)::int AS copies, bit_and(p.shown_flags)::int AS flags,
      string_to_array(coalesce((array_agg(array_to_string(p.shown_keywords, ' ')))[1], ''), ' ') AS keywords
    FROM placement p WHERE p.shown_mailbox_id IS NOT NULL AND ${where} GROUP BY 1, 2, 3`

export const threadPlacements = (userId: bigint, threadId: bigint): Statement<PlacementRow> => ({
  name: 'thread.placements',
  sql: placementRows(
    Prisma.sql`p.thread_id = ${threadId} AND p.account_id IN (SELECT id FROM account WHERE user_id = ${userId})`,
  ),
})

export const placementsOf = (threadIds: bigint[]): Statement<PlacementRow> => ({
  name: 'changed.placements',
  sql: placementRows(Prisma.sql`p.thread_id = ANY (${threadIds}::bigint[])`),
})

export type OwnMessage = {
  id: bigint
  account_id: bigint
  body_state: string
  is_header_only: boolean
  from_address: string | null
  subject: string
  received_at: Date
  /** Absent: the head of the mail does not say. */
  sent_at: Date | null
  from_addresses: unknown
  to_addresses: unknown
  cc: unknown
}

const ownMessage = (userId: bigint, messageId: bigint): Prisma.Sql => Prisma.sql`
    SELECT m.id, m.account_id, m.body_state, m.is_header_only, lower(m.from_addresses -> 0 ->> 'address') AS from_address, m.subject, m.received_at, m.sent_at,
      m.from_addresses, m.to_addresses, m.cc
    FROM message m JOIN account a ON a.id = m.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL WHERE m.id = ${messageId}`

/** A message of this person; null when it is somebody else's or not there. */
export const findOwnMessage = async (store: Store, userId: bigint, messageId: bigint): Promise<OwnMessage | null> => {
  const statement: Statement<OwnMessage> = { name: 'message', sql: ownMessage(userId, messageId) }
  return (await store.readAs(userId, [statement]))[0][0] ?? null
}

type BodyRow = { text: string; html: string | null; is_truncated: boolean }
type PartRow = {
  id: bigint
  filename: string | null
  content_type: string
  size_bytes: bigint
  content_id: string | null
  is_inline: boolean
}
/** `body` is absent while the message has none. `isWritten`: it lies where only this person's own programs put mail. */
export type ReadableMessage = {
  message: OwnMessage
  body: BodyRow | undefined
  isTrusted: boolean
  isWritten: boolean
  parts: PartRow[]
}

/** Everything the reading pane draws of a message of this person; null as above. */
export const readMessage = async (store: Store, userId: bigint, messageId: bigint): Promise<ReadableMessage | null> => {
  const own = Prisma.sql`WITH own AS MATERIALIZED (${ownMessage(userId, messageId)})`
  const found: Statement<OwnMessage & { is_trusted: boolean; is_written: boolean }> = {
    name: 'message.own',
    sql: Prisma.sql`${own} SELECT own.*, EXISTS (SELECT 1 FROM trusted_sender s WHERE s.user_id = ${userId} AND s.address = own.from_address) AS is_trusted,
      EXISTS (SELECT 1 FROM placement p JOIN mailbox b ON b.id = p.shown_mailbox_id AND coalesce(b.chosen_role, b.role) IN ('sent', 'drafts') WHERE p.message_id = own.id) AS is_written FROM own`,
  }
  const body: Statement<BodyRow> = {
    name: 'message.body',
    sql: Prisma.sql`${own} SELECT b.text, b.html, b.is_truncated FROM own JOIN body b ON b.message_id = own.id`,
  }
  const parts: Statement<PartRow> = {
    name: 'message.parts',
    sql: Prisma.sql`${own} SELECT p.id, p.filename, p.content_type, p.size_bytes, p.content_id, p.is_inline
      FROM own JOIN part p ON p.message_id = own.id ORDER BY p.position`,
  }
  const [[message], [stored], listed] = await store.readAs(userId, [found, body, parts])
  if (!message) return null
  return { message, body: stored, isTrusted: message.is_trusted, isWritten: message.is_written, parts: listed }
}
