import { AppError } from '#platform/errors.ts'
import { findOwnMailbox, lockCommands } from '#store/commands.ts'
import type { Unit } from '#store/commit.ts'
import type { Account } from '#store/generated/client.ts'
import { delimiterHere } from '#store/mailboxes-here.ts'
import { findRemoved, insertOwnMailbox, placeSubtree, putBackSubtree, takeOutSubtree } from '#store/own-mailboxes.ts'
import { type MailboxRow, readMailboxes } from '#store/sync-mailboxes.ts'
import { cancelTransfersInto } from '#store/transfers.ts'
import { findTrashed, orderTreeChange, type TreeChange } from '#store/tree-changes.ts'
import { requireRight } from './check-rights.ts'
import { mailboxForRole, type PathStyle, pathStyleOf } from './role-mailbox.ts'
import { isInTrash, noMailbox, type Place, parentOf, placeAnew, placeNew, requireOwnSubtree } from './tree-rules.ts'
import { undoWithin } from './undo-within.ts'

/**
 * Mailboxes that a person makes, renames, moves and removes. Kept here, each is one transaction; at an IMAP server it is a
 * command that the account's worker carries out (execute-tree.ts), ordered where nothing speaks against it yet. The tree and
 * the commands of an account change one after the other. Throws request.invalid and request.conflict with what to do else,
 * mailbox.no_permission, account.not_ready.
 */
export type TreeOutcome = { kind: 'done'; mailboxId: bigint } | { kind: 'ordered'; commandId: string }
type Owner = Pick<Account, 'id' | 'userId' | 'kind' | 'state' | 'retryAt'>

const maxMailboxes = 2000
/** A connection that comes back so soon is waited for. */
const nearMs = 10_000
const styleHere: PathStyle = { delimiter: delimiterHere, prefix: '' }
const done = (mailboxId: bigint): TreeOutcome => ({ kind: 'done', mailboxId })

export const createMailbox = async (
  unit: Unit,
  account: Owner,
  { name, parentId }: { name: string; parentId: string | null },
): Promise<TreeOutcome> => {
  const all = await openTree(unit, account.id)
  if (isServers(account)) {
    const { parent } = placeNew(all, { name, parentId }, pathStyleOf(all))
    if (parent) requireRight(parent, 'create')
    return order(unit, account, { kind: 'createMailbox', name, parentId })
  }
  if (all.length >= maxMailboxes) throw new AppError('request.invalid', 'This account has as many mailboxes as it can.')
  const { path } = placeNew(all, { name, parentId }, styleHere)
  return done((await insertOwnMailbox(unit, account.id, { path, name })).id)
}

/** Renames, moves, or both; all below goes along. */
export const placeMailbox = async (
  unit: Unit,
  mailbox: MailboxRow,
  { name = mailbox.name, parentId }: Partial<Place>,
): Promise<TreeOutcome> => {
  const account = await ownerOf(unit, mailbox)
  const all = await openTree(unit, account.id)
  const subtree = requireOwnSubtree(all, mailbox.id)
  const [own] = subtree
  const { path, parent } = placeAnew(
    all,
    subtree,
    { name, parentId },
    isServers(account) ? pathStyleOf(all) : styleHere,
  )
  if (path === own.path) return done(own.id)
  if (isServers(account)) {
    requireRight(own, 'rename')
    if (parent && parentId !== undefined) requireRight(parent, 'create')
    return order(unit, account, { kind: 'placeMailbox', mailboxId: own.id.toString(), name, parentId })
  }
  await placeSubtree(unit, subtree, own, { path, name })
  return done(own.id)
}

/**
 * Into Trash: what it holds where it is kept here, the mailbox itself at a server. `isForGood` says that one which lies in
 * Trash at a server already shall go with all it holds.
 */
export const removeMailbox = async (
  unit: Unit,
  userId: bigint,
  mailbox: MailboxRow,
  { isForGood }: { isForGood: boolean },
): Promise<TreeOutcome> => {
  const account = await ownerOf(unit, mailbox)
  await openTree(unit, account.id)
  if (isServers(account)) return removeAtServer(unit, account, mailbox, isForGood)
  if (isForGood) throw new AppError('request.invalid', 'Only a mailbox that lies in Trash goes for good.')
  const trash = await mailboxForRole(unit, account.id, 'trash')
  const subtree = requireOwnSubtree(await readMailboxes(unit.tx, account.id), mailbox.id)
  await takeOutSubtree(unit, subtree, { root: subtree[0], userId, trashId: trash.id })
  return done(mailbox.id)
}

const removeAtServer = async (
  unit: Unit,
  account: Owner,
  mailbox: MailboxRow,
  isForGood: boolean,
): Promise<TreeOutcome> => {
  const all = await readMailboxes(unit.tx, account.id)
  const subtree = requireOwnSubtree(all, mailbox.id)
  const [own] = subtree
  for (const row of subtree) requireRight(row, 'rename')
  const mailboxId = own.id.toString()
  const ids = subtree.map(({ id }) => id)
  if (isForGood !== isInTrash(all, own))
    throw new AppError('request.conflict', isForGood ? 'It does not lie in Trash.' : 'It lies in Trash already.', {
      hint: 'Look at the mailboxes as they are now.',
    })
  await cancelTransfersInto(unit, ids)
  if (isForGood) return order(unit, account, { kind: 'eraseMailbox', mailboxId })
  if (own.namespace !== '')
    throw new AppError('request.invalid', 'This mailbox belongs to somebody else; it cannot go into your Trash.')
  await mailboxForRole(unit, account.id, 'trash')
  const parentId = parentOf(all, own)?.id.toString() ?? null
  return order(unit, account, { kind: 'trashMailbox', mailboxId, name: own.name, parentId, isGone: false })
}

/**
 * With what it held and is still in Trash; under its parent, or at the top where that is gone. Throws not_found.
 */
export const restoreMailbox = async (unit: Unit, userId: bigint, mailboxId: bigint): Promise<TreeOutcome> => {
  const [seen] = await findRemoved(unit, userId, mailboxId)
  // What was removed before the account changed to IMAP is no mailbox there; its mails lie in Trash.
  if (!seen || isServers(await ownerOf(unit, seen))) return restoreAtServer(unit, userId, mailboxId)
  const all = await openTree(unit, seen.accountId)
  const removed = await findRemoved(unit, userId, mailboxId)
  const root = removed.find(({ id }) => id === mailboxId)
  if (!root) throw noMailbox()
  const parentId = parentOf(all, { path: root.path, delimiter: delimiterHere })?.id.toString() ?? null
  const { path } = placeNew(all, { name: root.name, parentId }, styleHere)
  await putBackSubtree(unit, root, path)
  for (const { commandId } of removed)
    if (commandId !== null) await undoWithin(unit, userId, commandId, crypto.randomUUID())
  return done(mailboxId)
}

const restoreAtServer = async (unit: Unit, userId: bigint, mailboxId: bigint): Promise<TreeOutcome> => {
  const trashed = await findTrashed(unit.tx, userId, mailboxId)
  if (!trashed) throw noMailbox()
  const all = await openTree(unit, trashed.accountId)
  const mailbox = await findOwnMailbox(unit.tx, userId, mailboxId)
  const { name, parentId, isGone } = trashed.change
  const parent = all.find(({ id }) => id.toString() === parentId) ?? null
  const place = { name, parentId: parent?.id.toString() ?? null }
  if (mailbox && isInTrash(all, mailbox)) return placeMailbox(unit, mailbox, place)
  if (mailbox || !isGone) throw noMailbox()
  const account = await ownerOf(unit, trashed)
  placeNew(all, place, pathStyleOf(all))
  return order(unit, account, { kind: 'createMailbox', ...place, asId: mailboxId.toString() })
}

/** From here on nobody else changes the tree, or gives a command that is about it. */
const openTree = async (unit: Unit, accountId: bigint): Promise<MailboxRow[]> => {
  await lockCommands(unit.tx, accountId)
  return readMailboxes(unit.tx, accountId)
}

const ownerOf = ({ tx }: Unit, { accountId }: { accountId: bigint }): Promise<Owner> =>
  tx.account.findUniqueOrThrow({
    where: { id: accountId },
    select: { id: true, userId: true, kind: true, state: true, retryAt: true },
  })

const isServers = ({ kind }: Owner): boolean => kind !== 'pop3'

/** Where nobody is about to be connected, a wish would come true at some other time, when it is wanted no more. */
const order = async (unit: Unit, { id, userId, state, retryAt }: Owner, change: TreeChange): Promise<TreeOutcome> => {
  const isFar = state === 'waiting' && retryAt !== null && retryAt.getTime() - Date.now() > nearMs
  if (isFar || ['paused', 'needs_person', 'disconnected'].includes(state))
    throw new AppError('account.not_ready', 'There is no connection to the mail server of this account right now.', {
      hint: 'Its page says why. Try again when it is connected.',
    })
  return { kind: 'ordered', commandId: await orderTreeChange(unit, { accountId: id, userId, change }) }
}
