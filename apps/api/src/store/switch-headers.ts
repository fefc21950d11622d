import { addSyncEvent } from './account-state.ts'
import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { RawUnit } from './commit.ts'
import { endLine } from './tell-switch.ts'

/** A mail that was here while the account was IMAP, and was not met in the maildrop so often yet. */
export type AwaitedMail = { messageId: bigint; hash: string; sizeBytes: bigint; copies: number }

/** Those with one of these headers (SHA-256, hex), of the inbox first. */
export const findAwaited = (tx: RawTx, accountId: bigint, hashes: string[]): Promise<AwaitedMail[]> =>
  tx.$queryRaw<AwaitedMail[]>`
    SELECT h.message_id AS "messageId", encode(h.header_hash, 'hex') AS hash, m.size_bytes AS "sizeBytes", h.copies
    FROM switch_header h JOIN message m ON m.id = h.message_id WHERE h.account_id = ${accountId}
      AND h.header_hash = ANY (SELECT decode(t, 'hex') FROM unnest(${textArray(hashes)}::text[]) t) ORDER BY h.is_elsewhere, h.message_id`

/** Whether the maildrop may yet show what lies in other mailboxes here. */
export const isMoreAwaited = async (tx: RawTx, accountId: bigint): Promise<boolean> => {
  const rows = await tx.$queryRaw<unknown[]>`SELECT 1 FROM switch_header WHERE account_id = ${accountId} LIMIT 1`
  return rows.length > 0
}

export type MetMail = { messageId: bigint; key: string; sizeBytes: number; topHash: Buffer }

/**
 * Mails of the maildrop that are here: each gets its row in the ledger, whole where its source is here. The others are never
 * removed at the provider and can be fetched whole when somebody wants that; where nothing was read of one yet, or its
 * attachments are still there, it is shown as one of which only the header, or the text, is here.
 */
export const storeMet = async (unit: RawUnit, accountId: bigint, mails: MetMail[]): Promise<void> => {
  if (mails.length === 0) return
  const { tx } = unit
  const text = (of: (mail: MetMail) => string) => textArray(mails.map(of))
  await tx.$executeRaw`
    INSERT INTO pop_ledger (account_id, key, size_bytes, state, is_whole, raw_hash, top_hash, message_id, fetched_at, received_at)
    SELECT ${accountId}::bigint, t.key, t.size::bigint, 'fetched', b.id IS NOT NULL, coalesce(b.sha256, decode(t.top, 'hex')),
      CASE WHEN b.id IS NULL THEN decode(t.top, 'hex') END, m.id, now(), m.received_at
    FROM unnest(${text(({ messageId }) => messageId.toString())}::text[], ${text(({ key }) => key)}::text[], ${text(({ sizeBytes }) => String(sizeBytes))}::text[],
      ${text(({ topHash }) => topHash.toString('hex'))}::text[]) WITH ORDINALITY AS t (id, key, size, top, n)
    JOIN message m ON m.id = t.id::bigint LEFT JOIN raw_source r ON r.message_id = m.id LEFT JOIN blob b ON b.id = r.blob_id ORDER BY t.n`
  const ids = mails.map(({ messageId }) => messageId)
  await markInPart(unit, accountId, ids)
  await countMet(unit, accountId, ids)
}

/**
 * Rows of the ledger from before the account was IMAP, of which the mails turned out to be the same. What was a header then
 * may have been read by IMAP since, but for its attachments.
 */
export const countSame = async (unit: RawUnit, accountId: bigint, ledgerIds: bigint[]): Promise<void> => {
  if (ledgerIds.length === 0) return
  const rows = await unit.tx.$queryRaw<{ id: bigint }[]>`
    SELECT message_id AS id FROM pop_ledger WHERE account_id = ${accountId} AND id = ANY (${ledgerIds}::bigint[]) AND message_id IS NOT NULL`
  const ids = rows.map(({ id }) => id)
  await markInPart(unit, accountId, ids)
  await countMet(unit, accountId, ids)
}

const countMet = async (unit: RawUnit, accountId: bigint, messageIds: bigint[]): Promise<void> => {
  const { tx } = unit
  const [row] = await tx.$queryRaw<{ met: number }[]>`
    WITH t AS (SELECT id, count(*)::int AS n FROM unnest(${messageIds}::bigint[]) AS u (id) GROUP BY id),
      met AS (UPDATE switch_header h SET copies = h.copies - t.n FROM t WHERE h.message_id = t.id RETURNING CASE WHEN h.is_elsewhere THEN 0 ELSE t.n END AS n)
    SELECT coalesce(sum(n), 0)::int AS met FROM met`
  await tx.$executeRaw`DELETE FROM switch_header WHERE message_id = ANY (${messageIds}::bigint[]) AND copies <= 0`
  await tx.$executeRaw`
    UPDATE account SET switching = switching || jsonb_build_object('found', (switching ->> 'found')::int + ${row?.met ?? 0}::int)
    WHERE id = ${accountId} AND switching IS NOT NULL`
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
}

/** Answers of how many of these something is missing to read. */
const markInPart = async (unit: RawUnit, accountId: bigint, messageIds: bigint[]): Promise<number> => {
  const rows = await unit.tx.$queryRaw<{ thread_id: bigint }[]>`
    UPDATE message m SET is_header_only = true WHERE m.id = ANY (${messageIds}::bigint[])
      AND NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.message_id = m.id)
      AND (m.body_state = 'absent' OR EXISTS (SELECT 1 FROM part p WHERE p.message_id = m.id)) RETURNING m.thread_id`
  unit.touchThreadsInBulk(
    accountId,
    rows.map(({ thread_id }) => thread_id),
  )
  return rows.length
}

/**
 * The change to POP3 is over when every mail of the inbox was met, or when a look found nothing more (`isLast`). What the
 * maildrop does not have stays here as it is. Answers whether it is over.
 */
export const endMeeting = async (unit: RawUnit, accountId: bigint, isLast: boolean): Promise<boolean> => {
  const { tx } = unit
  const left = await tx.$queryRaw<
    { message_id: bigint }[]
  >`SELECT message_id FROM switch_header WHERE account_id = ${accountId} AND NOT is_elsewhere`
  if (left.length > 0 && !isLast) return false
  const [account] = await tx.$queryRaw<{ found: number; brought: number }[]>`
    SELECT (switching ->> 'found')::int AS found, (switching ->> 'brought')::int AS brought FROM account WHERE id = ${accountId} AND switching IS NOT NULL FOR UPDATE`
  if (!account) return true
  const inPart = await markInPart(
    unit,
    accountId,
    left.map((row) => row.message_id),
  )
  await tx.$executeRaw`DELETE FROM switch_header WHERE account_id = ${accountId} AND NOT is_elsewhere`
  await tx.$executeRaw`UPDATE account SET switching = NULL WHERE id = ${accountId}`
  const text = endLine({ to: 'pop3', ...account, left: left.length, inPart })
  await addSyncEvent(unit, accountId, { kind: 'switch', code: null, text })
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
  return true
}
