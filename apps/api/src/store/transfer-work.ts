import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { RawUnit } from './commit.ts'
import type { Tx } from './open-store.ts'
import { settleCopies } from './sent-copies.ts'

/** A mail of a transfer that waits to be carried out, or of which an earlier run does not know how it ended. */
export type TransferItem = {
  id: bigint
  transferId: bigint
  mailboxId: bigint
  /** Empty: the mailbox is no longer there. */
  path: string
  sha256: Buffer
  sizeBytes: number
  /** Null: its octets are no longer here. */
  blobId: bigint | null
  bits: number
  keywords: string[]
  cameAt: Date | null
  fileAt: Date | null
  isRepeat: boolean
  /** A copy of what was sent: whatever bears its Message-ID there is it. */
  isSentCopy: boolean
  attempts: number
  fromUid: bigint | null
  uidValidity: bigint | null
}

type RawItem = {
  id: bigint
  transfer_id: bigint
  mailbox_id: bigint
  path: string
  sha256: Uint8Array
  size_bytes: bigint
  blob_id: bigint | null
  flags: number
  keywords: string[]
  came_at: Date | null
  file_at: Date | null
  state: string
  is_sent_copy: boolean
  attempts: number
  from_uid: bigint | null
  uid_validity: bigint | null
}

/**
 * The oldest open mails of an account, all of one mailbox; copies of what was sent first. A mailbox that is not known to its end yet comes later: whether
 * it has a mail already cannot be told before.
 */
export const nextTransferItems = async (tx: Tx, accountId: bigint, limit: number): Promise<TransferItem[]> => {
  const rows = await tx.$queryRaw<RawItem[]>`
    SELECT i.id, i.transfer_id, i.mailbox_id, coalesce(m.path, '') AS path, i.sha256, i.size_bytes, b.id AS blob_id, i.flags::int AS flags, i.keywords, i.came_at, i.file_at, i.state, i.attempts,
      i.from_uid, i.uid_validity, t.kind = 'sent' AS is_sent_copy
    FROM transfer_item i JOIN transfer t ON t.id = i.transfer_id LEFT JOIN mailbox m ON m.id = i.mailbox_id LEFT JOIN blob b ON b.id = i.blob_id
    WHERE i.account_id = ${accountId} AND i.state IN ('waiting', 'sending') AND (m.id IS NULL OR m.fill_uid = 1 OR NOT m.is_synced OR t.kind = 'sent') ORDER BY t.kind = 'sent' DESC, i.id LIMIT ${limit}`
  return rows
    .filter(({ mailbox_id }) => mailbox_id === rows[0]?.mailbox_id)
    .map((row) => ({
      id: row.id,
      transferId: row.transfer_id,
      mailboxId: row.mailbox_id,
      path: row.path,
      sha256: Buffer.from(row.sha256),
      sizeBytes: Number(row.size_bytes),
      blobId: row.blob_id,
      bits: row.flags,
      keywords: row.keywords,
      cameAt: row.came_at,
      fileAt: row.file_at,
      isRepeat: row.state === 'sending',
      isSentCopy: row.is_sent_copy,
      attempts: row.attempts,
      fromUid: row.from_uid,
      uidValidity: row.uid_validity,
    }))
}

/** Those of them that still wait: nobody has cancelled them, and nobody does before this transaction ends. */
export const holdItems = async (tx: RawTx, ids: bigint[]): Promise<Set<bigint>> => {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM transfer_item WHERE id = ANY (${ids}::bigint[]) AND state IN ('waiting', 'sending') ORDER BY id FOR UPDATE`
  return new Set(rows.map(({ id }) => id))
}

/** The beginning of each mail: enough for its header. */
export const readHeads = async (tx: Tx, blobIds: bigint[], maxBytes: number): Promise<Map<bigint, Buffer>> => {
  const rows = await tx.$queryRaw<{ blob_id: bigint; head: Uint8Array }[]>`
    SELECT blob_id, substring(bytes FROM 1 FOR ${maxBytes}::int) AS head FROM blob_chunk WHERE blob_id = ANY (${blobIds}::bigint[]) AND n = 0`
  return new Map(rows.map(({ blob_id, head }) => [blob_id, Buffer.from(head)]))
}

/** A NUL cannot travel like other octets (RFC 9051 4.3). */
export const holdsNul = async (tx: Tx, blobId: bigint): Promise<boolean> => {
  const [row] = await tx.$queryRaw<{ found: boolean | null }[]>`
    SELECT bool_or(position('\\x00'::bytea IN bytes) > 0) AS found FROM blob_chunk WHERE blob_id = ${blobId}`
  return row?.found === true
}

/** Of these identities of octets (mail/threading.ts), those that lie in a mailbox kept here. */
export const findOctetsIn = async (
  tx: RawTx,
  { accountId, mailboxId }: { accountId: bigint; mailboxId: bigint },
  keys: string[],
): Promise<Set<string>> => {
  const rows = await tx.$queryRaw<{ key: string }[]>`
    SELECT DISTINCT m.identity_key::text AS key FROM message m JOIN placement p ON p.message_id = m.id AND p.shown_mailbox_id = ${mailboxId}
    WHERE m.account_id = ${accountId} AND m.identity_key = ANY (${textArray(keys)}::text[]::uuid[])`
  return new Set(rows.map(({ key }) => key))
}

/** What tells a mail apart at a server that says nothing of its octets. */
export type ListedMail = {
  accountId: bigint
  mailboxId: bigint
  sha256: Buffer
  sizeBytes: number
  /** mail/threading.ts; null when it has no Message-ID. */
  messageIdHash: string | null
  subject: string
  receivedAt: Date
}

/**
 * Whether a mail lies in a mailbox of the server as it was last seen: appended by us before, and not gone since; or with this
 * Message-ID and exactly this size; without one, with this subject, size and time.
 */
export const isListedIn = async (tx: Tx, mail: ListedMail): Promise<boolean> => {
  const [row] = await tx.$queryRaw<{ found: boolean }[]>`
    SELECT EXISTS (
      SELECT 1 FROM transfer_item i JOIN mailbox b ON b.id = i.mailbox_id AND (b.uid_validity IS NULL OR i.uid_validity IS NULL OR b.uid_validity = i.uid_validity)
      WHERE i.mailbox_id = ${mail.mailboxId} AND i.sha256 = ${mail.sha256} AND i.state = 'stored'
        AND (i.uid >= coalesce(b.uid_next, 0) OR (i.uid IS NULL AND i.settled_at > now() - interval '10 minutes')
          OR EXISTS (SELECT 1 FROM placement p WHERE p.mailbox_id = i.mailbox_id AND p.uid = i.uid AND p.shown_mailbox_id = i.mailbox_id))
    ) OR EXISTS (
      SELECT 1 FROM message_ref r JOIN message m ON m.thread_id = r.thread_id AND m.message_id_hash = r.ref_hash AND m.size_bytes = ${mail.sizeBytes}::bigint
      JOIN placement p ON p.message_id = m.id AND p.shown_mailbox_id = ${mail.mailboxId}
      WHERE r.account_id = ${mail.accountId} AND r.ref_hash = ${mail.messageIdHash}::uuid
    ) OR (${mail.messageIdHash}::text IS NULL AND EXISTS (
      SELECT 1 FROM message m JOIN placement p ON p.message_id = m.id AND p.shown_mailbox_id = ${mail.mailboxId}
      WHERE m.account_id = ${mail.accountId} AND m.message_id_hash IS NULL AND m.size_bytes = ${mail.sizeBytes}::bigint AND m.subject = ${mail.subject}
        AND m.received_at BETWEEN ${mail.receivedAt}::timestamptz - interval '1 second' AND ${mail.receivedAt}::timestamptz + interval '1 second'
    )) AS found`
  return row?.found === true
}

/**
 * Says durably that these mails may reach the server from now on, where none of them can be below `fromUid`. Answers which:
 * what was cancelled meanwhile is not among them.
 */
export const beginItems = async (
  { tx }: RawUnit,
  ids: bigint[],
  { fromUid, uidValidity }: { fromUid: bigint; uidValidity: bigint },
): Promise<Set<bigint>> => {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    UPDATE transfer_item SET state = 'sending', attempts = attempts + 1, from_uid = ${fromUid}, uid_validity = ${uidValidity}
    WHERE id = ANY (${ids}::bigint[]) AND state IN ('waiting', 'sending') RETURNING id`
  return new Set(rows.map(({ id }) => id))
}

export type ItemOutcome = { id: bigint } /** `isKept`: its blob is a message's source now. */ & (
  | { state: 'stored'; uid: bigint | null; uidValidity: bigint | null; isKept: boolean }
  | { state: 'here' }
  | { state: 'refused'; code: string }
)

/** What became of mails. Their octets go, unless they belong to a message. */
export const settleItems = async (unit: RawUnit, outcomes: ItemOutcome[]): Promise<void> => {
  if (outcomes.length === 0) return
  const { tx } = unit
  const text = (of: (outcome: ItemOutcome) => string | null) => textArray(outcomes.map(of))
  await tx.$executeRaw`
    WITH t AS (SELECT * FROM unnest(${outcomes.map(({ id }) => id)}::bigint[], ${text(({ state }) => state)}::text[], ${text((found) => (found.state === 'stored' ? (found.uid?.toString() ?? null) : null))}::text[],
        ${text((found) => (found.state === 'stored' ? (found.uidValidity?.toString() ?? null) : null))}::text[], ${text((found) => (found.state === 'refused' ? found.code : null))}::text[],
        ${text((found) => String(found.state === 'stored' && found.isKept))}::text[]) AS u (id, state, uid, uid_validity, code, is_kept)),
      done AS (UPDATE transfer_item i SET state = t.state, uid = t.uid::bigint, uid_validity = coalesce(t.uid_validity::bigint, i.uid_validity), error_code = t.code, settled_at = now()
        FROM t WHERE i.id = t.id RETURNING i.blob_id, i.owns_blob AND NOT t.is_kept::boolean AS is_free),
      free AS (SELECT blob_id FROM done WHERE is_free AND blob_id IS NOT NULL),
      b AS (DELETE FROM blob WHERE id IN (SELECT blob_id FROM free))
    DELETE FROM blob_chunk WHERE blob_id IN (SELECT blob_id FROM free)`
  await settleCopies(
    unit,
    outcomes.map(({ id }) => id),
  )
}
