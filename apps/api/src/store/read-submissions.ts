import { z } from 'zod'
import { Prisma } from './generated/client.ts'
import type { Tx } from './open-store.ts'
import type { Statement } from './reader.ts'

/** A mail on its way out with all that hangs on it, for whoever is told how far it is. */
export type SubmissionRow = {
  id: string
  account_id: bigint
  draft_id: string | null
  from_name: string
  from_address: string
  subject: string
  size_bytes: number
  not_before: Date
  schedule: unknown
  sent_copy: string
  cancelled_at: Date | null
  is_dismissed: boolean
  told_at: Date | null
  created_at: Date
  finished_at: Date | null
  is_held: boolean
  is_paused: boolean
  /** Of one that waits: the faults at the door by which others of its account wait, of each code the last, the latest first. */
  ahead: unknown
  batches: unknown
  recipients: unknown
  evidence: unknown
}

const instantText = z.coerce.date()
export const aheadRows = z.array(z.object({ error_code: z.string(), due_at: instantText, text: z.string().nullable() }))
export const batchRows = z.array(
  z.object({
    n: z.number(),
    state: z.string(),
    attempts: z.number(),
    due_at: instantText,
    reply_code: z.number().nullable(),
    error_code: z.string().nullable(),
    text: z.string().nullable(),
  }),
)
export const recipientRows = z.array(
  z.object({
    batch: z.number(),
    name: z.string(),
    address: z.string(),
    kind: z.enum(['to', 'cc', 'bcc']),
    state: z.enum(['waiting', 'accepted', 'refused', 'failed', 'delivered']),
    text: z.string().nullable(),
  }),
)
export const evidenceRows = z.array(
  z.object({ kind: z.enum(['in_sent', 'bounce', 'reply']), message_id: z.string(), at: instantText }),
)

/** The last word about a batch of which the doubt ended by itself. */
export const foundInSent = 'It was found in Sent.'

/** Of a `submission s`, as mail/threading.ts makes it. */
export const idHash = Prisma.sql`left(encode(sha256(convert_to('id:' || trim(BOTH '<>' FROM s.message_id_header), 'UTF8')), 'hex'), 32)::uuid`

/**
 * What speaks for the arrival of a mail in doubt, or against it: it lies in Sent, though nobody put it there from here; somebody
 * refers to it; a server says that it did not arrive.
 */
const evidence = Prisma.sql`
  WITH kin AS (
    SELECT m.id, m.received_at, m.message_id_hash = ${idHash} AS is_own, lower(m.from_addresses -> 0 ->> 'address') AS from_address
    FROM message_ref r JOIN message m ON m.thread_id = r.thread_id WHERE r.account_id = s.account_id AND r.ref_hash = ${idHash} AND m.orphaned_at IS NULL),
  bounces AS (
    SELECT m.id, m.received_at FROM message m LEFT JOIN body b ON b.message_id = m.id
    WHERE m.account_id = s.account_id AND m.received_at >= s.not_before - interval '1 minute' AND m.orphaned_at IS NULL
      AND m.from_addresses -> 0 ->> 'address' ~* '^(mailer-daemon|postmaster|mail-daemon)@' AND position(trim(BOTH '<>' FROM s.message_id_header) IN b.text) > 0
    UNION SELECT m.id, m.received_at FROM mail_report r JOIN message m ON m.id = r.message_id AND m.orphaned_at IS NULL
    WHERE r.account_id = s.account_id AND r.about_hash = ${idHash} AND r.kind = 'delivery'
      AND EXISTS (SELECT 1 FROM mail_report_recipient c WHERE c.message_id = r.message_id AND c.action = 'failed'))
  SELECT 'in_sent' AS kind, id, received_at FROM kin WHERE is_own AND EXISTS (
    SELECT 1 FROM placement p JOIN mailbox b ON b.id = p.shown_mailbox_id WHERE p.message_id = kin.id AND coalesce(b.chosen_role, b.role) IN ('sent', 'all'))
  UNION ALL SELECT 'bounce', id, received_at FROM bounces
  UNION ALL SELECT 'reply', id, received_at FROM kin WHERE NOT coalesce(is_own, false) AND received_at >= s.not_before - interval '1 minute'
    AND from_address <> lower(s.from_address) AND id NOT IN (SELECT id FROM bounces)
    AND NOT EXISTS (SELECT 1 FROM mail_report r WHERE r.message_id = kin.id AND r.kind = 'delivery'
      AND NOT EXISTS (SELECT 1 FROM mail_report_recipient c WHERE c.message_id = r.message_id AND c.action = 'delivered'))
  ORDER BY 3 LIMIT 20`

/** To the millisecond, as it is stored: within the transaction that takes a mail, what goes now would else be half a millisecond away. */
const thisInstant = Prisma.sql`now()::timestamptz(3)`

const wholeSubmissions = (where: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT s.id::text, s.account_id, (SELECT d.id::text FROM draft d WHERE d.id = s.draft_id) AS draft_id, s.from_name, s.from_address, s.subject, s.size_bytes::float8 AS size_bytes, s.not_before, s.schedule, s.sent_copy,
    s.cancelled_at, s.dismissed_at IS NOT NULL AS is_dismissed, s.told_at, s.created_at, s.finished_at, s.not_before > ${thisInstant} AS is_held, a.is_paused,
    (SELECT json_agg(json_build_object('n', b.n, 'state', b.state, 'attempts', b.attempts, 'due_at', b.due_at, 'reply_code', b.reply_code, 'error_code', b.error_code, 'text', b.text)
      ORDER BY b.n) FROM submission_batch b WHERE b.submission_id = s.id) AS batches,
    (SELECT json_agg(json_build_object('batch', r.batch, 'name', r.name, 'address', r.address, 'kind', r.kind, 'state', r.state, 'text', r.text) ORDER BY r.position)
      FROM submission_recipient r WHERE r.submission_id = s.id) AS recipients,
    CASE WHEN s.finished_at IS NULL AND (s.schedule IS NULL OR s.not_before <= ${thisInstant}) THEN (SELECT json_agg(json_build_object('error_code', f.error_code, 'due_at', f.due_at, 'text', f.text) ORDER BY f.changed_at DESC) FROM (
      SELECT DISTINCT ON (b.error_code) b.error_code, b.due_at, b.text, b.changed_at FROM submission_batch b
      WHERE b.account_id = s.account_id AND b.submission_id <> s.id AND b.state = 'deferred' AND b.error_code ~ '^(login|tls|relay)\\.'
      ORDER BY b.error_code, b.changed_at DESC) f) END AS ahead,
    CASE WHEN EXISTS (SELECT 1 FROM submission_batch b WHERE b.submission_id = s.id AND (b.state = 'in_doubt' OR (b.state = 'sent' AND b.text = ${foundInSent})))
      THEN (SELECT json_agg(json_build_object('kind', e.kind, 'message_id', e.id::text, 'at', e.received_at)) FROM (${evidence}) e) END AS evidence
  FROM submission s JOIN account a ON a.id = s.account_id AND a.disconnected_at IS NULL WHERE ${where} ORDER BY s.created_at DESC, s.id`

export const submissionsOf = (ids: string[]): Statement<SubmissionRow> => ({
  name: 'changed.submissions',
  sql: wholeSubmissions(Prisma.sql`s.id = ANY (${ids}::uuid[])`),
})

/** None when it is somebody else's or not there. */
export const ownSubmission = (userId: bigint, id: string): Statement<SubmissionRow> => ({
  name: 'submission.own',
  sql: wholeSubmissions(Prisma.sql`s.id = ${id}::uuid AND s.user_id = ${userId}`),
})

export const readOwnSubmission = async (tx: Tx, userId: bigint, id: string): Promise<SubmissionRow | null> => {
  const [row] = await tx.$queryRaw<SubmissionRow[]>(ownSubmission(userId, id).sql)
  return row ?? null
}

const listed = 200

/** Newest first. Without `all`: what is not over, and what went wrong with it until that was put away. */
export const listOwnSubmissions = (tx: Tx, userId: bigint, show: 'open' | 'all'): Promise<SubmissionRow[]> =>
  tx.$queryRaw<SubmissionRow[]>(
    wholeSubmissions(Prisma.sql`s.id IN (
      SELECT id FROM submission s WHERE user_id = ${userId} AND (${show === 'all'} OR (s.finished_at IS NULL OR (s.dismissed_at IS NULL AND s.cancelled_at IS NULL
        AND (s.sent_copy = 'refused' OR EXISTS (SELECT 1 FROM submission_batch b WHERE b.submission_id = s.id AND b.state = 'failed')
          OR EXISTS (SELECT 1 FROM submission_recipient r WHERE r.submission_id = s.id AND r.state IN ('refused', 'failed'))))))
      ORDER BY created_at DESC LIMIT ${listed})`),
  )

/** Of a mail that is over, whom it did not reach, as far as is known: addresses as they are on the wire. Null when it is somebody else's or not there. */
export const findMissed = async (
  tx: Tx,
  userId: bigint,
  id: string,
): Promise<{ draftId: string | null; missed: string[] } | null> => {
  const [row] = await tx.$queryRaw<{ draftId: string | null; missed: string[] }[]>`
    SELECT s.draft_id::text AS "draftId", ARRAY(SELECT r.address FROM submission_recipient r JOIN submission_batch b ON b.submission_id = r.submission_id AND b.n = r.batch
      WHERE r.submission_id = s.id AND s.finished_at IS NOT NULL AND s.cancelled_at IS NULL AND (r.state IN ('refused', 'failed') OR (r.state = 'waiting' AND b.state = 'failed'))) AS missed
    FROM submission s WHERE s.id = ${id}::uuid AND s.user_id = ${userId}`
  return row ?? null
}
