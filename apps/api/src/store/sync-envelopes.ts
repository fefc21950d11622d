import type { Unit } from './commit.ts'
import type { Tx } from './open-store.ts'
import { joinThreads, type ThreadPlan } from './sync-threads.ts'

/** One message of a mailbox as the server lists it, ready to be stored. JSON columns are given as text. */
export type EnvelopeRow = {
  uid: bigint
  bits: number
  keywords: string[]
  modseq: bigint
  identityKey: string
  /** Own id first; ties the message to its conversation. */
  refHashes: string[]
  hasOwnId: boolean
  subject: string
  people: { from: string; replyTo: string; to: string; cc: string; bcc: string }
  sentAt: Date | null
  receivedAt: Date
  sizeBytes: bigint
  hasAttachment: boolean
  structure: string
}

export type MailboxPlace = { accountId: bigint; mailboxId: bigint }
type KnownMessage = { id: bigint; identity_key: string; thread_id: bigint }

/**
 * Stores a batch of a mailbox in a handful of set-based statements. Uids that are there already are left alone; a mail
 * whose identity the account knows gets a further placement instead of a second row. Answers the conversations touched
 * and the uids that were new.
 */
export const storeEnvelopes = async (
  unit: Unit,
  place: MailboxPlace,
  rows: EnvelopeRow[],
): Promise<{ threadIds: bigint[]; newUids: Set<bigint> }> => {
  const { tx } = unit
  const fresh = await withoutKnownUids(tx, place, rows)
  if (fresh.length === 0) return { threadIds: [], newUids: new Set() }
  const known = await findByIdentity(tx, place.accountId, fresh)
  const unknown = uniqueByIdentity(fresh.filter((row) => !known.has(row.identityKey)))
  const plan = await joinThreads(tx, place.accountId, unknown)
  await insertMessages(tx, place.accountId, unknown, plan, known)
  await tx.$executeRaw`UPDATE message SET orphaned_at = NULL WHERE id = ANY (${[...known.values()].map((message) => message.id)}::bigint[]) AND orphaned_at IS NOT NULL`
  const unbound = await bindWaiting(tx, place, fresh, known)
  await insertPlacements(tx, place, unbound, known)
  await tx.$executeRaw`UPDATE mailbox SET envelopes_stored = envelopes_stored + ${fresh.length} WHERE id = ${place.mailboxId}`
  const threadIds = new Set(plan.touched)
  for (const row of fresh) threadIds.add(messageOf(known, row).thread_id)
  return { threadIds: [...threadIds], newUids: new Set(fresh.map((row) => row.uid)) }
}

const withoutKnownUids = async (tx: Tx, { mailboxId }: MailboxPlace, rows: EnvelopeRow[]): Promise<EnvelopeRow[]> => {
  const there = await tx.$queryRaw<{ uid: bigint }[]>`
    SELECT uid FROM placement WHERE mailbox_id = ${mailboxId} AND uid = ANY (${rows.map((row) => row.uid)}::bigint[])`
  const stored = new Set(there.map(({ uid }) => uid))
  return rows.filter((row) => !stored.has(row.uid))
}

const findByIdentity = async (tx: Tx, accountId: bigint, rows: EnvelopeRow[]): Promise<Map<string, KnownMessage>> => {
  const found = await tx.$queryRaw<KnownMessage[]>`
    SELECT DISTINCT ON (identity_key) id, identity_key::text AS identity_key, thread_id FROM message
    WHERE account_id = ${accountId} AND identity_key = ANY (${rows.map((row) => row.identityKey)}::uuid[]) ORDER BY identity_key, id`
  return new Map(found.map((message) => [message.identity_key, message]))
}

const uniqueByIdentity = (rows: EnvelopeRow[]): EnvelopeRow[] => [
  ...new Map(rows.map((row) => [row.identityKey, row])).values(),
]

const messageOf = (known: Map<string, KnownMessage>, row: EnvelopeRow): KnownMessage => {
  const message = known.get(row.identityKey)
  if (!message) throw new Error('a message of this batch was not stored')
  return message
}

const insertMessages = async (
  tx: Tx,
  accountId: bigint,
  rows: EnvelopeRow[],
  plan: ThreadPlan,
  known: Map<string, KnownMessage>,
): Promise<void> => {
  if (rows.length === 0) return
  const inserted = await tx.$queryRaw<KnownMessage[]>`
    INSERT INTO message (account_id, thread_id, identity_key, message_id_hash, subject, from_addresses, reply_to, to_addresses, cc, bcc,
      sent_at, received_at, size_bytes, has_attachment, structure)
    SELECT ${accountId}, * FROM unnest(
      ${rows.map((row) => plan.threadOf(row.identityKey))}::bigint[], ${rows.map((row) => row.identityKey)}::uuid[],
      ${rows.map((row) => (row.hasOwnId ? (row.refHashes[0] ?? null) : null))}::uuid[], ${rows.map((row) => row.subject)}::text[],
      ${rows.map((row) => row.people.from)}::jsonb[], ${rows.map((row) => row.people.replyTo)}::jsonb[], ${rows.map((row) => row.people.to)}::jsonb[],
      ${rows.map((row) => row.people.cc)}::jsonb[], ${rows.map((row) => row.people.bcc)}::jsonb[],
      ${rows.map((row) => row.sentAt)}::timestamptz[], ${rows.map((row) => row.receivedAt)}::timestamptz[], ${rows.map((row) => row.sizeBytes)}::bigint[],
      ${rows.map((row) => row.hasAttachment)}::boolean[], ${rows.map((row) => row.structure)}::jsonb[])
    RETURNING id, identity_key::text AS identity_key, thread_id`
  for (const message of inserted) known.set(message.identity_key, message)
}

/** A move without UIDPLUS left placements waiting here without a uid: the arriving message takes its own over. */
const bindWaiting = async (
  tx: Tx,
  { mailboxId }: MailboxPlace,
  rows: EnvelopeRow[],
  known: Map<string, KnownMessage>,
): Promise<EnvelopeRow[]> => {
  const waiting = await tx.$queryRaw<{ id: bigint; message_id: bigint }[]>`
    SELECT id, message_id FROM placement WHERE mailbox_id = ${mailboxId} AND uid IS NULL FOR UPDATE`
  if (waiting.length === 0) return rows
  const unbound: EnvelopeRow[] = []
  for (const row of rows) {
    const index = waiting.findIndex((placement) => placement.message_id === messageOf(known, row).id)
    const [placement] = index < 0 ? [] : waiting.splice(index, 1)
    if (!placement) {
      unbound.push(row)
      continue
    }
    await tx.$executeRaw`
      UPDATE placement SET uid = ${row.uid}, flags = ${row.bits}, keywords = ${row.keywords}, modseq = ${row.modseq} WHERE id = ${placement.id}`
  }
  return unbound
}

const insertPlacements = async (
  tx: Tx,
  { accountId, mailboxId }: MailboxPlace,
  rows: EnvelopeRow[],
  known: Map<string, KnownMessage>,
): Promise<void> => {
  if (rows.length === 0) return
  const messages = rows.map((row) => messageOf(known, row))
  await tx.$executeRaw`
    INSERT INTO placement (account_id, mailbox_id, uid, message_id, thread_id, flags, keywords, modseq, shown_mailbox_id, shown_flags, shown_keywords, received_at)
    SELECT ${accountId}, ${mailboxId}, t.uid, t.message_id, t.thread_id, t.bits, string_to_array(t.keywords, ' '), t.modseq,
      CASE WHEN t.bits & 8 <> 0 THEN NULL ELSE ${mailboxId}::bigint END, t.bits, string_to_array(t.keywords, ' '), t.received_at
    FROM unnest(${rows.map((row) => row.uid)}::bigint[], ${messages.map((message) => message.id)}::bigint[], ${messages.map((message) => message.thread_id)}::bigint[],
      ${rows.map((row) => row.bits)}::int[], ${rows.map((row) => row.keywords.join(' '))}::text[], ${rows.map((row) => row.modseq)}::bigint[],
      ${rows.map((row) => row.receivedAt)}::timestamptz[]) AS t (uid, message_id, thread_id, bits, keywords, modseq, received_at)`
}
