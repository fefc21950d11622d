import { z } from 'zod'
import type { MailAsks } from '#mail/read-asks.ts'
import type { RawUnit } from './commit.ts'
import { Prisma } from './generated/client.ts'
import type { Tx } from './open-store.ts'
import type { Statement } from './reader.ts'
import { sendingBar } from './relay.ts'

/** What mails ask of their reader, and what was said to it. */
const stored = z.object({
  receipt: z.object({ to: z.string(), messageId: z.string().nullable() }).nullable(),
  list: z.object({ id: z.string().nullable(), links: z.array(z.string()), isOneClick: z.boolean() }).nullable(),
})
export const parseAsks = (value: unknown): MailAsks => stored.parse(value)

export type AskRow = {
  message_id: bigint
  asks: unknown
  from_address: string | null
  answer: string | null
  answered_at: Date | null
  /** $MDNSent: some program has answered. RFC 3503. */
  is_mdn_sent: boolean
  left_at: Date | null
}

/** What a list is known by: its own name, else who writes. */
export const listKeyOf = (list: MailAsks['list'], fromAddress: string | null): string =>
  list?.id ?? (fromAddress ?? '').toLowerCase()

const listKey = Prisma.sql`coalesce(m.asks -> 'list' ->> 'id', lower(m.from_addresses -> 0 ->> 'address'), '')`

/**
 * So long a list may go on writing to somebody who has left it. What comes after that comes because they joined it again, or because it
 * has not obeyed: it can be left once more.
 */
const leaveHolds = Prisma.sql`interval '14 days'`

const askRows = (userId: bigint, where: Prisma.Sql): Prisma.Sql => Prisma.sql`
    SELECT m.id AS message_id, m.asks, m.from_addresses -> 0 ->> 'address' AS from_address, r.answer, r.at AS answered_at, l.at AS left_at,
      EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id AND lower(p.shown_keywords::text)::text[] @> '{$mdnsent}') AS is_mdn_sent
    FROM message m JOIN account a ON a.id = m.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL
    LEFT JOIN receipt_answer r ON r.message_id = m.id LEFT JOIN list_leave l ON l.account_id = m.account_id AND l.list = ${listKey} AND l.at > m.received_at - ${leaveHolds}
    WHERE ${where} AND m.asks IS NOT NULL AND m.orphaned_at IS NULL AND NOT is_own_mail(m)`

/** Of the mails of a conversation that ask for something; of none that was written from here. */
export const threadAsks = (userId: bigint, threadId: bigint): Statement<AskRow> => ({
  name: 'thread.asks',
  sql: askRows(userId, Prisma.sql`m.thread_id = ${threadId}`),
})

export const messageAsks = (userId: bigint, messageId: bigint): Statement<AskRow> => ({
  name: 'message.asks',
  sql: askRows(userId, Prisma.sql`m.id = ${messageId}`),
})

/** False when somebody answered before. */
export const noteAnswer = async (
  unit: RawUnit,
  { accountId, messageId }: { accountId: bigint; messageId: bigint },
  answer: 'sent' | 'refused',
  submissionId: string | null,
): Promise<boolean> => {
  const made = await unit.tx.$executeRaw`
    INSERT INTO receipt_answer (message_id, account_id, answer, submission_id) VALUES (${messageId}, ${accountId}, ${answer}, ${submissionId}::uuid)
    ON CONFLICT (message_id) DO NOTHING`
  if (made > 0) unit.log({ accountId }, { kind: 'notes', messageIds: [messageId.toString()] })
  return made > 0
}

/** False when the list was left before, as far as that holds for this mail. */
export const noteLeave = async (
  unit: RawUnit,
  { accountId, messageId }: { accountId: bigint; messageId: bigint },
  list: string,
): Promise<boolean> => {
  const made = await unit.tx.$executeRaw`
    INSERT INTO list_leave (account_id, list) VALUES (${accountId}, ${list}) ON CONFLICT (account_id, list) DO UPDATE SET at = now()
      WHERE list_leave.at <= (SELECT m.received_at FROM message m WHERE m.id = ${messageId}) - ${leaveHolds}`
  if (made > 0) unit.log({ accountId }, { kind: 'notes', messageIds: [messageId.toString()] })
  return made > 0
}

/**
 * Who answers a mail: the own address it was written to, else that of the account. Null: nothing can be sent from it; another own
 * address would tell somebody of it who does not know it.
 */
export const findAnswerer = async (
  tx: Tx,
  accountId: bigint,
  messageId: bigint,
): Promise<{ name: string; address: string } | null> => {
  const [row] = await tx.$queryRaw<{ name: string; address: string; is_barred: boolean }[]>`
    SELECT own.name, own.address, ${sendingBar(Prisma.sql`own.address`)} IS NOT NULL AS is_barred FROM account a JOIN message m ON m.account_id = a.id AND m.id = ${messageId}
    CROSS JOIN LATERAL (
      SELECT i.name, i.address, i.is_default, 1 AS kind FROM identity i WHERE i.account_id = a.id
      UNION ALL SELECT '', a.address, false, 2) own
    LEFT JOIN relay r ON true
    WHERE a.id = ${accountId}
    ORDER BY EXISTS (SELECT 1 FROM jsonb_array_elements(m.to_addresses || m.cc) t WHERE lower(t ->> 'address') = lower(own.address)) DESC,
      own.is_default DESC, own.kind LIMIT 1`
  return row && !row.is_barred ? { name: row.name, address: row.address } : null
}

/** Where a mail is shown and the server keeps keywords; null: nowhere. */
export const findKeywordPlace = async (tx: Tx, messageId: bigint): Promise<bigint | null> => {
  const [row] = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT b.id FROM placement p JOIN mailbox b ON b.id = p.shown_mailbox_id WHERE p.message_id = ${messageId} AND b.can_create_keywords AND NOT b.is_read_only
    ORDER BY p.id LIMIT 1`
  return row?.id ?? null
}
