import type { MailReport } from '#mail/report-facts.ts'
import { messageIdHash } from '#mail/threading.ts'
import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { RawUnit } from './commit.ts'
import { Prisma } from './generated/client.ts'
import type { Statement } from './reader.ts'
import { applyReport } from './submissions.ts'
import { applyMerges } from './sync-threads.ts'

/**
 * What mails say of other mails. Anybody can write one: it is kept as what its mail says, and changes something only where
 * the mail it is about was sent from here, and to whom it tells of.
 */
export const storeReports = async (
  unit: RawUnit,
  accountId: bigint,
  reports: { messageId: string; report: MailReport }[],
): Promise<void> => {
  for (const { messageId, report } of reports) await storeReport(unit, accountId, BigInt(messageId), report)
}

const storeReport = async (
  unit: RawUnit,
  accountId: bigint,
  messageId: bigint,
  { kind, aboutId, envelopeId, recipients }: MailReport,
): Promise<void> => {
  const { tx } = unit
  const [sent] = await tx.$queryRaw<{ id: string; message_id_header: string }[]>`
    SELECT id::text, message_id_header FROM submission
    WHERE account_id = ${accountId} AND (message_id_header = ${`<${aboutId ?? ''}>`} OR id::text = ${envelopeId ?? ''}) LIMIT 1`
  const named = sent?.message_id_header ?? aboutId
  const aboutHash = named === null ? null : messageIdHash(named)
  const made = await tx.$executeRaw`
    INSERT INTO mail_report (message_id, account_id, kind, about_hash, submission_id)
    SELECT m.id, m.account_id, ${kind}, ${aboutHash}::uuid, ${sent?.id ?? null}::uuid FROM message m WHERE m.id = ${messageId} AND m.account_id = ${accountId}
    ON CONFLICT (message_id) DO NOTHING`
  // It was read before.
  if (made === 0) return
  const text = (of: (one: MailReport['recipients'][number]) => string | null) => textArray(recipients.map(of))
  await tx.$executeRaw`
    INSERT INTO mail_report_recipient (message_id, position, action, address, original_address, status, text)
    SELECT ${messageId}::bigint, t.n, t.action, t.address, t.original, t.status, t.text FROM unnest(${text(({ action }) => action)}::text[],
      ${text(({ address }) => address)}::text[], ${text(({ originalAddress }) => originalAddress)}::text[], ${text(({ status }) => status)}::text[],
      ${text((one) => one.text)}::text[]) WITH ORDINALITY AS t (action, address, original, status, text, n)`
  if (aboutHash !== null) await joinConversation(unit, accountId, messageId, aboutHash)
  if (sent && kind === 'delivery') await applyReport(unit, accountId, sent.id, recipients)
  unit.log({ accountId }, { kind: 'notes', messageIds: [messageId.toString()] })
}

/**
 * Into the conversation of the mail it is about, as a reply would be, and also where that mail comes later; but never into that of
 * a mail which somebody else wrote.
 */
const joinConversation = async (
  unit: RawUnit,
  accountId: bigint,
  messageId: bigint,
  aboutHash: string,
): Promise<void> => {
  const { tx } = unit
  const [own] = await tx.$queryRaw<{ thread_id: bigint }[]>`SELECT thread_id FROM message WHERE id = ${messageId}`
  const [about] = await tx.$queryRaw<{ thread_id: bigint; is_foreign: boolean }[]>`
    SELECT r.thread_id, EXISTS (SELECT 1 FROM message m WHERE m.thread_id = r.thread_id AND m.message_id_hash = r.ref_hash AND NOT is_own_mail(m)) AS is_foreign
    FROM message_ref r WHERE r.account_id = ${accountId} AND r.ref_hash = ${aboutHash}::uuid`
  if (!own) return
  if (!about) {
    await tx.$executeRaw`
      INSERT INTO message_ref (account_id, ref_hash, thread_id) VALUES (${accountId}, ${aboutHash}::uuid, ${own.thread_id}) ON CONFLICT DO NOTHING`
    return
  }
  if (about.thread_id === own.thread_id || about.is_foreign) return
  await mergeThreads(tx, accountId, own.thread_id, about.thread_id)
  unit.touchThreads(accountId, [own.thread_id, about.thread_id])
}

const mergeThreads = (tx: RawTx, accountId: bigint, one: bigint, other: bigint): Promise<void> =>
  applyMerges(tx, accountId, new Map([one < other ? [other, one] : [one, other]]))

export type ReportRow = {
  message_id: bigint
  kind: string
  at: Date
  about_message_id: bigint | null
  about_thread_id: bigint | null
  about_subject: string | null
  report_thread_id: bigint
  action: string
  address: string
  original_address: string | null
  status: string | null
  text: string | null
}

/** One row when it is a conversation of this person. */
export const ownThread = (userId: bigint, threadId: bigint): Statement<{ id: bigint }> => ({
  name: 'thread.own',
  sql: Prisma.sql`
    SELECT t.id FROM thread t JOIN account a ON a.id = t.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL
    WHERE t.id = ${threadId} AND t.merged_into IS NULL`,
})

/** Reports in a conversation of this person, or about a mail in it, oldest first; one row a recipient. */
export const threadReports = (userId: bigint, threadId: bigint): Statement<ReportRow> => ({
  name: 'thread.reports',
  sql: Prisma.sql`
    SELECT r.message_id, r.kind, m.received_at AS at, m.thread_id AS report_thread_id, about.id AS about_message_id, about.thread_id AS about_thread_id,
      about.subject AS about_subject, c.action, c.address, c.original_address, c.status, c.text
    FROM (
      SELECT r.* FROM message m JOIN mail_report r ON r.message_id = m.id WHERE m.thread_id = ${threadId}
      UNION SELECT r.* FROM message m JOIN mail_report r ON r.account_id = m.account_id AND r.about_hash = m.message_id_hash WHERE m.thread_id = ${threadId}
    ) r JOIN message m ON m.id = r.message_id AND m.orphaned_at IS NULL
    JOIN account a ON a.id = r.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL
    JOIN mail_report_recipient c ON c.message_id = r.message_id
    LEFT JOIN LATERAL (
      SELECT o.id, o.thread_id, o.subject FROM message_ref f JOIN message o ON o.thread_id = f.thread_id AND o.message_id_hash = f.ref_hash
      WHERE f.account_id = r.account_id AND f.ref_hash = r.about_hash AND o.orphaned_at IS NULL AND is_own_mail(o) ORDER BY o.id LIMIT 1) about ON true
    ORDER BY m.received_at, m.id, c.position LIMIT 2000`,
})
