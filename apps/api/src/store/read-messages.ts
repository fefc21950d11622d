import type { Tx } from './open-store.ts'

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
export const readThreadMessages = (tx: Tx, userId: bigint, threadId: bigint): Promise<MessageRow[]> => tx.$queryRaw<
  MessageRow[]
>`
    SELECT m.id, m.thread_id, m.account_id, m.subject, m.from_addresses, m.reply_to, m.to_addresses, m.cc, m.bcc, m.sent_at, m.received_at, m.size_bytes,
      m.preview, m.has_attachment, m.body_state
    FROM message m JOIN account a ON a.id = m.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL
    WHERE m.thread_id = ${threadId} AND m.orphaned_at IS NULL ORDER BY m.received_at, m.id LIMIT 1000`

/** Where messages are shown, one row a mailbox; several copies in one mailbox count as one. */
export const readPlacements = (
  tx: Tx,
  by: { threadIds: bigint[] } | { messageIds: bigint[] },
): Promise<PlacementRow[]> => {
  const threadIds = 'threadIds' in by ? by.threadIds : null
  const messageIds = 'messageIds' in by ? by.messageIds : null
  return tx.$queryRaw<PlacementRow[]>`
    SELECT message_id, thread_id, shown_mailbox_id, count(*)::int AS copies, bit_and(shown_flags)::int AS flags,
      (array_agg(array_to_string(shown_keywords, ' ')))[1] AS keywords_text,
      string_to_array(coalesce((array_agg(array_to_string(shown_keywords, ' ')))[1], ''), ' ') AS keywords
    FROM placement WHERE shown_mailbox_id IS NOT NULL
      AND (${threadIds}::bigint[] IS NULL OR thread_id = ANY (${threadIds}::bigint[])) AND (${messageIds}::bigint[] IS NULL OR message_id = ANY (${messageIds}::bigint[]))
    GROUP BY 1, 2, 3`
}

export type OwnMessage = {
  id: bigint
  account_id: bigint
  body_state: string
  from_address: string | null
  subject: string
  received_at: Date
}

/** A message of this person; null when it is somebody else's or not there. */
export const findOwnMessage = async (tx: Tx, userId: bigint, messageId: bigint): Promise<OwnMessage | null> => {
  const rows = await tx.$queryRaw<OwnMessage[]>`
    SELECT m.id, m.account_id, m.body_state, lower(m.from_addresses -> 0 ->> 'address') AS from_address, m.subject, m.received_at
    FROM message m JOIN account a ON a.id = m.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL WHERE m.id = ${messageId}`
  return rows[0] ?? null
}

export const readBody = (tx: Tx, messageId: bigint) => tx.body.findUnique({ where: { messageId } })
export const readParts = (tx: Tx, messageId: bigint) =>
  tx.part.findMany({ where: { messageId }, orderBy: { position: 'asc' } })
export const isTrustedSender = async (tx: Tx, userId: bigint, address: string | null): Promise<boolean> =>
  address !== null && (await tx.trustedSender.findUnique({ where: { userId_address: { userId, address } } })) !== null
