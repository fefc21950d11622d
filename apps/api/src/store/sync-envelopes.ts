import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import { recomputeShown } from './command-effects.ts'
import type { RawUnit } from './commit.ts'
import { noteArrivals } from './doubt-evidence.ts'
import type { EnvelopeRow, MailboxPlace } from './envelope-row.ts'
import { bindRecognised } from './switch-mail.ts'
import { applyMerges, planThreads, type ThreadPlace, type ThreadPlan } from './sync-threads.ts'

export type { EnvelopeRow, MailboxPlace }

type KnownMessage = { id: bigint; identity_key: string; thread_id: bigint }

/**
 * Stores a batch of a mailbox in a handful of set-based statements: one that looks up all there is to know, one that
 * writes messages and threads, one for the placements. Uids that are there already are left alone; a mail whose identity
 * the account knows gets a further placement instead of a second row. Answers the conversations touched and the uids that
 * were new.
 */
export const storeEnvelopes = async (
  unit: RawUnit,
  place: MailboxPlace,
  rows: EnvelopeRow[],
): Promise<{ threadIds: bigint[]; newUids: Set<bigint> }> => {
  const { tx } = unit
  const switched = rows.some(({ messageId }) => messageId !== undefined) ? await bindRecognised(unit, place, rows) : []
  const found = await lookUp(tx, place, rows)
  const fresh = rows.filter((row) => !found.uids.has(row.uid))
  if (fresh.length === 0) return { threadIds: switched, newUids: new Set() }
  const unknown = uniqueByIdentity(fresh.filter((row) => !found.messages.has(row.identityKey)))
  const plan = planThreads(unknown, found.threadByRef)
  await applyMerges(tx, place.accountId, plan.merged)
  const known = new Map<string, KnownMessage>()
  for (const [key, message] of found.messages)
    known.set(key, { ...message, thread_id: plan.merged.get(message.thread_id) ?? message.thread_id })
  if (known.size > 0)
    await tx.$executeRaw`UPDATE message SET orphaned_at = NULL WHERE id = ANY (${[...known.values()].map((message) => message.id)}::bigint[]) AND orphaned_at IS NOT NULL`
  for (const message of await insertMessages(tx, place.accountId, unknown, plan))
    known.set(message.identity_key, message)
  const unbound = found.hasWaiting ? await bindWaiting(tx, place, fresh, known) : fresh
  await insertPlacements(tx, place, unbound, known, fresh.length)
  const threadIds = new Set([...switched, ...plan.merged.keys(), ...plan.merged.values()])
  for (const row of fresh) threadIds.add(messageOf(known, row).thread_id)
  await noteArrivals(unit, place.accountId, [...threadIds])
  return { threadIds: [...threadIds], newUids: new Set(fresh.map((row) => row.uid)) }
}

type Found = {
  uids: Set<bigint>
  messages: Map<string, KnownMessage>
  threadByRef: Map<string, bigint>
  hasWaiting: boolean
}

/** Everything the batch has to know of what is stored, in one round trip. */
const lookUp = async (tx: RawTx, { accountId, mailboxId }: MailboxPlace, rows: EnvelopeRow[]): Promise<Found> => {
  const hashes = [...new Set(rows.flatMap((row) => row.refHashes))]
  const facts = await tx.$queryRaw<{ kind: string; key: string; id: bigint; thread_id: bigint }[]>`
    SELECT 'uid' AS kind, '' AS key, uid AS id, 0::bigint AS thread_id FROM placement
    WHERE mailbox_id = ${mailboxId} AND uid = ANY (${rows.map((row) => row.uid)}::bigint[])
    UNION ALL (SELECT DISTINCT ON (identity_key) 'message', identity_key::text, id, thread_id FROM message
      WHERE account_id = ${accountId} AND identity_key = ANY (${textArray(rows.map((row) => row.identityKey))}::text[]::uuid[]) ORDER BY identity_key, id)
    UNION ALL SELECT 'ref', ref_hash::text, 0, thread_id FROM message_ref WHERE account_id = ${accountId} AND ref_hash = ANY (${textArray(hashes)}::text[]::uuid[])
    UNION ALL (SELECT 'waiting', '', id, 0 FROM placement WHERE mailbox_id = ${mailboxId} AND uid IS NULL LIMIT 1)`
  const found: Found = { uids: new Set(), messages: new Map(), threadByRef: new Map(), hasWaiting: false }
  for (const { kind, key, id, thread_id } of facts) {
    if (kind === 'uid') found.uids.add(id)
    else if (kind === 'message') found.messages.set(key, { id, identity_key: key, thread_id })
    else if (kind === 'ref') found.threadByRef.set(key, thread_id)
    else found.hasWaiting = true
  }
  return found
}

const uniqueByIdentity = (rows: EnvelopeRow[]): EnvelopeRow[] => [
  ...new Map(rows.map((row) => [row.identityKey, row])).values(),
]

const messageOf = (known: Map<string, KnownMessage>, row: EnvelopeRow): KnownMessage => {
  const message = known.get(row.identityKey)
  if (!message) throw new Error('a message of this batch was not stored')
  return message
}

/** A known thread by id, a new one by its place among those the statement makes. */
const threadArrays = (places: (ThreadPlace | undefined)[]): { known: Buffer; made: Buffer } => ({
  known: textArray(places.map((place) => (place?.kind === 'known' ? place.threadId.toString() : null))),
  made: textArray(
    places.map((place) => {
      if (!place) throw new Error('a message of this batch has no thread')
      return place.kind === 'new' ? String(place.n) : null
    }),
  ),
})

/** Threads, references and messages in one statement, with ids in the order of the rows. */
const insertMessages = async (
  tx: RawTx,
  accountId: bigint,
  rows: EnvelopeRow[],
  plan: ThreadPlan,
): Promise<KnownMessage[]> => {
  if (rows.length === 0) return []
  const text = (of: (row: EnvelopeRow) => string | null) => textArray(rows.map(of))
  const json = (of: (row: EnvelopeRow) => unknown[]) =>
    text((row) => {
      const list = of(row)
      return list.length === 0 ? '[]' : JSON.stringify(list)
    })
  const place = threadArrays(rows.map((row) => plan.placeOf.get(row.identityKey)))
  const refs = [...plan.newRefs]
  const refPlace = threadArrays(refs.map(([, leadsTo]) => leadsTo))
  return tx.$queryRaw<KnownMessage[]>`
    WITH thread_made AS (INSERT INTO thread (account_id) SELECT ${accountId}::bigint FROM generate_series(1, ${plan.made}::int) RETURNING id),
    numbered AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM thread_made),
    refs_made AS (
      INSERT INTO message_ref (account_id, ref_hash, thread_id) SELECT ${accountId}::bigint, r.hash::uuid, coalesce(r.thread::bigint, n.id)
      FROM unnest(${textArray(refs.map(([hash]) => hash))}::text[], ${refPlace.known}::text[], ${refPlace.made}::text[]) AS r (hash, thread, made)
      LEFT JOIN numbered n ON n.n = r.made::bigint ON CONFLICT DO NOTHING
    )
    INSERT INTO message (account_id, thread_id, identity_key, message_id_hash, subject, from_addresses, reply_to, to_addresses, cc, bcc,
      sent_at, received_at, size_bytes, has_attachment, structure, asks)
    SELECT ${accountId}::bigint, coalesce(t.thread::bigint, n.id), key::uuid, mid::uuid, subject, "from"::jsonb, reply::jsonb, "to"::jsonb,
      cc::jsonb, bcc::jsonb, sent::timestamptz, at::timestamptz, size::bigint, attached::boolean, structure::jsonb, asks::jsonb
    FROM unnest(${place.known}::text[], ${place.made}::text[], ${text((row) => row.identityKey)}::text[],
      ${text((row) => (row.hasOwnId ? (row.refHashes[0] ?? null) : null))}::text[], ${text((row) => row.subject)}::text[],
      ${json((row) => row.people.from)}::text[], ${json((row) => row.people.replyTo)}::text[], ${json((row) => row.people.to)}::text[],
      ${json((row) => row.people.cc)}::text[], ${json((row) => row.people.bcc)}::text[],
      ${text((row) => row.sentAt?.toISOString() ?? null)}::text[], ${text((row) => row.receivedAt.toISOString())}::text[],
      ${text((row) => row.sizeBytes.toString())}::text[], ${text((row) => String(row.hasAttachment))}::text[],
      ${json((row) => row.structure)}::text[], ${text((row) => row.asks && JSON.stringify(row.asks))}::text[]) WITH ORDINALITY AS t (thread, made, key, mid, subject, "from", reply, "to", cc, bcc, sent, at, size, attached, structure, asks, place)
    LEFT JOIN numbered n ON n.n = t.made::bigint ORDER BY t.place
    RETURNING id, identity_key::text AS identity_key, thread_id`
}

/** Placements that lost their uid wait here (startNewLife): the arriving message takes its own over, with its commands. */
const bindWaiting = async (
  tx: RawTx,
  { mailboxId }: MailboxPlace,
  rows: EnvelopeRow[],
  known: Map<string, KnownMessage>,
): Promise<EnvelopeRow[]> => {
  const messageIds = rows.map((row) => messageOf(known, row).id)
  const waiting = await tx.$queryRaw<{ id: bigint; message_id: bigint }[]>`
    SELECT id, message_id FROM placement WHERE mailbox_id = ${mailboxId} AND uid IS NULL AND message_id = ANY (${messageIds}::bigint[]) ORDER BY id FOR UPDATE`
  const byMessage = Map.groupBy(waiting, ({ message_id }) => message_id)
  const bound: { id: bigint; row: EnvelopeRow }[] = []
  const unbound = rows.filter((row) => {
    const placement = byMessage.get(messageOf(known, row).id)?.pop()
    if (placement) bound.push({ id: placement.id, row })
    return !placement
  })
  const ids = bound.map(({ id }) => id)
  await tx.$executeRaw`
    UPDATE placement p SET uid = t.uid, flags = t.bits, keywords = string_to_array(t.keywords, ' '), modseq = t.modseq
    FROM unnest(${ids}::bigint[], ${bound.map(({ row }) => row.uid)}::bigint[], ${bound.map(({ row }) => row.bits)}::int[],
      ${bound.map(({ row }) => row.keywords.join(' '))}::text[], ${bound.map(({ row }) => row.modseq)}::bigint[]) AS t (id, uid, bits, keywords, modseq)
    WHERE p.id = t.id`
  await recomputeShown(tx, ids)
  return unbound
}

/** Placements, and the count of what is stored of this mailbox. */
const insertPlacements = async (
  tx: RawTx,
  { accountId, mailboxId }: MailboxPlace,
  rows: EnvelopeRow[],
  known: Map<string, KnownMessage>,
  stored: number,
): Promise<void> => {
  const messages = rows.map((row) => messageOf(known, row))
  await tx.$executeRaw`
    WITH put AS (
      INSERT INTO placement (account_id, mailbox_id, uid, message_id, thread_id, flags, keywords, modseq, shown_mailbox_id, shown_flags, shown_keywords, received_at)
      SELECT ${accountId}::bigint, ${mailboxId}::bigint, t.uid, t.message_id, t.thread_id, t.bits, string_to_array(t.keywords, ' '), t.modseq,
        CASE WHEN t.bits & 8 <> 0 THEN NULL ELSE ${mailboxId}::bigint END, t.bits, string_to_array(t.keywords, ' '), t.received_at
      FROM unnest(${rows.map((row) => row.uid)}::bigint[], ${messages.map((message) => message.id)}::bigint[], ${messages.map((message) => message.thread_id)}::bigint[],
        ${rows.map((row) => row.bits)}::int[], ${textArray(rows.map((row) => row.keywords.join(' ')))}::text[], ${rows.map((row) => row.modseq)}::bigint[],
        ${textArray(rows.map((row) => row.receivedAt.toISOString()))}::text[]::timestamptz[]) AS t (uid, message_id, thread_id, bits, keywords, modseq, received_at)
    )
    UPDATE mailbox SET envelopes_stored = envelopes_stored + ${stored} WHERE id = ${mailboxId}`
}
