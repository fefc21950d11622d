import type { MailboxRole } from '@postern/shared/mailboxes.ts'
import type { RawTx } from './bare-tx.ts'
import { endWaiting } from './command-effects.ts'
import type { RawUnit, StreamOwner, Unit } from './commit.ts'
import type { Mailbox } from './generated/client.ts'
import type { Tx } from './open-store.ts'
import { cancelTransfersInto } from './transfers.ts'

export type MailboxRow = Mailbox

export type ListedRow = {
  path: string
  name: string
  delimiter: string | null
  /** Prefix of the other person's or public namespace it lies in; '' for one's own. */
  namespace: string
  role: MailboxRole | null
  isSelectable: boolean
  isSubscribed: boolean
}

export const readMailboxes = (tx: Tx, accountId: bigint): Promise<MailboxRow[]> =>
  tx.mailbox.findMany({ where: { accountId }, orderBy: { id: 'asc' } })

/** What changed in the tree: made, followed under a new path, changed in its facts, gone. All in the caller's transaction. */
export type TreeChange = {
  created: ListedRow[]
  renamed: { id: bigint; to: ListedRow }[]
  updated: { id: bigint; to: ListedRow }[]
  removed: bigint[]
}

/** In a handful of statements, however many mailboxes there are. */
export const storeTree = async (unit: Unit, accountId: bigint, change: TreeChange): Promise<void> => {
  const owner: StreamOwner = { accountId }
  const removed = await removeMailboxes(unit, accountId, change.removed)
  const made = await writeTree(unit.tx, accountId, change)
  const changedIds = [...made, ...change.renamed.map(({ id }) => id), ...change.updated.map(({ id }) => id)]
  for (let at = 0; at < changedIds.length; at += 500)
    unit.log(owner, { kind: 'mailboxes', mailboxIds: changedIds.slice(at, at + 500).map(String), removed: [] })
  for (let at = 0; at < removed.length; at += 500)
    unit.log(owner, { kind: 'mailboxes', mailboxIds: [], removed: removed.slice(at, at + 500).map(String) })
}

/** Answers the ids of those that were made. */
const writeTree = async (
  tx: Tx,
  accountId: bigint,
  { created, renamed, updated }: Pick<TreeChange, 'created' | 'renamed' | 'updated'>,
): Promise<bigint[]> => {
  // Names may be handed on from one mailbox to another; no database holds the same one twice, not even for a moment.
  if (renamed.length > 1)
    await tx.$executeRaw`UPDATE mailbox SET path = chr(1) || id WHERE id = ANY (${renamed.map(({ id }) => id)}::bigint[])`
  const changed = [...renamed, ...updated]
  if (changed.length > 0)
    await tx.$executeRaw`
      UPDATE mailbox m SET path = t.path, name = t.name, delimiter = t.delimiter, namespace = t.namespace, role = t.role,
        is_selectable = t.is_selectable, is_subscribed = t.is_subscribed
      FROM unnest(${changed.map(({ id }) => id)}::bigint[], ${changed.map(({ to }) => to.path)}::text[], ${changed.map(({ to }) => to.name)}::text[],
        ${changed.map(({ to }) => to.delimiter)}::text[], ${changed.map(({ to }) => to.namespace)}::text[], ${changed.map(({ to }) => to.role)}::text[],
        ${changed.map(({ to }) => to.isSelectable)}::boolean[], ${changed.map(({ to }) => to.isSubscribed)}::boolean[])
        AS t (id, path, name, delimiter, namespace, role, is_selectable, is_subscribed)
      WHERE m.id = t.id`
  if (created.length === 0) return []
  const made = await tx.$queryRaw<{ id: bigint }[]>`
    INSERT INTO mailbox (account_id, path, name, delimiter, namespace, role, is_selectable, is_subscribed)
    SELECT ${accountId}::bigint, * FROM unnest(${created.map(({ path }) => path)}::text[], ${created.map(({ name }) => name)}::text[],
      ${created.map(({ delimiter }) => delimiter)}::text[], ${created.map(({ namespace }) => namespace)}::text[], ${created.map(({ role }) => role)}::text[],
      ${created.map(({ isSelectable }) => isSelectable)}::boolean[], ${created.map(({ isSubscribed }) => isSubscribed)}::boolean[])
    ON CONFLICT DO NOTHING RETURNING id`
  return made.map(({ id }) => id)
}

const removeMailboxes = async (unit: Unit, accountId: bigint, ids: bigint[]): Promise<bigint[]> => {
  if (ids.length === 0) return []
  const { tx } = unit
  await cancelTransfersInto(unit, ids)
  const threads = await dropPlacements(unit, ids)
  unit.touchThreadsInBulk(accountId, threads)
  await tx.$executeRaw`DELETE FROM mailbox WHERE id = ANY (${ids}::bigint[])`
  await tx.$executeRaw`DELETE FROM thread_mailbox WHERE mailbox_id = ANY (${ids}::bigint[])`
  return ids
}

/** Takes every placement out of mailboxes that are no more; the messages themselves stay a while. */
const dropPlacements = async (unit: Unit, mailboxIds: bigint[]): Promise<bigint[]> => {
  const { tx } = unit
  const gone = await tx.$queryRaw<{ thread_id: bigint; message_id: bigint; id: bigint }[]>`
    DELETE FROM placement WHERE mailbox_id = ANY (${mailboxIds}::bigint[]) RETURNING thread_id, message_id, id`
  await endWaiting(
    tx,
    gone.map((row) => row.id),
  )
  await markOrphans(tx, gone)
  return uniqueThreads(gone)
}

/**
 * A mailbox begins a new life: its uids mean nothing any more. Placements that commands wait for lose their uid and stay,
 * shown as before; they are bound to the arriving message of the same identity (storeEnvelopes). All others go.
 */
export const startNewLife = async (unit: RawUnit, mailboxId: bigint): Promise<bigint[]> => {
  const { tx } = unit
  await tx.$executeRaw`
    UPDATE placement p SET uid = NULL, modseq = 0 WHERE p.mailbox_id = ${mailboxId}
      AND EXISTS (SELECT 1 FROM command_target t WHERE t.placement_id = p.id AND t.state = 'pending')`
  const gone = await tx.$queryRaw<{ thread_id: bigint; message_id: bigint }[]>`
    DELETE FROM placement WHERE mailbox_id = ${mailboxId} AND uid IS NOT NULL RETURNING thread_id, message_id`
  await markOrphans(tx, gone)
  return uniqueThreads(gone)
}

/**
 * Placements that were not met again in the complete new life: their messages are gone, and so is what waited for them. Not
 * what was kept here until now: it goes to the server (upload-kept.ts).
 */
export const endDetached = async (unit: RawUnit, mailboxId: bigint): Promise<bigint[]> => {
  const { tx } = unit
  const gone = await tx.$queryRaw<{ thread_id: bigint; message_id: bigint; id: bigint }[]>`
    DELETE FROM placement p WHERE mailbox_id = ${mailboxId} AND uid IS NULL
      AND NOT EXISTS (SELECT 1 FROM switch_mail s WHERE s.message_id = p.message_id) RETURNING thread_id, message_id, id`
  if (gone.length === 0) return []
  await endWaiting(
    tx,
    gone.map((row) => row.id),
  )
  await markOrphans(tx, gone)
  return uniqueThreads(gone)
}

export const markOrphans = async (tx: RawTx, gone: { message_id: bigint }[]): Promise<void> => {
  if (gone.length === 0) return
  await tx.$executeRaw`
    UPDATE message m SET orphaned_at = now() WHERE m.id = ANY (${gone.map((row) => row.message_id)}::bigint[])
      AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id)`
}

const uniqueThreads = (rows: { thread_id: bigint }[]): bigint[] => [...new Set(rows.map((row) => row.thread_id))]

export type EmptyMailbox = { id: bigint; uidValidity: bigint; uidNext: bigint; highestModseq: bigint | null }

/** Mailboxes that were never seen and hold nothing are complete as they are: ten thousand of them in one statement. */
export const settleEmpty = async (unit: Unit, rows: EmptyMailbox[]): Promise<void> => {
  await unit.tx.$executeRaw`
    UPDATE mailbox m SET fill_uid = 1, uid_validity = e.uid_validity, uid_next = e.uid_next, highest_modseq = e.highest_modseq,
      checked_at = now(), compared_at = now()
    FROM unnest(${rows.map(({ id }) => id)}::bigint[], ${rows.map((row) => row.uidValidity)}::bigint[], ${rows.map((row) => row.uidNext)}::bigint[],
      ${rows.map((row) => row.highestModseq)}::bigint[]) AS e (id, uid_validity, uid_next, highest_modseq)
    WHERE m.id = e.id AND m.fill_uid IS NULL`
}

export type MailboxCursor = {
  uidValidity?: bigint
  uidNext?: bigint
  highestModseq?: bigint | null
  fillUid?: bigint | null
  envelopesStored?: number
  serverMessages?: number
  permanentFlags?: string[]
  canCreateKeywords?: boolean
  isReadOnly?: boolean
  rights?: string | null
  serverId?: string | null
  checkedAt?: Date
  comparedAt?: Date
}

/** The cursor is saved in the transaction of the rows it describes, never apart from them. What is not given stays. */
export const saveCursor = async (unit: RawUnit, mailboxId: bigint, cursor: MailboxCursor): Promise<void> => {
  const given = JSON.stringify(
    {
      uid_validity: cursor.uidValidity,
      uid_next: cursor.uidNext,
      highest_modseq: cursor.highestModseq,
      fill_uid: cursor.fillUid,
      envelopes_stored: cursor.envelopesStored,
      server_messages: cursor.serverMessages,
      permanent_flags: cursor.permanentFlags,
      can_create_keywords: cursor.canCreateKeywords,
      is_read_only: cursor.isReadOnly,
      rights: cursor.rights,
      server_id: cursor.serverId,
      checked_at: cursor.checkedAt,
      compared_at: cursor.comparedAt,
    },
    (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
  )
  await unit.tx.$executeRaw`
    UPDATE mailbox m SET (uid_validity, uid_next, highest_modseq, fill_uid, envelopes_stored, server_messages, permanent_flags,
      can_create_keywords, is_read_only, rights, server_id, checked_at, compared_at) = (SELECT n.uid_validity, n.uid_next, n.highest_modseq,
      n.fill_uid, n.envelopes_stored, n.server_messages, n.permanent_flags, n.can_create_keywords, n.is_read_only, n.rights, n.server_id,
      n.checked_at, n.compared_at FROM jsonb_populate_record(m, ${given}::jsonb) n)
    WHERE m.id = ${mailboxId}`
}
