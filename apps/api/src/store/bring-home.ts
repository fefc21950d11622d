import type { ServerSettings } from '@postern/shared/accounts.ts'
import { AppError } from '#platform/errors.ts'
import { sealPassword } from './account-credentials.ts'
import { addSyncEvent, countMails } from './account-state.ts'
import type { AccountRow } from './accounts.ts'
import type { RawUnit, Unit } from './commit.ts'
import { Prisma } from './generated/client.ts'
import type { Tx } from './open-store.ts'
import type { SourceToOpen } from './sync-bodies.ts'

/**
 * An IMAP account that is to change to POP3 first brings home what no maildrop has: every mail outside the inbox is fetched
 * whole, and those of the inbox too where the maildrop shows fewer. Which are missing is always asked anew, so that nothing has
 * to be remembered; of the mails of the inbox it is written down what they will be known by in the maildrop. When nothing is missing the account changes (switch-to-pop3.ts).
 */

/** What is not synced, or may not be read, is not here. */
const isHere = Prisma.sql`b.is_selectable AND b.is_synced AND (b.rights IS NULL OR b.rights LIKE '%r%')`
/** What lies in the inbox as well the maildrop has, unless it is known to have less. */
const isAway = (accountId: bigint) => Prisma.sql`p.uid IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.message_id = p.message_id)
  AND ((SELECT coalesce((a.switch_to ->> 'bringsInbox')::boolean, false) FROM account a WHERE a.id = ${accountId})
    OR (b.role IS DISTINCT FROM 'inbox' AND NOT EXISTS (SELECT 1 FROM placement i JOIN mailbox ib ON ib.id = i.mailbox_id AND ib.role = 'inbox'
      WHERE i.message_id = p.message_id AND i.uid IS NOT NULL)))`
const isNameless = Prisma.sql`p.uid IS NOT NULL AND b.role = 'inbox'
  AND NOT EXISTS (SELECT 1 FROM switch_header h WHERE h.message_id = p.message_id)`
/** Its source is here, and tells what it would be known by in a maildrop that shows more than the inbox. */
const isUnnoted = Prisma.sql`c.n = 0 AND EXISTS (SELECT 1 FROM placement p WHERE p.message_id = r.message_id)
  AND NOT EXISTS (SELECT 1 FROM switch_header h WHERE h.message_id = r.message_id)`
/** Its source is here, but what was read of it has the places it had at the server. */
const isMisread = Prisma.sql`m.body_state <> 'absent' AND m.orphaned_at IS NULL
  AND EXISTS (SELECT 1 FROM part x WHERE x.message_id = m.id AND NOT starts_with(x.path, 'parsed:'))`

export type HomeCounts = {
  /** To be fetched whole. */
  away: number
  awayBytes: number
  /** Nothing is written down yet that they could be met by: of the inbox at the server, and of what is here whole. */
  nameless: number
  misread: number
  /** A mailbox that was not read to its end. */
  unread: string | null
  /** Those that are not here, and that are left out. */
  leftOut: string[]
}

export const countHome = async (tx: Tx, accountId: bigint): Promise<HomeCounts> => {
  const [counts] = await tx.$queryRaw<(Omit<HomeCounts, 'awayBytes'> & { bytes: bigint })[]>`
    WITH away AS MATERIALIZED (
      SELECT DISTINCT p.message_id FROM placement p JOIN mailbox b ON b.id = p.mailbox_id AND ${isHere} WHERE p.account_id = ${accountId} AND ${isAway(accountId)})
    SELECT (SELECT count(*)::int FROM away) AS away,
      (SELECT coalesce(sum(m.size_bytes), 0)::bigint FROM away JOIN message m ON m.id = away.message_id) AS bytes,
      (SELECT count(DISTINCT p.message_id)::int FROM placement p JOIN mailbox b ON b.id = p.mailbox_id AND ${isHere}
        WHERE p.account_id = ${accountId} AND ${isNameless})
        + (SELECT count(*)::int FROM raw_source r JOIN blob_chunk c ON c.blob_id = r.blob_id WHERE r.account_id = ${accountId} AND ${isUnnoted}) AS nameless,
      (SELECT count(*)::int FROM raw_source r JOIN message m ON m.id = r.message_id WHERE r.account_id = ${accountId} AND ${isMisread}) AS misread,
      (SELECT min(b.path) FROM mailbox b WHERE b.account_id = ${accountId} AND ${isHere} AND b.fill_uid IS DISTINCT FROM 1) AS unread,
      (SELECT coalesce(array_agg(b.path ORDER BY b.path), '{}') FROM mailbox b WHERE b.account_id = ${accountId} AND b.is_selectable AND NOT (${isHere})) AS "leftOut"`
  const { bytes, ...rest } = counts ?? { away: 0, bytes: 0n, nameless: 0, misread: 0, unread: null, leftOut: [] }
  return { ...rest, awayBytes: Number(bytes) }
}

export type HomeMail = {
  messageId: bigint
  uid: bigint
  sizeBytes: bigint
  subject: string
  people: unknown
  receivedAt: Date
}
/** Mails of one mailbox, so that one SELECT serves them. */
export type HomeBatch = { mailboxId: bigint; path: string; uidValidity: bigint | null; mails: HomeMail[] }

/**
 * The newest that are missing, of the mailbox that holds the newest of all: those that nothing is written down of (of
 * the inbox), or those that are to be fetched whole. Without those in `refused`. Null when nothing is missing.
 */
export const nextHomeBatch = async (
  tx: Tx,
  accountId: bigint,
  { what, limit, refused }: { what: 'away' | 'nameless'; limit: number; refused: bigint[] },
): Promise<HomeBatch | null> => {
  const isWanted = Prisma.sql`p.account_id = ${accountId} AND ${what === 'away' ? isAway(accountId) : isNameless} AND p.message_id <> ALL (${refused}::bigint[])`
  const rows = await tx.$queryRaw<(HomeMail & { mailboxId: bigint; path: string; uidValidity: bigint | null })[]>`
    WITH one AS (
      SELECT b.id FROM placement p JOIN mailbox b ON b.id = p.mailbox_id AND ${isHere} WHERE ${isWanted} ORDER BY p.received_at DESC, p.id DESC LIMIT 1)
    SELECT b.id AS "mailboxId", b.path, b.uid_validity AS "uidValidity", m.id AS "messageId", p.uid, m.size_bytes AS "sizeBytes", m.subject,
      json_build_array(m.from_addresses, m.to_addresses, m.cc) AS people, m.received_at AS "receivedAt"
    FROM placement p JOIN mailbox b ON b.id = p.mailbox_id AND ${isHere} JOIN message m ON m.id = p.message_id
    WHERE b.id = (SELECT id FROM one) AND ${isWanted} ORDER BY p.received_at DESC, p.id DESC LIMIT ${limit}::int`
  const [first] = rows
  if (!first) return null
  const { mailboxId, path, uidValidity } = first
  // A mail that lies twice in this mailbox is fetched once.
  return { mailboxId, path, uidValidity, mails: [...new Map(rows.map((row) => [row.messageId, row])).values()] }
}

/** Sources that are here, of mails that were read part by part at the server. */
export const nextMisread = (tx: Tx, accountId: bigint, limit: number): Promise<SourceToOpen[]> =>
  tx.$queryRaw<SourceToOpen[]>`
    SELECT m.id AS "messageId", m.subject, json_build_array(m.from_addresses, m.to_addresses, m.cc) AS people, m.received_at AS "receivedAt",
      m.size_bytes AS "sizeBytes", b.id AS "blobId", b.size_bytes::float8 AS "blobBytes"
    FROM raw_source r JOIN message m ON m.id = r.message_id JOIN blob b ON b.id = r.blob_id AND b.is_whole
    WHERE r.account_id = ${accountId} AND ${isMisread} ORDER BY m.received_at DESC, m.id DESC LIMIT ${limit}::int`

/** The beginnings of mails that are here whole, and of which nothing is written down. */
export const nextUnnoted = (
  tx: Tx,
  accountId: bigint,
  limit: number,
): Promise<{ messageId: bigint; bytes: Uint8Array }[]> =>
  tx.$queryRaw`
    SELECT r.message_id AS "messageId", substr(c.bytes, 1, 262144) AS bytes FROM raw_source r JOIN blob_chunk c ON c.blob_id = r.blob_id
    WHERE r.account_id = ${accountId} AND ${isUnnoted} LIMIT ${limit}::int`

export const noteHeaders = async (
  unit: RawUnit,
  accountId: bigint,
  headers: { messageId: bigint; hash: Buffer }[],
): Promise<void> => {
  await unit.tx.$executeRaw`
    INSERT INTO switch_header (message_id, account_id, header_hash)
    SELECT t.id, ${accountId}::bigint, t.hash FROM unnest(${headers.map(({ messageId }) => messageId)}::bigint[], ${headers.map(({ hash }) => hash)}::bytea[])
      AS t (id, hash) ON CONFLICT DO NOTHING`
}

/** So many more were fetched whole, for the person to see. */
export const countBrought = async (unit: RawUnit, accountId: bigint, mails: number): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE account SET switching = switching || jsonb_build_object('brought', (switching ->> 'brought')::int + ${mails}::int)
    WHERE id = ${accountId} AND switching IS NOT NULL`
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
}

/** Of how many of these Message-IDs (hashed) this account has mails, wherever they lie, and of how many in its inbox. */
export const countMailsHere = async (
  tx: Tx,
  accountId: bigint,
  idHashes: string[],
): Promise<{ here: number; inInbox: number }> => {
  const [row] = await tx.$queryRaw<{ here: number; inInbox: number }[]>`
    SELECT count(DISTINCT m.message_id_hash)::int AS here, count(DISTINCT m.message_id_hash) FILTER (WHERE EXISTS (
      SELECT 1 FROM placement p JOIN mailbox b ON b.id = p.mailbox_id AND b.role = 'inbox' WHERE p.message_id = m.id AND p.uid IS NOT NULL))::int AS "inInbox"
    FROM message_ref r JOIN message m ON m.thread_id = r.thread_id AND m.message_id_hash = r.ref_hash
    WHERE r.account_id = ${accountId} AND r.ref_hash = ANY (${idHashes}::uuid[])`
  return row ?? { here: 0, inInbox: 0 }
}

/**
 * What was seen of the maildrop when the change was asked for: how many mails, and of the newest and the oldest how many are
 * not here, and how many not in the inbox.
 */
export type MaildropSample = { messages: number; unknown: number; outside: number }

export type WantedSwitch = {
  account: AccountRow
  incoming: ServerSettings
  password: string
  masterKey: Buffer
  isPrivateHost: boolean
  maildrop: MaildropSample
}

/**
 * Writes down where the account is to go, and whether the inbox is fetched whole as well: some providers give by POP3 only what
 * came since it was allowed, or the newest. Asked again, the new server and password count. Throws request.conflict.
 */
export const beginSwitchToPop3 = async (unit: Unit, wanted: WantedSwitch): Promise<void> => {
  const { tx } = unit
  const { account, incoming, isPrivateHost, maildrop } = wanted
  const { id } = account
  const credential = sealPassword(wanted.masterKey, account, wanted.password, 'credential')
  const inInbox = await countInbox(tx, id)
  // What it shows besides leaves so much less room for the inbox.
  const bringsInbox = maildrop.messages - maildrop.outside < inInbox || maildrop.unknown > 0
  const target = { incoming, isPrivateHost, bringsInbox }
  const begun = await tx.$executeRaw`
    UPDATE account SET switch_to = ${JSON.stringify(target)}::jsonb, switch_credential = ${credential}
    WHERE id = ${id} AND kind = 'imap' AND (switching IS NULL OR switching ->> 'to' = 'pop3' OR (switching ->> 'isTold')::boolean)`
  if (begun === 0)
    throw new AppError('request.conflict', 'This account is just changing to IMAP.', {
      hint: 'Try it again when that is done.',
    })
  const { away } = await countHome(tx, id)
  const switching = { to: 'pop3', total: away, found: 0, brought: 0, isTold: false }
  await tx.$executeRaw`UPDATE account SET switching = ${JSON.stringify(switching)}::jsonb WHERE id = ${id}`
  await addSyncEvent(unit, id, {
    kind: 'switch',
    code: null,
    text: beginLine(away, { ...target, maildrop, isShort: maildrop.messages < inInbox }),
  })
  unit.log({ accountId: id }, { kind: 'account', accountId: id.toString() })
}

/** As the server counts it, where not all of it was read yet. */
const countInbox = async (tx: Tx, accountId: bigint): Promise<number> => {
  const [row] = await tx.$queryRaw<{ n: number }[]>`
    SELECT greatest(max(b.server_messages), count(p.id))::int AS n FROM mailbox b LEFT JOIN placement p ON p.mailbox_id = b.id AND p.uid IS NOT NULL
    WHERE b.account_id = ${accountId} AND b.role = 'inbox'`
  return row?.n ?? 0
}

const beginLine = (
  away: number,
  { bringsInbox, isShort, maildrop }: { bringsInbox: boolean; isShort: boolean; maildrop: MaildropSample },
): string => {
  const whole = `${countMails(away)} ${bringsInbox ? '' : 'outside the inbox '}${away === 1 ? 'is' : 'are'} fetched whole first`
  const reason = isShort ? `shows only ${countMails(maildrop.messages)}` : 'shows other mails'
  const inbox = bringsInbox ? `, those of the inbox too, as POP3 ${reason}` : ''
  return away === 0
    ? 'The account changes from IMAP to POP3.'
    : `The account changes from IMAP to POP3: ${whole}${inbox}.`
}

/** It stays what it is; what was fetched stays whole. False when there is nothing to take back any more. */
export const cancelSwitchToPop3 = async (unit: Unit, accountId: bigint): Promise<boolean> => {
  const { tx } = unit
  // What a change to IMAP left open before is open again.
  const cancelled = await tx.$executeRaw`
    UPDATE account a SET switch_to = NULL, switch_credential = NULL, switching = (
      SELECT jsonb_build_object('to', 'imap', 'total', count(*), 'found', 0, 'brought', 0, 'isTold', true) FROM switch_mail s
      WHERE s.account_id = a.id HAVING count(*) > 0)
    WHERE id = ${accountId} AND kind = 'imap' AND switch_to IS NOT NULL`
  if (cancelled === 0) return false
  await tx.switchHeader.deleteMany({ where: { accountId } })
  await addSyncEvent(unit, accountId, { kind: 'switch', code: null, text: 'The change to POP3 was cancelled.' })
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
  return true
}
