import type { CommandBody } from '@postern/shared/commands.ts'
import { insertCommand, insertTargets } from './commands.ts'
import type { Unit } from './commit.ts'
import { lifeHere } from './mailboxes-here.ts'
import { takeUids } from './store-arrivals.ts'
import type { MailboxRow } from './sync-mailboxes.ts'
import { cancelTransfersInto } from './transfers.ts'

/** The rows of mailboxes that a person makes, places and removes where we keep them. What may be is decided in outbox/. */
export const insertOwnMailbox = async (
  unit: Unit,
  accountId: bigint,
  { path, name }: { path: string; name: string },
): Promise<MailboxRow> => {
  const made = await unit.tx.mailbox.create({ data: { accountId, path, name, ...lifeHere } })
  logMailboxes(unit, accountId, [made.id])
  return made
}

/** Gives a mailbox another path, and with it all that lie below. */
export const placeSubtree = async (
  unit: Unit,
  subtree: MailboxRow[],
  root: MailboxRow,
  { path, name }: { path: string; name: string },
): Promise<void> => {
  const ids = subtree.map(({ id }) => id)
  await unit.tx.$executeRaw`
    UPDATE mailbox SET path = ${path}::text || substr(path, length(${root.path}::text) + 1), name = CASE WHEN id = ${root.id} THEN ${name} ELSE name END
    WHERE id = ANY (${ids}::bigint[])`
  logMailboxes(unit, root.accountId, ids)
}

/**
 * Takes mailboxes out of the tree, keeps their rows for a return, and leaves all they held in Trash: what lies there in
 * truth, what is shown there, and what is still on its way there. What was shown goes by commands that are done already, so
 * that they can be undone like any others.
 */
export const takeOutSubtree = async (
  unit: Unit,
  subtree: MailboxRow[],
  place: { root: MailboxRow; userId: bigint; trashId: bigint },
): Promise<void> => {
  const { tx } = unit
  const { root, trashId } = place
  const { accountId } = root
  const ids = subtree.map(({ id }) => id)
  await cancelTransfersInto(unit, ids)
  // Whoever carries out commands waits here, or has ended: nothing comes in any more.
  await tx.$executeRaw`SELECT 1 FROM mailbox WHERE id = ANY (${ids}::bigint[]) ORDER BY id FOR UPDATE`
  for (const { id } of subtree) {
    const commandId = await moveShown(unit, id, place)
    await tx.$executeRaw`
      INSERT INTO removed_mailbox (id, account_id, root_id, row, command_id)
      SELECT id, account_id, ${root.id}, to_jsonb(mailbox), ${commandId}::uuid FROM mailbox WHERE id = ${id}`
  }
  await tx.$executeRaw`
    UPDATE command_target SET to_mailbox_id = ${trashId} WHERE state = 'pending' AND to_mailbox_id = ANY (${ids}::bigint[])`
  const held = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM placement WHERE mailbox_id = ANY (${ids}::bigint[]) ORDER BY id FOR UPDATE`
  const firstUid = await takeUids(tx, trashId, held.length)
  const moved = await tx.$queryRaw<{ thread_id: bigint }[]>`
    UPDATE placement p SET mailbox_id = ${trashId}, uid = ${firstUid}::bigint + t.n - 1, modseq = 0
    FROM unnest(${held.map(({ id }) => id)}::bigint[]) WITH ORDINALITY AS t (id, n) WHERE p.id = t.id RETURNING p.thread_id`
  const shown = await tx.$queryRaw<{ thread_id: bigint }[]>`
    UPDATE placement SET shown_mailbox_id = ${trashId} WHERE shown_mailbox_id = ANY (${ids}::bigint[]) RETURNING thread_id`
  await tx.$executeRaw`UPDATE mailbox SET envelopes_stored = envelopes_stored + ${moved.length}::int WHERE id = ${trashId}`
  await tx.$executeRaw`DELETE FROM thread_mailbox WHERE mailbox_id = ANY (${ids}::bigint[])`
  await tx.mailbox.deleteMany({ where: { id: { in: ids } } })
  unit.touchThreads(
    accountId,
    [...moved, ...shown].map((row) => row.thread_id),
  )
  unit.log({ accountId }, { kind: 'mailboxes', mailboxIds: [], removed: ids.map(String) })
}

/** Null when nothing is shown there. */
const moveShown = async (
  { tx }: Unit,
  mailboxId: bigint,
  { root: { accountId }, userId, trashId }: { root: MailboxRow; userId: bigint; trashId: bigint },
): Promise<string | null> => {
  const target = { kind: 'mailbox' as const, mailboxId: mailboxId.toString(), exceptThreadIds: [] }
  const body: CommandBody = { kind: 'moveToRole', target, role: 'trash' }
  const command = await insertCommand(tx, { id: crypto.randomUUID(), accountId, userId, body, undoes: null })
  if (!command) throw new Error('an id was there twice')
  const nothing = { addFlags: 0, removeFlags: 0, addKeywords: [], removeKeywords: [] }
  const count = await insertTargets(tx, command, target, { ...nothing, toMailboxId: trashId, isExpunge: false })
  if (count === 0) {
    await tx.command.delete({ where: { id: command.id } })
    return null
  }
  await tx.$executeRaw`UPDATE command_target SET state = 'done' WHERE command_id = ${command.id}::uuid`
  await tx.command.update({
    where: { id: command.id },
    data: { state: 'done', settled: count, finishedAt: new Date() },
  })
  return command.id
}

/** The removed rows with this one on top; empty when it never was, is there, or is removed for good. */
export const findRemoved = async (
  { tx }: Unit,
  userId: bigint,
  rootId: bigint,
): Promise<{ id: bigint; accountId: bigint; path: string; name: string; commandId: string | null }[]> => {
  const rows = await tx.$queryRaw<
    { id: bigint; account_id: bigint; path: string; name: string; command_id: string | null }[]
  >`
    SELECT r.id, r.account_id, r.row ->> 'path' AS path, r.row ->> 'name' AS name, r.command_id::text FROM removed_mailbox r
    JOIN account a ON a.id = r.account_id AND a.user_id = ${userId} AND a.disconnected_at IS NULL WHERE r.root_id = ${rootId}`
  return rows.map(({ id, account_id, path, name, command_id }) => ({
    id,
    accountId: account_id,
    path,
    name,
    commandId: command_id,
  }))
}

/** Puts removed rows back, empty and in no role, with `path` in place of the root's own. */
export const putBackSubtree = async (
  unit: Unit,
  { id, accountId, path: oldPath }: { id: bigint; accountId: bigint; path: string },
  path: string,
): Promise<void> => {
  const rows = await unit.tx.$queryRaw<{ id: bigint }[]>`
    INSERT INTO mailbox SELECT b.* FROM removed_mailbox r, jsonb_populate_record(NULL::mailbox, r.row || jsonb_build_object(
      'path', ${path}::text || substr(r.row ->> 'path', length(${oldPath}::text) + 1), 'messages', 0, 'unread_messages', 0, 'conversations', 0,
      'unread_conversations', 0, 'envelopes_stored', 0)) b WHERE r.root_id = ${id} RETURNING id`
  await unit.tx.$executeRaw`DELETE FROM removed_mailbox WHERE root_id = ${id}`
  logMailboxes(
    unit,
    accountId,
    rows.map((row) => row.id),
  )
}

const logMailboxes = (unit: Unit, accountId: bigint, ids: bigint[]): void =>
  unit.log({ accountId }, { kind: 'mailboxes', mailboxIds: ids.map(String), removed: [] })

/** Itself first, then all below it. */
export const subtreeOf = (all: MailboxRow[], root: MailboxRow): [MailboxRow, ...MailboxRow[]] => [
  root,
  ...all.filter(({ path }) => isBelow(path, root)),
]

export const isBelow = (path: string, { path: above, delimiter }: Pick<MailboxRow, 'path' | 'delimiter'>): boolean =>
  delimiter !== null && path.startsWith(`${above}${delimiter}`)
