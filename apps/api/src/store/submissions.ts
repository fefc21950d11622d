import type { ReportedRecipient } from '#mail/report-facts.ts'
import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { StagedContent } from './blobs.ts'
import type { RawUnit } from './commit.ts'
import { Prisma } from './generated/client.ts'
import type { Store, Tx } from './open-store.ts'

/** Mails on their way out. What their states mean, and which may follow which: outbox/plan-submission.ts. */
export type NewRecipient = { address: string; name: string; kind: 'to' | 'cc' | 'bcc'; batch: number }

/** A moment; or so long from now by the clock of the database, as that of any other process may be wrong, and jump. */
export type Due = Date | { inMs: number }

export type NewSubmission = {
  id: string
  userId: bigint
  accountId: bigint
  requestHash: Buffer
  messageIdHeader: string
  fromName?: string
  fromAddress: string
  /** As it was written; null: it came without one. */
  draftId?: string | null
  /** Its sender keeps one in Sent. */
  wantsCopy?: boolean
  subject: string
  octets: StagedContent
  isUnicode: boolean
  wantsReport: boolean
  notBefore: Due
  schedule: { wallTime: string; zone: string } | null
  about: { messageId: bigint; kind: 'reply' | 'forward' | 'redirect' } | null
  recipients: NewRecipient[]
}

/** `isKnown`: it was asked for before. `isOther`: something else was asked for under this id. */
export type Inserted = { kind: 'new' } | { kind: 'known' } | { kind: 'other' }

/** Everything that is needed to send it, in one transaction: from here on it is safe, and goes once. In one statement: somebody waits. */
export const insertSubmission = async (unit: RawUnit, wanted: NewSubmission): Promise<Inserted> => {
  const { tx } = unit
  const { id, userId, accountId, octets, about, schedule, recipients } = wanted
  const { at, inMs } = partsOf(wanted.notBefore)
  const batches = recipients.map(({ batch }) => batch)
  const made = await tx.$queryRaw<unknown[]>`
    WITH made AS (
        INSERT INTO submission (id, user_id, account_id, request_hash, message_id_header, from_name, from_address, draft_id, sent_copy, subject, blob_id, size_bytes, is_unicode, wants_report, not_before,
          schedule, about_message_id, about_kind)
        VALUES (${id}::uuid, ${userId}, ${accountId}, ${wanted.requestHash}, ${wanted.messageIdHeader}, ${wanted.fromName ?? ''}, ${wanted.fromAddress}, ${wanted.draftId ?? null}::uuid,
          ${wanted.wantsCopy ? 'waiting' : 'none'}, ${wanted.subject},
          coalesce(${octets.blobId}::bigint, nextval('blob_id_seq')), ${octets.sizeBytes}::bigint, ${wanted.isUnicode}, ${wanted.wantsReport},
          coalesce(${at}::timestamptz, now() + ${inMs}::float8 * interval '1 millisecond'),
          ${schedule === null ? null : JSON.stringify(schedule)}::jsonb, ${about?.messageId ?? null}::bigint, ${about?.kind ?? null})
        ON CONFLICT (id) DO NOTHING RETURNING id, account_id, blob_id, not_before),
      small AS (
        INSERT INTO blob (id, account_id, sha256, size_bytes, is_whole)
        SELECT blob_id, account_id, ${octets.sha256}, ${octets.sizeBytes}::bigint, true FROM made WHERE ${octets.blobId}::bigint IS NULL RETURNING id),
      chunk AS (INSERT INTO blob_chunk (blob_id, n, bytes) SELECT id, 0, ${octets.head} FROM small),
      person AS (
        INSERT INTO submission_recipient (submission_id, position, batch, address, name, kind)
        SELECT made.id, t.n, t.batch, t.address, t.name, t.kind FROM made, unnest(${batches}::int[],
          ${textArray(recipients.map(({ address }) => address))}::text[], ${textArray(recipients.map(({ name }) => name))}::text[],
          ${textArray(recipients.map(({ kind }) => kind))}::text[]) WITH ORDINALITY AS t (batch, address, name, kind, n)),
      batch AS (
        INSERT INTO submission_batch (submission_id, n, account_id, due_at)
        SELECT made.id, t.n, made.account_id, made.not_before FROM made, unnest(${[...new Set(batches)]}::int[]) AS t (n))
    SELECT id FROM made`
  if (made.length === 0) {
    const [known] = await tx.$queryRaw<{ is_same: boolean }[]>`
      SELECT request_hash = ${wanted.requestHash} AND user_id = ${userId} AS is_same FROM submission WHERE id = ${id}::uuid`
    return { kind: known?.is_same ? 'known' : 'other' }
  }
  if (octets.blobId !== null)
    await tx.$executeRaw`
      UPDATE blob SET is_whole = true, sha256 = ${octets.sha256}, size_bytes = ${octets.sizeBytes}::bigint WHERE id = ${octets.blobId} AND account_id = ${accountId}`
  tellSubmission(unit, accountId, id)
  unit.wakeEngine(accountId)
  return { kind: 'new' }
}

/** For `coalesce(at, now() + inMs)`. */
export const partsOf = (due: Due): { at: Date | null; inMs: number } =>
  due instanceof Date ? { at: due, inMs: 0 } : { at: null, inMs: due.inMs }

export type DueBatch = {
  submissionId: string
  n: number
  accountId: bigint
  state: string
  attempts: number
  fromAddress: string
  blobId: bigint
  sizeBytes: number
  isUnicode: boolean
  wantsReport: boolean
  /** Since it could leave, by the clock of the database. */
  queuedForMs: number
}

const batchFacts = Prisma.sql`s.id::text AS "submissionId", b.n, b.account_id AS "accountId", b.state, b.attempts, s.from_address AS "fromAddress", s.blob_id AS "blobId",
  s.size_bytes::float8 AS "sizeBytes", s.is_unicode AS "isUnicode", s.wants_report AS "wantsReport", (extract(epoch FROM now() - s.not_before) * 1000)::float8 AS "queuedForMs"
  FROM submission_batch b JOIN submission s ON s.id = b.submission_id`

/** What is to be tried next; null when nothing is due. What was chosen first goes first; so does what waited for a turn, though due later. */
export const nextDueBatch = async (tx: Tx, accountId: bigint): Promise<DueBatch | null> => {
  const [row] = await tx.$queryRaw<DueBatch[]>`
    SELECT ${batchFacts} WHERE b.account_id = ${accountId} AND b.state IN ('queued', 'deferred') AND b.due_at <= now() AND s.cancelled_at IS NULL
    ORDER BY b.error_code IS DISTINCT FROM 'relay.limit', b.due_at, s.created_at, b.n LIMIT 1`
  return row ?? null
}

export const readBatch = async (tx: Tx, { submissionId, n }: BatchKey): Promise<DueBatch> => {
  const [row] = await tx.$queryRaw<
    DueBatch[]
  >`SELECT ${batchFacts} WHERE b.submission_id = ${submissionId}::uuid AND b.n = ${n}::int`
  if (!row) throw new Error('a batch that was leased is gone')
  return row
}

/** Whoever gives it more batches waits: they are numbered on. */
export const holdBatch = async (tx: RawTx, { submissionId, n }: BatchKey): Promise<void> => {
  await tx.$executeRaw`SELECT 1 FROM submission_batch WHERE submission_id = ${submissionId}::uuid AND n = ${n}::int FOR UPDATE`
}

/** When the next one is due, by the database's clock: milliseconds from now; null when nothing waits. */
export const msToNextDue = async (tx: Tx, accountId: bigint): Promise<number | null> => {
  const [row] = await tx.$queryRaw<{ ms: number | null }[]>`
    SELECT (extract(epoch FROM min(due_at) - now()) * 1000)::float8 AS ms FROM submission_batch
    WHERE account_id = ${accountId} AND state IN ('queued', 'deferred')`
  return row?.ms ?? null
}

export type OpenRecipient = { position: number; address: string }

/** Those of a batch that nobody has accepted or refused for good yet. */
export const readOpenRecipients = (tx: Tx, submissionId: string, batch: number): Promise<OpenRecipient[]> =>
  tx.$queryRaw<OpenRecipient[]>`
    SELECT position, address FROM submission_recipient WHERE submission_id = ${submissionId}::uuid AND batch = ${batch}::int AND state = 'waiting' ORDER BY position`

type BatchKey = { submissionId: string; n: number }
/** The last word about a batch, and when it is tried again. */
export type BatchFacts = {
  replyCode?: number | null
  errorCode?: string | null
  text?: string | null
  /** From now, milliseconds. */
  dueInMs?: number
  isAttempt?: boolean
}

/** The one setter. False when it is in none of the states it may come from: somebody else has it, or took it back. */
export const advanceBatch = async (
  unit: RawUnit,
  { submissionId, n, accountId }: BatchKey & { accountId: bigint },
  { from, to }: { from: string[]; to: string },
  { replyCode = null, errorCode = null, text = null, dueInMs = 0, isAttempt = false }: BatchFacts = {},
): Promise<boolean> => {
  const moved = await unit.tx.$executeRaw`
    UPDATE submission_batch b SET state = ${to}, changed_at = now(), attempts = attempts + ${isAttempt ? 1 : 0}::int, due_at = now() + ${dueInMs}::float8 * interval '1 millisecond',
      reply_code = ${replyCode}::int, error_code = ${errorCode}::text, text = ${text}::text
    FROM submission s WHERE s.id = b.submission_id AND b.submission_id = ${submissionId}::uuid AND b.n = ${n}::int AND b.state = ANY (${textArray(from)}::text[])
      AND (s.cancelled_at IS NULL OR ${to} = 'cancelled') AND (${to} <> 'leased' OR b.due_at <= now())`
  if (moved > 0) tellSubmission(unit, accountId, submissionId)
  return moved > 0
}

/** `waiting` with a code: not now, so it goes to them again. Without one: the server takes it for them, or was not asked yet. */
export type RecipientAnswer = {
  address: string
  state: 'waiting' | 'accepted' | 'refused'
  replyCode: number | null
  text: string | null
}

/** How each recipient was answered. */
export const settleRecipients = async (
  { tx }: RawUnit,
  { submissionId, n }: BatchKey,
  answers: RecipientAnswer[],
): Promise<void> => {
  if (answers.length === 0) return
  await tx.$executeRaw`
    UPDATE submission_recipient r SET state = t.state, reply_code = nullif(t.code, 0), text = nullif(t.text, '')
    FROM unnest(${textArray(answers.map(({ address }) => address))}::text[], ${textArray(answers.map(({ state }) => state))}::text[],
      ${answers.map(({ replyCode }) => replyCode ?? 0)}::int[], ${textArray(answers.map(({ text }) => text ?? ''))}::text[]) AS t (address, state, code, text)
    WHERE r.submission_id = ${submissionId}::uuid AND r.batch = ${n}::int AND r.address = t.address`
}

/**
 * What a report says of those who had been accepted, or may have been, by the address it was written to or came to. The last word
 * counts. Anybody who has the mail can write one: it takes nobody out of those it is still to be sent to.
 */
export const applyReport = async (
  unit: RawUnit,
  accountId: bigint,
  submissionId: string,
  recipients: ReportedRecipient[],
): Promise<void> => {
  let changed = 0
  for (const { action, address, originalAddress, text } of recipients) {
    if (action !== 'failed' && action !== 'delivered') continue
    const known = [address, originalAddress ?? address].map((one) => one.toLowerCase())
    changed += await unit.tx.$executeRaw`
      UPDATE submission_recipient SET state = ${action}, text = coalesce(${text}::text, text)
      WHERE submission_id = ${submissionId}::uuid AND lower(address) = ANY (${textArray(known)}::text[])
        AND (state IN ('accepted', 'failed', 'delivered') OR (state = 'waiting' AND reply_code IS NULL AND EXISTS (SELECT 1 FROM submission_batch b
          WHERE b.submission_id = submission_recipient.submission_id AND b.n = submission_recipient.batch AND b.state = 'in_doubt')))`
  }
  // One that names an address it was passed on to changes nobody's state, and still speaks against the arrival of a mail in doubt.
  if (changed > 0 || recipients.some(({ action }) => action === 'failed')) tellSubmission(unit, accountId, submissionId)
}

/** Recipients of a batch who may be taken later, while others have the mail: a batch of their own. */
export const splitWaiting = async (
  { tx }: RawUnit,
  { submissionId, n }: BatchKey,
  { dueInMs }: { dueInMs: number },
): Promise<void> => {
  await tx.$executeRaw`
    WITH made AS (
      INSERT INTO submission_batch (submission_id, n, account_id, state, attempts, due_at, reply_code, text)
      SELECT b.submission_id, (SELECT max(n) + 1 FROM submission_batch WHERE submission_id = b.submission_id), b.account_id, 'deferred', b.attempts + 1,
        now() + ${dueInMs}::float8 * interval '1 millisecond', r.reply_code, r.text
      FROM submission_batch b CROSS JOIN LATERAL (SELECT reply_code, text FROM submission_recipient
        WHERE submission_id = b.submission_id AND batch = b.n AND state = 'waiting' AND reply_code IS NOT NULL ORDER BY position LIMIT 1) r
      WHERE b.submission_id = ${submissionId}::uuid AND b.n = ${n}::int RETURNING submission_id, n)
    UPDATE submission_recipient r SET batch = made.n FROM made
    WHERE r.submission_id = made.submission_id AND r.batch = ${n}::int AND r.state = 'waiting' AND r.reply_code IS NOT NULL`
}

/** A mail of which every batch has come to an end has one. */
export const finishSubmission = async ({ tx }: RawUnit, submissionId: string): Promise<void> => {
  await tx.$executeRaw`
    UPDATE submission s SET finished_at = now() WHERE s.id = ${submissionId}::uuid AND s.finished_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM submission_batch b WHERE b.submission_id = s.id AND b.state NOT IN ('sent', 'failed', 'cancelled'))`
}

export const isUnderWay = async (tx: Tx, accountId: bigint): Promise<boolean> =>
  (await tx.submissionBatch.count({ where: { accountId, state: { in: ['leased', 'connected', 'committing'] } } })) > 0

/** What was under way when its owner died. Whoever asks has the lease: nobody else is at work. */
export const recoverBatches = async (
  unit: RawUnit,
  accountId: bigint,
  outcomes: { from: string; to: string; text: string | null }[],
): Promise<void> => {
  for (const { from, to, text } of outcomes) {
    const rows = await unit.tx.$queryRaw<{ id: string }[]>`
      UPDATE submission_batch b SET state = ${to}, changed_at = now(), due_at = now(), attempts = attempts + ${to === 'in_doubt' ? 1 : 0}::int, text = coalesce(${text}::text, b.text) FROM submission s
      WHERE s.id = b.submission_id AND b.account_id = ${accountId} AND b.state = ${from} RETURNING s.id::text`
    for (const { id } of rows) tellSubmission(unit, accountId, id)
  }
}

/** The word about what waited in an account that was disconnected. */
export const leftBehind = 'The account was disconnected before this mail had left.'

/**
 * What waits in an account that comes back: nobody expects it to go any more, and only a person says that it does. What was to go
 * later, and still is, stands: its time says when it is expected. What may have left is not touched: whoever takes over the account
 * finds it (`recoverBatches`).
 */
export const failWaiting = async (unit: RawUnit, accountId: bigint): Promise<void> => {
  const rows = await unit.tx.$queryRaw<{ id: string }[]>`
    UPDATE submission_batch b SET state = 'failed', changed_at = now(), reply_code = NULL, error_code = 'account.not_ready', text = ${leftBehind} FROM submission s
    WHERE s.id = b.submission_id AND b.account_id = ${accountId} AND b.state IN ('queued', 'deferred', 'leased', 'connected')
      AND NOT (b.state = 'queued' AND s.schedule IS NOT NULL AND s.not_before > now()) RETURNING s.id::text`
  for (const id of new Set(rows.map((row) => row.id))) {
    await finishSubmission(unit, id)
    tellSubmission(unit, accountId, id)
  }
}

/** Those of an account that have waited since then and are not told of: their person is to know. */
export const tellLate = async (unit: RawUnit, accountId: bigint, afterMs: number): Promise<void> => {
  const rows = await unit.tx.$queryRaw<{ id: string }[]>`
    UPDATE submission s SET told_at = now() WHERE account_id = ${accountId} AND told_at IS NULL AND finished_at IS NULL
      AND not_before < now() - ${afterMs}::float8 * interval '1 millisecond'
      AND EXISTS (SELECT 1 FROM submission_batch b WHERE b.submission_id = s.id AND b.state IN ('queued', 'deferred')) RETURNING id::text`
  for (const { id } of rows) tellSubmission(unit, accountId, id)
}

/** When the next of them has waited so long, milliseconds from now; null: none is on its way. */
export const msToLate = async (tx: Tx, accountId: bigint, afterMs: number): Promise<number | null> => {
  const [row] = await tx.$queryRaw<{ ms: number | null }[]>`
    SELECT (extract(epoch FROM min(s.not_before) - now()) * 1000)::float8 + ${afterMs}::float8 AS ms FROM submission s JOIN submission_batch b ON b.submission_id = s.id
    WHERE b.account_id = ${accountId} AND b.state IN ('queued', 'deferred') AND s.told_at IS NULL`
  return row?.ms ?? null
}

export const tellSubmission = (unit: Pick<RawUnit, 'log'>, accountId: bigint, id: string): void =>
  unit.log({ accountId }, { kind: 'submission', submissionId: id })

/** Those that wait behind another one: what that says of its wait is said of theirs. */
export const tellQueued = async (unit: RawUnit, accountId: bigint): Promise<void> => {
  const rows = await unit.tx.$queryRaw<{ id: string }[]>`
    SELECT DISTINCT s.id::text FROM submission_batch b JOIN submission s ON s.id = b.submission_id
    WHERE b.account_id = ${accountId} AND b.state = 'queued' AND (s.schedule IS NULL OR s.not_before <= now()) LIMIT 200`
  for (const { id } of rows) tellSubmission(unit, accountId, id)
}

/** Long over. What went everywhere it should needs its octets no longer; of the rest they are kept to be sent again. */
export const sweepSubmissions = async ({ prisma }: Store): Promise<void> => {
  // Sent: from here on it is any draft that was discarded (draft-copies.ts, sweepDrafts); not while it may be written anew to some, or
  // lies in the outbox and is read there, as its copy is not in Sent.
  await prisma.$executeRaw`
    UPDATE draft d SET submission_id = NULL WHERE discarded_at < now() - interval '1 day' AND submission_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM submission s JOIN submission_recipient r ON r.submission_id = s.id
        WHERE s.id = d.submission_id AND s.dismissed_at IS NULL AND (r.state NOT IN ('accepted', 'delivered') OR s.sent_copy IN ('waiting', 'refused')))`
  // Nobody came back to one that failed: what was written is not lost with it.
  await prisma.$executeRaw`
    UPDATE draft d SET submission_id = NULL FROM submission s WHERE d.submission_id = s.id AND d.discarded_at IS NULL AND s.finished_at < now() - interval '90 days'`
  await prisma.$executeRaw`
    WITH idle AS (SELECT s.blob_id FROM submission s JOIN blob b ON b.id = s.blob_id WHERE s.finished_at < now() - interval '1 day' AND s.copy_at IS NULL
        AND (s.cancelled_at IS NOT NULL OR (s.followed_at IS NOT NULL AND s.sent_copy IN ('none', 'stored') AND NOT EXISTS (
          SELECT 1 FROM submission_recipient r WHERE r.submission_id = s.id AND r.state IN ('waiting', 'refused')))) LIMIT 5000),
      gone AS (DELETE FROM blob WHERE id IN (SELECT blob_id FROM idle))
    DELETE FROM blob_chunk WHERE blob_id IN (SELECT blob_id FROM idle)`
  await prisma.$executeRaw`
    WITH old AS (DELETE FROM submission WHERE finished_at < now() - interval '90 days' RETURNING id, blob_id),
      b AS (DELETE FROM submission_batch WHERE submission_id IN (SELECT id FROM old)),
      r AS (DELETE FROM submission_recipient WHERE submission_id IN (SELECT id FROM old)),
      o AS (DELETE FROM blob WHERE id IN (SELECT blob_id FROM old))
    DELETE FROM blob_chunk WHERE blob_id IN (SELECT blob_id FROM old)`
}
