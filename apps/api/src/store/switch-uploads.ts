import { addSyncEvent } from './account-state.ts'
import type { RawTx } from './bare-tx.ts'
import type { RawUnit } from './commit.ts'
import { markOrphans } from './sync-mailboxes.ts'
import { endLine } from './tell-switch.ts'

/** A placement of a mail that the new server does not have, in a mailbox that is there. */
export type KeptMail = {
  messageId: bigint
  bits: number
  keywords: string[]
  receivedAt: Date
  blobId: bigint
  /** It was sent before, and nobody knows whether it came: this is the lowest uid it can have. */
  sentFromUid: bigint | null
}
export type KeptBatch = { mailboxId: bigint; path: string; mails: KeptMail[] }

const batchMails = 50

/**
 * What is to be sent next, all into one mailbox; null when nothing is. Before that, what people did with these mails since
 * the switch takes effect here, as there is nothing at the server yet that it could be done to.
 */
export const nextKeptBatch = async (unit: RawUnit, accountId: bigint): Promise<KeptBatch | null> => {
  const { tx } = unit
  unit.touchThreads(accountId, await settleHere(tx, accountId))
  // Only a header ever came of these, and the server has no more of them either: they stay here as they are.
  await tx.$executeRaw`
    UPDATE switch_mail s SET retry_at = 'infinity' WHERE s.account_id = ${accountId} AND s.retry_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.message_id = s.message_id)`
  const rows = await tx.$queryRaw<(KeptMail & { mailboxId: bigint; path: string })[]>`
    WITH open AS MATERIALIZED (
      SELECT p.id, p.mailbox_id, p.message_id, p.flags, p.keywords, p.received_at, s.sent_from_uid, s.sent_to FROM switch_mail s
      JOIN placement p ON p.message_id = s.message_id AND p.uid IS NULL
      WHERE s.account_id = ${accountId} AND (s.retry_at IS NULL OR s.retry_at < now()))
    SELECT o.mailbox_id AS "mailboxId", b.path, o.message_id AS "messageId", o.flags::int AS bits, o.keywords, o.received_at AS "receivedAt", r.blob_id AS "blobId",
      CASE WHEN o.sent_to = o.mailbox_id THEN o.sent_from_uid END AS "sentFromUid"
    FROM open o JOIN mailbox b ON b.id = o.mailbox_id JOIN raw_source r ON r.message_id = o.message_id
    WHERE o.mailbox_id = (SELECT min(mailbox_id) FROM open) ORDER BY o.received_at, o.id LIMIT ${batchMails}::int`
  const [first] = rows
  return first ? { mailboxId: first.mailboxId, path: first.path, mails: rows } : null
}

/** What was deleted for good goes; everything else that was asked for becomes what is stored. */
const settleHere = async (tx: RawTx, accountId: bigint): Promise<bigint[]> => {
  const gone = await tx.$queryRaw<{ id: bigint; message_id: bigint; thread_id: bigint }[]>`
    DELETE FROM placement p USING switch_mail s WHERE s.account_id = ${accountId} AND p.message_id = s.message_id AND p.uid IS NULL
      AND EXISTS (SELECT 1 FROM command_target t WHERE t.placement_id = p.id AND t.state = 'pending' AND t.is_expunge)
    RETURNING p.id, p.message_id, p.thread_id`
  await markOrphans(tx, gone)
  const settled = await tx.$queryRaw<{ id: bigint }[]>`
    UPDATE placement p SET mailbox_id = coalesce(p.shown_mailbox_id, p.mailbox_id), flags = p.shown_flags, keywords = p.shown_keywords
    FROM switch_mail s WHERE s.account_id = ${accountId} AND p.message_id = s.message_id AND p.uid IS NULL
      AND EXISTS (SELECT 1 FROM command_target t WHERE t.placement_id = p.id AND t.state = 'pending') RETURNING p.id`
  const ids = [...gone, ...settled].map(({ id }) => id)
  await tx.$executeRaw`UPDATE command_target SET state = 'done' WHERE state = 'pending' AND placement_id = ANY (${ids}::bigint[])`
  // Deleted here, and not met at the server either.
  await tx.$executeRaw`
    DELETE FROM switch_mail s WHERE s.account_id = ${accountId} AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = s.message_id AND p.uid IS NULL)`
  return gone.map(({ thread_id }) => thread_id)
}

/** Said before the first octet of a batch goes out: a mail that is met at or above this uid afterwards is the one that was sent. */
export const noteSent = async (unit: RawUnit, { mailboxId, mails }: KeptBatch, fromUid: bigint): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE switch_mail SET sent_to = ${mailboxId}, sent_from_uid = ${fromUid} WHERE message_id = ANY (${mails.map(({ messageId }) => messageId)}::bigint[])`
}

/** They stay here, and are tried again after that; without it, never. */
export const noteRefused = async (unit: RawUnit, messageIds: bigint[], retryAt: Date | null): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE switch_mail SET retry_at = coalesce(${retryAt}::timestamptz, 'infinity') WHERE message_id = ANY (${messageIds}::bigint[])`
}

/** Those of a batch that no uid was found for. */
export const findUnmet = async (tx: RawTx, messageIds: bigint[]): Promise<bigint[]> => {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT message_id AS id FROM switch_mail WHERE message_id = ANY (${messageIds}::bigint[])`
  return rows.map(({ id }) => id)
}

/** How many are to be sent now. */
export const countKept = async (tx: RawTx, accountId: bigint): Promise<number> => {
  const rows = await tx.$queryRaw<{ n: number }[]>`
    SELECT count(*)::int AS n FROM switch_mail s JOIN placement p ON p.message_id = s.message_id AND p.uid IS NULL
    WHERE s.account_id = ${accountId} AND (s.retry_at IS NULL OR s.retry_at < now())`
  return rows[0]?.n ?? 0
}

/** Mailboxes that hold such mails; they stay, whatever the server lists. */
export const findHolding = async (tx: RawTx, accountId: bigint): Promise<Set<bigint>> => {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT DISTINCT p.mailbox_id AS id FROM switch_mail s JOIN placement p ON p.message_id = s.message_id AND p.uid IS NULL WHERE s.account_id = ${accountId}`
  return new Set(rows.map(({ id }) => id))
}

type Counts = { found: number; brought: number; isTold: boolean; left: number }

/**
 * Nothing is left to be sent. The switch is over once every mail was met at the server; those that the server does not take
 * keep it open, and are told of once. Answers whether it is over.
 */
export const endSwitch = async (unit: RawUnit, accountId: bigint): Promise<boolean> => {
  const { tx } = unit
  const [counts] = await tx.$queryRaw<Counts[]>`
    SELECT (switching ->> 'found')::int AS found, (switching ->> 'brought')::int AS brought, (switching ->> 'isTold')::boolean AS "isTold",
      (SELECT count(*)::int FROM switch_mail WHERE account_id = ${accountId}) AS left
    FROM account WHERE id = ${accountId} AND switching IS NOT NULL FOR UPDATE`
  if (!counts) return true
  const isOver = counts.left === 0
  if (isOver) await tx.$executeRaw`UPDATE account SET switching = NULL WHERE id = ${accountId}`
  else if (!counts.isTold)
    await tx.$executeRaw`UPDATE account SET switching = switching || '{"isTold": true}' WHERE id = ${accountId}`
  if (isOver || !counts.isTold) {
    await addSyncEvent(unit, accountId, {
      kind: 'switch',
      code: null,
      text: endLine({ to: 'imap', ...counts, inPart: 0 }),
    })
    unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
  }
  return isOver
}
