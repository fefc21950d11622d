import { AppError } from '#platform/errors.ts'
import { findOwnMailbox, lockCommands } from '#store/commands.ts'
import type { Unit } from '#store/commit.ts'
import { delimiterHere } from '#store/mailboxes-here.ts'
import {
  findRemoved,
  insertOwnMailbox,
  placeSubtree,
  putBackSubtree,
  subtreeOf,
  takeOutSubtree,
} from '#store/own-mailboxes.ts'
import { type MailboxRow, readMailboxes } from '#store/sync-mailboxes.ts'
import { mailboxForRole, roleOf } from './role-mailbox.ts'
import { undoWithin } from './undo-within.ts'

/**
 * Mailboxes that a person makes, renames, moves and removes where they are kept here. Each is one transaction; the tree and
 * the commands of an account change one after the other. Throws request.invalid and request.conflict with what to do else.
 */
const maxMailboxes = 2000
const maxPathLength = 900

type Wanted = { name: string; parentId: string | null }

export const createMailbox = async (
  unit: Unit,
  account: { id: bigint; kind: string },
  { name, parentId }: Wanted,
): Promise<MailboxRow> => {
  requireKeptHere(account)
  const all = await openTree(unit, account.id)
  if (all.length >= maxMailboxes) throw new AppError('request.invalid', 'This account has as many mailboxes as it can.')
  const path = pathOf(name, findParent(all, parentId))
  requireFree(all, path, null)
  return insertOwnMailbox(unit, account.id, { path, name })
}

/** Renames, moves, or both; all below goes along. */
export const placeMailbox = async (
  unit: Unit,
  mailbox: MailboxRow,
  { name = mailbox.name, parentId }: Partial<Wanted>,
): Promise<void> => {
  await requireAccountHere(unit, mailbox.accountId)
  const all = await openTree(unit, mailbox.accountId)
  const own = requireOwn(all, mailbox.id)
  const subtree = subtreeOf(all, own)
  const parent = parentId === undefined ? parentOf(all, own) : findParent(all, parentId)
  if (subtree.some(({ id }) => id === parent?.id))
    throw new AppError('request.invalid', 'A mailbox cannot lie below itself.', { fields: { parentId: 'is below it' } })
  const path = pathOf(name, parent)
  if (path === own.path) return
  requireFree(all, path, own.id)
  const longest = Math.max(...subtree.map((row) => row.path.length))
  requireShort(longest - own.path.length + path.length)
  await placeSubtree(unit, subtree, own, { path, name })
}

export const removeMailbox = async (unit: Unit, userId: bigint, mailbox: MailboxRow): Promise<void> => {
  await requireAccountHere(unit, mailbox.accountId)
  await openTree(unit, mailbox.accountId)
  const trash = await mailboxForRole(unit, mailbox.accountId, 'trash')
  const all = await readMailboxes(unit.tx, mailbox.accountId)
  const own = requireOwn(all, mailbox.id)
  const subtree = subtreeOf(all, own)
  for (const { id } of subtree) requireOwn(all, id)
  await takeOutSubtree(unit, subtree, { root: own, userId, trashId: trash.id })
}

/** With what it held and is still in Trash; under its parent, or at the top where that is gone. Throws not_found. */
export const restoreMailbox = async (unit: Unit, userId: bigint, mailboxId: bigint): Promise<MailboxRow> => {
  const [seen] = await findRemoved(unit, userId, mailboxId)
  if (!seen) throw noMailbox()
  const all = await openTree(unit, seen.accountId)
  const removed = await findRemoved(unit, userId, mailboxId)
  const root = removed.find(({ id }) => id === mailboxId)
  if (!root) throw noMailbox()
  const path = pathOf(root.name, parentOf(all, root))
  requireFree(all, path, null)
  await putBackSubtree(unit, root, path)
  for (const { commandId } of removed)
    if (commandId !== null) await undoWithin(unit, userId, commandId, crypto.randomUUID())
  const back = await findOwnMailbox(unit.tx, userId, mailboxId)
  if (!back) throw noMailbox()
  return back
}

/** From here on nobody else changes the tree, or gives a command that is about it. */
const openTree = async (unit: Unit, accountId: bigint): Promise<MailboxRow[]> => {
  await lockCommands(unit.tx, accountId)
  return readMailboxes(unit.tx, accountId)
}

const requireKeptHere = ({ kind }: { kind: string }): void => {
  if (kind !== 'pop3')
    throw new AppError('request.invalid', 'The mailboxes of an IMAP account are made at the mail server.', {
      hint: 'Use the provider’s own pages or another mail program; the change shows here at once.',
    })
}

const requireAccountHere = async ({ tx }: Unit, accountId: bigint): Promise<void> =>
  requireKeptHere(await tx.account.findUniqueOrThrow({ where: { id: accountId }, select: { kind: true } }))

/** One that its person may rename, move and remove. */
const requireOwn = (all: MailboxRow[], id: bigint): MailboxRow => {
  const mailbox = all.find((row) => row.id === id)
  if (!mailbox) throw noMailbox()
  if (roleOf(mailbox) !== null || mailbox.path === 'INBOX')
    throw new AppError('request.invalid', `“${mailbox.name}” has a special role and stays as it is.`, {
      hint: 'Its role can be given to another mailbox on the page of the account.',
    })
  return mailbox
}

const findParent = (all: MailboxRow[], parentId: string | null): MailboxRow | null => {
  if (parentId === null) return null
  const parent = all.find(({ id }) => id === BigInt(parentId))
  if (parent) return parent
  throw new AppError('request.invalid', 'There is no such mailbox to lie below.', {
    fields: { parentId: 'is not a mailbox of this account' },
  })
}

const parentOf = (all: MailboxRow[], { path }: { path: string }): MailboxRow | null =>
  all.find((row) => row.path === path.slice(0, Math.max(0, path.lastIndexOf(delimiterHere)))) ?? null

const pathOf = (name: string, parent: MailboxRow | null): string => {
  const path = parent === null ? name : `${parent.path}${delimiterHere}${name}`
  requireShort(path.length)
  return path
}

const requireShort = (length: number): void => {
  if (length > maxPathLength)
    throw new AppError('request.invalid', 'This would lie too deep.', {
      fields: { name: 'is too long for this place' },
    })
}

/** INBOX is one name however it is written (RFC 9051 5.1); other mailboxes should be told apart by more than that, too. */
const requireFree = (all: MailboxRow[], path: string, ownId: bigint | null): void => {
  const taken = all.some((row) => row.id !== ownId && row.path.toLowerCase() === path.toLowerCase())
  if (taken || path.toLowerCase() === 'inbox')
    throw new AppError('request.conflict', 'There is a mailbox of this name already.', {
      hint: 'Choose another name, or another place.',
      fields: { name: 'is taken here' },
    })
}

const noMailbox = () => new AppError('not_found', 'There is no such mailbox.')
