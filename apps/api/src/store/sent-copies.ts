import type { RawTx } from './bare-tx.ts'
import type { StagedContent } from './blobs.ts'
import type { RawUnit, Unit } from './commit.ts'
import type { Tx } from './open-store.ts'
import { tellSubmission } from './submissions.ts'

/** What a mail that was sent leaves to be done (outbox/follow-submission.ts). */
export type SentMail = {
  id: string
  userId: bigint
  accountId: bigint
  draftId: string | null
  messageIdHeader: string
  subject: string
  blobId: bigint
  sha256: Uint8Array
  sizeBytes: number
  sentCopy: string
  aboutMessageId: bigint | null
  aboutKind: string | null
  /** When it left, or was to. */
  at: Date
  /** Since then, by the clock of the database. */
  ageMs: number
  /** Of the account's own server, if it left by that. */
  host: string | null
  /** Its account's mailboxes are: what is put into them becomes a message's source, and belongs to that. */
  isKeptHere: boolean
}

type Wanted = 'unfollowed' | 'copies'

/** The oldest of an account that somebody has by now and nothing was done about yet, or whose copy is due. */
export const nextSentMail = async (tx: Tx, accountId: bigint, wanted: Wanted): Promise<SentMail | null> => {
  const isCopy = wanted === 'copies'
  const [row] = await tx.$queryRaw<SentMail[]>`
    SELECT s.id::text, s.user_id AS "userId", s.account_id AS "accountId", s.draft_id::text AS "draftId", s.message_id_header AS "messageIdHeader", s.subject, s.blob_id AS "blobId",
      b.sha256, s.size_bytes::float8 AS "sizeBytes", s.sent_copy AS "sentCopy", s.about_message_id AS "aboutMessageId", s.about_kind AS "aboutKind", s.not_before AS at,
      (extract(epoch FROM now() - s.not_before) * 1000)::float8 AS "ageMs",
      CASE WHEN NOT a.uses_relay THEN a.outgoing ->> 'host' END AS host, a.kind = 'pop3' AS "isKeptHere"
    FROM submission s JOIN blob b ON b.id = s.blob_id JOIN account a ON a.id = s.account_id
    WHERE s.account_id = ${accountId} AND s.cancelled_at IS NULL AND CASE WHEN ${isCopy} THEN s.copy_at <= now() ELSE s.followed_at IS NULL END
      AND EXISTS (SELECT 1 FROM submission_batch b WHERE b.submission_id = s.id AND b.state = 'sent')
    ORDER BY s.created_at LIMIT 1`
  return row ?? null
}

/** When the next copy is due, milliseconds from now; null: none is. */
export const msToNextCopy = async (tx: Tx, accountId: bigint): Promise<number | null> => {
  const [row] = await tx.$queryRaw<{ ms: number | null }[]>`
    SELECT (extract(epoch FROM min(copy_at) - now()) * 1000)::float8 AS ms FROM submission WHERE account_id = ${accountId} AND copy_at IS NOT NULL`
  return row?.ms ?? null
}

/** All that follows at once is done; its copy is looked for after `copyInMs`. */
export const markFollowed = async (unit: RawUnit, { id, accountId }: SentMail, copyInMs: number): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE submission SET followed_at = now(), copy_at = CASE WHEN sent_copy = 'waiting' THEN now() + ${copyInMs}::float8 * interval '1 millisecond' END WHERE id = ${id}::uuid`
  tellSubmission(unit, accountId, id)
}

export const postponeCopy = async (unit: RawUnit, { id }: SentMail, inMs: number): Promise<void> => {
  await unit.tx
    .$executeRaw`UPDATE submission SET copy_at = now() + ${inMs}::float8 * interval '1 millisecond' WHERE id = ${id}::uuid`
}

/** How it ended with the copy, where nothing is to be put anywhere. */
export const endCopy = async (
  unit: RawUnit,
  { id, accountId }: SentMail,
  sentCopy: 'none' | 'stored' | 'refused',
): Promise<void> => {
  await unit.tx.$executeRaw`UPDATE submission SET sent_copy = ${sentCopy}, copy_at = NULL WHERE id = ${id}::uuid`
  tellSubmission(unit, accountId, id)
}

/** Whether a mail with this Message-ID (mail/threading.ts) lies in a mailbox that keeps what was sent. */
export const isInSent = (tx: RawTx, accountId: bigint, messageIdHash: string): Promise<boolean> =>
  liesIn(tx, { accountId, messageIdHash, roles: ['sent'] })

/** Whether one lies in a mailbox of any of these roles. */
export const liesIn = async (
  tx: RawTx,
  { accountId, messageIdHash, roles }: { accountId: bigint; messageIdHash: string; roles: string[] },
): Promise<boolean> => {
  const [row] = await tx.$queryRaw<{ found: boolean }[]>`
    SELECT EXISTS (
      SELECT 1 FROM message_ref r JOIN message m ON m.thread_id = r.thread_id AND m.message_id_hash = r.ref_hash
      JOIN placement p ON p.message_id = m.id JOIN mailbox b ON b.id = p.shown_mailbox_id AND coalesce(b.chosen_role, b.role) = ANY (${roles}::text[])
      WHERE r.account_id = ${accountId} AND r.ref_hash = ${messageIdHash}::uuid) AS found`
  return row?.found === true
}

export const bccOf = (tx: Tx, submissionId: string): Promise<{ name: string; address: string }[]> =>
  tx.submissionRecipient.findMany({
    where: { submissionId, kind: 'bcc' },
    orderBy: { position: 'asc' },
    select: { name: true, address: true },
  })

/**
 * Gives the copy to the queue that puts mails into mailboxes (outbox/append-mails.ts, outbox/store-mails-here.ts), in one
 * transaction with that it is there. `octets` null: those that were sent, which stay where they are.
 */
export const queueCopy = async (
  unit: Unit,
  mail: SentMail,
  { mailboxId, octets, seenBit }: { mailboxId: bigint; octets: StagedContent | null; seenBit: number },
): Promise<void> => {
  const { tx } = unit
  const { id, userId, accountId, subject, blobId, at } = mail
  const transfer = await tx.transfer.create({
    data: { userId, accountId, mailboxId, kind: 'sent', closedAt: new Date() },
    select: { id: true },
  })
  const own = octets && (await keep(tx, accountId, octets))
  const item = await tx.transferItem.create({
    data: {
      transferId: transfer.id,
      accountId,
      mailboxId,
      name: subject.slice(0, 200),
      sha256: new Uint8Array(octets?.sha256 ?? mail.sha256),
      sizeBytes: BigInt(octets?.sizeBytes ?? mail.sizeBytes),
      blobId: own ?? blobId,
      ownsBlob: own !== null,
      flags: seenBit,
      cameAt: at,
    },
    select: { id: true },
  })
  await tx.submission.update({ where: { id }, data: { sentCopyItemId: item.id, copyAt: null } })
  tellSubmission(unit, accountId, id)
  unit.wakeEngine(accountId)
}

const keep = async (tx: Tx, accountId: bigint, octets: StagedContent): Promise<bigint> => {
  const { sha256, sizeBytes, head, blobId } = octets
  const facts = { sha256: new Uint8Array(sha256), sizeBytes: BigInt(sizeBytes), isWhole: true }
  if (blobId !== null) {
    await tx.blob.updateMany({ where: { id: blobId, accountId }, data: facts })
    return blobId
  }
  const { id } = await tx.blob.create({ data: { ...facts, accountId }, select: { id: true } })
  await tx.blobChunk.create({ data: { blobId: id, n: 0, bytes: new Uint8Array(head) } })
  return id
}

/**
 * Tells whoever waits for these copies what became of them. Where the mailbox was gone, as one is that was made here and that the
 * server has not got yet when its tree is looked at, it is tried again for a day.
 */
export const settleCopies = async (unit: RawUnit, itemIds: bigint[]): Promise<void> => {
  const rows = await unit.tx.$queryRaw<{ id: string; account_id: bigint }[]>`
    WITH t AS (SELECT s.id, i.state IN ('stored', 'here') AS is_there, (i.state = 'cancelled' OR coalesce(i.error_code = 'mailbox.missing', false)) AND s.not_before > now() - interval '1 day' AS goes_again
      FROM submission s JOIN transfer_item i ON i.id = s.sent_copy_item_id WHERE i.id = ANY (${itemIds}::bigint[]) AND i.state NOT IN ('waiting', 'sending'))
    UPDATE submission s SET sent_copy = CASE WHEN t.is_there THEN 'stored' WHEN t.goes_again THEN 'waiting' ELSE 'refused' END,
      copy_at = CASE WHEN t.goes_again THEN now() + interval '1 minute' END, sent_copy_item_id = CASE WHEN t.goes_again THEN NULL ELSE s.sent_copy_item_id END
    FROM t WHERE s.id = t.id RETURNING s.id::text, s.account_id`
  for (const { id, account_id } of rows) {
    tellSubmission(unit, account_id, id)
    unit.wakeEngine(account_id)
  }
}
