import { z } from 'zod'
import type { Original } from '#mail/quote-original.ts'
import { messageIdHash } from '#mail/threading.ts'
import { Prisma } from './generated/client.ts'
import type { Store, Tx } from './open-store.ts'
import { type ReadableMessage, readMessage } from './read-messages.ts'

/** A mail as it goes out below an answer, and the parts that its pictures are. */
export type FoundOriginal = { original: Original; isTruncated: boolean; parts: ReadableMessage['parts'] }

const people = z.array(z.object({ name: z.string(), address: z.string() }))

/** Null: it is not this person's, or not here; `absent`: its text was not fetched yet, or there is none. */
export const findOriginal = async (
  store: Store,
  userId: bigint,
  { messageId: id, kind }: { messageId: bigint; kind: Original['kind'] },
): Promise<FoundOriginal | 'absent' | null> => {
  const found = await readMessage(store, userId, id)
  if (!found) return null
  const { message, body, parts } = found
  if (!body) return 'absent'
  return {
    original: {
      kind,
      from: people.parse(message.from_addresses),
      to: people.parse(message.to_addresses),
      cc: people.parse(message.cc),
      subject: message.subject,
      date: message.sent_at ?? message.received_at,
      text: body.text,
      html: body.html,
    },
    isTruncated: body.is_truncated,
    parts,
  }
}

const maxCandidates = 10

/** What a draft that another program wrote on may quote: the mail it answers, and what the last drafts of this person quoted. */
export const findQuotable = async (
  tx: Tx,
  userId: bigint,
  answered: string | null,
): Promise<{ messageId: bigint; kind: Original['kind']; isAnswered: boolean }[]> => {
  const isAnswered =
    answered === null
      ? Prisma.sql`SELECT NULL::bigint AS id WHERE false`
      : Prisma.sql`
        SELECT m.id FROM account a JOIN message_ref r ON r.account_id = a.id AND r.ref_hash = ${messageIdHash(answered)}::uuid
          JOIN message m ON m.thread_id = r.thread_id AND m.message_id_hash = r.ref_hash
        WHERE a.user_id = ${userId} AND a.disconnected_at IS NULL ORDER BY m.orphaned_at NULLS FIRST, m.id LIMIT 3`
  const rows = await tx.$queryRaw<{ id: bigint; kind: Original['kind']; place: number }[]>`
    SELECT id, 'reply' AS kind, 0 AS place FROM (${isAnswered}) answered
    UNION ALL SELECT id, kind, 1 FROM (SELECT (content -> 'about' ->> 'messageId')::bigint AS id, content -> 'about' ->> 'kind' AS kind FROM draft
      WHERE user_id = ${userId} AND submission_id IS NULL AND (content ->> 'quotes')::boolean AND content -> 'about' ->> 'kind' IN ('reply', 'forward')
      ORDER BY updated_at DESC LIMIT ${maxCandidates}) drafts
    ORDER BY place`
  return rows.map(({ id: messageId, kind, place }) => ({ messageId, kind, isAnswered: place === 0 }))
}
