import type { Tx } from './open-store.ts'
import { idHash } from './read-submissions.ts'

/**
 * Whose mail one's own mail quotes, lower case: what was decided about that sender's pictures is decided about the quote. Null: nobody
 * knows. Of what was written here it is known; else it is whoever else wrote before it in the conversation, where that is only one: of
 * several, it may quote one of whom something else was decided.
 */
export const findQuotedSender = async (tx: Tx, userId: bigint, messageId: bigint): Promise<string | null> => {
  const message = await tx.message.findUnique({ where: { id: messageId } })
  if (!message) return null
  const aboutId = (await aboutOfDraft(tx, userId, messageId)) ?? (await aboutOfSent(tx, userId, message))
  const [row] = await tx.$queryRaw<{ sender: string | null }[]>`
    SELECT CASE WHEN count(DISTINCT lower(m.from_addresses -> 0 ->> 'address')) = 1 AND bool_and(m.from_addresses -> 0 ->> 'address' IS NOT NULL)
      THEN min(lower(m.from_addresses -> 0 ->> 'address')) END AS sender
    FROM message m JOIN account a ON a.id = m.account_id AND a.user_id = ${userId}
    WHERE CASE WHEN ${aboutId}::bigint IS NOT NULL THEN m.id = ${aboutId}::bigint
      ELSE m.thread_id = ${message.threadId} AND m.id <> ${messageId} AND m.received_at <= ${message.receivedAt.toISOString()}::timestamptz
        AND NOT EXISTS (SELECT 1 FROM placement p JOIN mailbox b ON b.id = p.shown_mailbox_id AND coalesce(b.chosen_role, b.role) IN ('sent', 'drafts') WHERE p.message_id = m.id) END`
  return row?.sender ?? null
}

const aboutOfDraft = async (tx: Tx, userId: bigint, messageId: bigint): Promise<bigint | null> => {
  const [row] = await tx.$queryRaw<{ about: bigint | null }[]>`
    SELECT (content -> 'about' ->> 'messageId')::bigint AS about FROM draft WHERE user_id = ${userId} AND message_id = ${messageId} LIMIT 1`
  return row?.about ?? null
}

const aboutOfSent = async (
  tx: Tx,
  userId: bigint,
  { accountId, subject, messageIdHash: wanted }: { accountId: bigint; subject: string; messageIdHash: string | null },
): Promise<bigint | null> => {
  const [sent] = await tx.$queryRaw<{ about: bigint }[]>`
    SELECT s.about_message_id AS about FROM submission s WHERE s.user_id = ${userId} AND s.account_id = ${accountId} AND s.subject = ${subject}
      AND s.about_message_id IS NOT NULL AND ${idHash} = ${wanted}::uuid ORDER BY s.created_at DESC LIMIT 1`
  return sent?.about ?? null
}
