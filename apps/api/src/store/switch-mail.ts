import { DELETED, effectivePlacement, FLAGGED, type PendingEffect, SEEN, type Shown } from '#mail/flags.ts'
import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import { pendingTargetsFor, recomputeShown } from './command-effects.ts'
import { lockCommands } from './commands.ts'
import type { RawUnit } from './commit.ts'
import type { EnvelopeRow, MailboxPlace } from './envelope-row.ts'
import { type Difference, orderDifferences } from './switch-commands.ts'

/** A mail that was kept here and was not met at the new server yet. */
export type HereMail = {
  messageId: bigint
  identityKey: string
  messageIdHash: string | null
  sizeBytes: bigint
  subject: string
  from: unknown[]
  sentAt: Date | null
  /** Of its source; null where only its header ever came. */
  blobId: bigint | null
  /** Where it was sent to, and the lowest uid that it can have there. */
  sentTo: bigint | null
  sentFromUid: bigint | null
}

/** Those that share a Message-ID with one of these, or have none and share a size. */
export const readHereMails = (
  tx: RawTx,
  accountId: bigint,
  { idHashes, sizes }: { idHashes: string[]; sizes: bigint[] },
): Promise<HereMail[]> =>
  tx.$queryRaw<HereMail[]>`
    SELECT m.id AS "messageId", m.identity_key::text AS "identityKey", m.message_id_hash::text AS "messageIdHash", m.size_bytes AS "sizeBytes",
      m.subject, m.from_addresses AS "from", m.sent_at AS "sentAt", r.blob_id AS "blobId", s.sent_to AS "sentTo", s.sent_from_uid AS "sentFromUid"
    FROM switch_mail s JOIN message m ON m.id = s.message_id LEFT JOIN raw_source r ON r.message_id = m.id
    WHERE s.account_id = ${accountId} AND (m.message_id_hash = ANY (${idHashes}::uuid[])
      OR (m.message_id_hash IS NULL AND m.size_bytes = ANY (${sizes}::bigint[]))) ORDER BY m.id`

/** A mail of the new server that is here already. */
type Recognised = EnvelopeRow & { messageId: bigint }
type Waiting = {
  id: bigint
  message_id: bigint
  mailbox_id: bigint
  thread_id: bigint
  shown_mailbox_id: bigint | null
  shown_flags: number
  shown_keywords: string[]
}

/**
 * Ties mails of the new server to those that were kept here: each uid takes over a placement that waits for it, in this
 * mailbox or, where the person has moved it meanwhile, in any other; it stays shown where and as it was, and what the server
 * has otherwise is put right there by ordinary commands. What was deleted here for good, and is still in its inbox, goes to
 * the trash. Answers the conversations concerned.
 */
export const bindRecognised = async (unit: RawUnit, place: MailboxPlace, rows: EnvelopeRow[]): Promise<bigint[]> => {
  const { tx } = unit
  const { accountId, mailboxId } = place
  // Commands are ordered by this lock; it comes before the rows they are about (commands.ts).
  await lockCommands(tx, accountId)
  const fresh = await leaveStored(tx, mailboxId, rows)
  if (fresh.length === 0) return []
  await adoptIdentities(tx, accountId, fresh)
  const waiting = await tx.$queryRaw<Waiting[]>`
    SELECT id, message_id, mailbox_id, thread_id, shown_mailbox_id, shown_flags::int AS shown_flags, shown_keywords FROM placement
    WHERE account_id = ${accountId} AND uid IS NULL AND message_id = ANY (${fresh.map(({ messageId }) => messageId)}::bigint[])
    ORDER BY id FOR UPDATE`
  const role = await readRole(tx, mailboxId)
  const bound = assign(fresh, waiting, { mailboxId, isView: role === 'flagged' })
  // POP3 never saw another mailbox: what lies there was not what was deleted.
  const revived = role === 'inbox' ? await revive(tx, place, fresh, bound) : []
  await takeUids(tx, mailboxId, bound)
  const differences = await compare(tx, mailboxId, [...bound, ...revived])
  await orderDifferences(unit, place, differences)
  const touched = [...bound, ...revived]
  await recomputeShown(
    tx,
    touched.map(({ placement }) => placement.id),
  )
  await settleMails(
    tx,
    accountId,
    fresh.map(({ messageId }) => messageId),
  )
  await tx.$executeRaw`UPDATE mailbox SET envelopes_stored = envelopes_stored + ${touched.length} WHERE id = ${mailboxId}`
  return [...new Set(touched.map(({ placement }) => placement.thread_id))]
}

/** Uids that are stored already are left alone, as in every sync. */
const leaveStored = async (tx: RawTx, mailboxId: bigint, rows: EnvelopeRow[]): Promise<Recognised[]> => {
  const known = rows.filter((row): row is Recognised => row.messageId !== undefined)
  const stored = await tx.$queryRaw<{ uid: bigint }[]>`
    SELECT uid FROM placement WHERE mailbox_id = ${mailboxId} AND uid = ANY (${known.map(({ uid }) => uid)}::bigint[])`
  const there = new Set(stored.map(({ uid }) => uid))
  return known.filter(({ uid }) => !there.has(uid))
}

/**
 * From now on it is found again by what this server says of it. A key that another mail has stays with that one: the two
 * have one envelope and one size, and no server tells them apart. What was read of the source stays; of a mail without one
 * the server's structure tells what there is to fetch.
 */
const adoptIdentities = async (tx: RawTx, accountId: bigint, rows: Recognised[]): Promise<void> => {
  const text = (of: (row: Recognised) => string) => textArray(rows.map(of))
  await tx.$executeRaw`
    WITH t AS (SELECT DISTINCT ON (key) * FROM unnest(${rows.map(({ messageId }) => messageId)}::bigint[], ${text(({ identityKey }) => identityKey)}::text[]::uuid[])
      AS u (id, key) ORDER BY key, id)
    UPDATE message m SET identity_key = t.key FROM t WHERE m.id = t.id
      AND NOT EXISTS (SELECT 1 FROM message o WHERE o.account_id = ${accountId} AND o.identity_key = t.key AND o.id <> m.id)`
  await tx.$executeRaw`
    UPDATE message m SET structure = t.structure::jsonb, has_attachment = t.attached::boolean, is_header_only = false
    FROM unnest(${rows.map(({ messageId }) => messageId)}::bigint[], ${text(({ structure }) => JSON.stringify(structure))}::text[],
      ${text(({ hasAttachment }) => String(hasAttachment))}::text[]) AS t (id, structure, attached)
    WHERE m.id = t.id AND NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.message_id = m.id)`
}

/** Those of which nothing waits any more are done with. */
const settleMails = async (tx: RawTx, accountId: bigint, messageIds: bigint[]): Promise<void> => {
  await tx.$executeRaw`UPDATE message SET orphaned_at = NULL WHERE id = ANY (${messageIds}::bigint[]) AND orphaned_at IS NOT NULL`
  const done = await tx.$queryRaw<{ is_sent: boolean }[]>`
    DELETE FROM switch_mail s WHERE s.message_id = ANY (${messageIds}::bigint[])
      AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = s.message_id AND p.uid IS NULL)
    RETURNING s.sent_to IS NOT NULL AS is_sent`
  const brought = done.filter(({ is_sent }) => is_sent).length
  await countSwitched(tx, accountId, { found: done.length - brought, brought })
}

const countSwitched = async (
  tx: RawTx,
  accountId: bigint,
  { found, brought }: { found: number; brought: number },
): Promise<void> => {
  await tx.$executeRaw`
    UPDATE account SET switching = switching || jsonb_build_object('found', (switching ->> 'found')::int + ${found}::int,
      'brought', (switching ->> 'brought')::int + ${brought}::int) WHERE id = ${accountId}`
}

type Bound = { placement: Waiting; row: Recognised }

const readRole = async (tx: RawTx, mailboxId: bigint): Promise<string | null> => {
  const rows = await tx.$queryRaw<{ role: string | null }[]>`SELECT role FROM mailbox WHERE id = ${mailboxId}`
  return rows[0]?.role ?? null
}

/**
 * One placement a uid: those of this mailbox first, so that a twin that was moved is not mistaken for the one that stayed. What
 * a view shows lies elsewhere as well, and to move it out of there is to take its star away (RFC 6154 \Flagged).
 */
const assign = (
  rows: Recognised[],
  waiting: Waiting[],
  { mailboxId, isView }: { mailboxId: bigint; isView: boolean },
): Bound[] => {
  const bound: Bound[] = []
  const take = (open: Recognised[], places: Waiting[]): Recognised[] => {
    const byMessage = Map.groupBy(places, ({ message_id }) => message_id)
    return open.filter((row) => {
      const placement = byMessage.get(row.messageId)?.shift()
      if (placement) bound.push({ placement, row })
      return !placement
    })
  }
  const left = take(
    rows,
    waiting.filter(({ mailbox_id }) => mailbox_id === mailboxId),
  )
  if (!isView)
    take(
      left,
      waiting.filter(({ mailbox_id }) => mailbox_id !== mailboxId),
    )
  return bound
}

const takeUids = async (tx: RawTx, mailboxId: bigint, bound: Bound[]): Promise<void> => {
  const rows = bound.map(({ row }) => row)
  await tx.$executeRaw`
    UPDATE placement p SET mailbox_id = ${mailboxId}, uid = t.uid, flags = t.bits, keywords = string_to_array(t.keywords, ' '), modseq = t.modseq
    FROM unnest(${bound.map(({ placement }) => placement.id)}::bigint[], ${rows.map(({ uid }) => uid)}::bigint[], ${rows.map(({ bits }) => bits)}::int[],
      ${rows.map(({ keywords }) => keywords.join(' '))}::text[], ${rows.map(({ modseq }) => modseq)}::bigint[]) AS t (id, uid, bits, keywords, modseq)
    WHERE p.id = t.id`
}

/** Mails that have no place here any more get one in the trash; they were seen, or nobody would have deleted them. */
const revive = async (tx: RawTx, place: MailboxPlace, rows: Recognised[], bound: Bound[]): Promise<Bound[]> => {
  const isBound = new Set(bound.map(({ row }) => row))
  const open = rows.filter((row) => !isBound.has(row))
  if (open.length === 0) return []
  const { accountId, mailboxId } = place
  const made = await tx.$queryRaw<(Waiting & { uid: bigint })[]>`
    INSERT INTO placement (account_id, mailbox_id, uid, message_id, thread_id, flags, keywords, modseq, shown_mailbox_id, shown_flags, shown_keywords, received_at)
    SELECT ${accountId}::bigint, ${mailboxId}::bigint, t.uid, m.id, m.thread_id, t.bits, string_to_array(t.keywords, ' '), t.modseq,
      coalesce(trash.id, ${mailboxId}::bigint), (t.bits | ${SEEN}::int) & ~${DELETED}::int, string_to_array(t.keywords, ' '), m.received_at
    FROM unnest(${open.map(({ messageId }) => messageId)}::bigint[], ${open.map(({ uid }) => uid)}::bigint[], ${open.map(({ bits }) => bits)}::int[],
      ${open.map(({ keywords }) => keywords.join(' '))}::text[], ${open.map(({ modseq }) => modseq)}::bigint[]) AS t (id, uid, bits, keywords, modseq)
    JOIN message m ON m.id = t.id
    LEFT JOIN (SELECT min(id) AS id FROM mailbox WHERE account_id = ${accountId} AND coalesce(chosen_role, role) = 'trash') trash ON true
    WHERE NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id)
    RETURNING uid, id, message_id, mailbox_id, thread_id, shown_mailbox_id, shown_flags::int AS shown_flags, shown_keywords`
  const byUid = new Map(open.map((row) => [row.uid, row]))
  return made.flatMap((placement) => {
    const row = byUid.get(placement.uid)
    return row ? [{ placement, row }] : []
  })
}

/** What the server would show, commands that wait included, against what is shown here. */
const compare = async (tx: RawTx, mailboxId: bigint, bound: Bound[]): Promise<Difference[]> => {
  const pending = await pendingTargetsFor(
    tx,
    bound.map(({ placement }) => placement.id),
  )
  return bound.flatMap(({ placement, row }) => {
    const { keywords } = row
    const waits = pending.get(placement.id) ?? []
    const { bits } = effectivePlacement({ mailboxId, bits: row.bits, keywords }, waits)
    // What is hidden by \Deleted lies somewhere all the same.
    const there = { ...effectivePlacement({ mailboxId, bits: row.bits & ~DELETED, keywords }, waits), bits }
    return differ(placement, there).map((effect) => ({
      placementId: placement.id,
      messageId: placement.message_id,
      effect,
    }))
  })
}

/** Marks a person takes away: what is not set here was taken away, or never known. */
const twoSided = SEEN | FLAGGED | DELETED
const none: PendingEffect = {
  addFlags: 0,
  removeFlags: 0,
  addKeywords: [],
  removeKeywords: [],
  toMailboxId: null,
  isExpunge: false,
}

/**
 * Flags, keywords and the move each by itself: a server that keeps no keywords refuses them, and the rest is done all the
 * same. \Answered and keywords that only the server knows stay: another program set them, and nobody here took them away.
 */
const differ = (here: Waiting, there: Shown): PendingEffect[] => {
  const addFlags = here.shown_flags & ~there.bits
  const removeFlags = there.bits & ~here.shown_flags & twoSided
  const known = new Set(there.keywords.map((keyword) => keyword.toLowerCase()))
  const addKeywords = here.shown_keywords.filter((keyword) => !known.has(keyword.toLowerCase()))
  const isElsewhere =
    here.shown_mailbox_id !== null && there.mailboxId !== null && here.shown_mailbox_id !== there.mailboxId
  return [
    ...(addFlags | removeFlags ? [{ ...none, addFlags, removeFlags }] : []),
    ...(addKeywords.length > 0 ? [{ ...none, addKeywords }] : []),
    ...(isElsewhere ? [{ ...none, toMailboxId: here.shown_mailbox_id }] : []),
  ]
}
