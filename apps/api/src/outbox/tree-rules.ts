import { AppError } from '#platform/errors.ts'
import { isBelow, subtreeOf } from '#store/own-mailboxes.ts'
import type { MailboxRow } from '#store/sync-mailboxes.ts'
import { type PathStyle, roleOf } from './role-mailbox.ts'

/**
 * What a person may make of the tree of an account, whoever keeps it. Pure. Each throws request.invalid or request.conflict
 * with what to do else.
 */
const maxPathLength = 900

/** Without `parentId` it stays where it is; null is the top. */
export type Place = { name: string; parentId?: string | null | undefined }

/** One that its person may rename, move and remove. */
export const requireOwn = (all: MailboxRow[], id: bigint): MailboxRow => {
  const mailbox = all.find((row) => row.id === id)
  if (!mailbox) throw noMailbox()
  if (roleOf(mailbox) !== null || mailbox.path.toUpperCase() === 'INBOX')
    throw new AppError('request.invalid', `“${mailbox.name}” has a special role and stays as it is.`, {
      hint: 'Its role can be given to another mailbox on the page of the account.',
    })
  return mailbox
}

/** With all below it, of which none may have a role either. */
export const requireOwnSubtree = (all: MailboxRow[], id: bigint): [MailboxRow, ...MailboxRow[]] => {
  const subtree = subtreeOf(all, requireOwn(all, id))
  for (const row of subtree) requireOwn(all, row.id)
  return subtree
}

export type NewPlace = { path: string; parent: MailboxRow | null; delimiter: string | null }

/** Where a new mailbox comes to lie. */
export const placeNew = (
  all: MailboxRow[],
  { name, parentId }: { name: string; parentId: string | null },
  style: PathStyle,
): NewPlace => {
  const parent = findParent(all, parentId)
  const delimiter = parent?.delimiter ?? style.delimiter
  const path = `${above(parent, style)}${requireName(name, delimiter)}`
  requireFree(all, path, null)
  requireShort(path.length)
  return { path, parent, delimiter }
}

/** Where a mailbox and all below it come to lie by another name, below another one, or both. */
export const placeAnew = (
  all: MailboxRow[],
  [own, ...below]: [MailboxRow, ...MailboxRow[]],
  { name, parentId }: Place,
  style: PathStyle,
): NewPlace => {
  const parent = parentId === undefined ? parentOf(all, own) : findParent(all, parentId)
  if (parent && [own, ...below].some(({ id }) => id === parent.id))
    throw new AppError('request.invalid', 'A mailbox cannot lie below itself.', { fields: { parentId: 'is below it' } })
  if (parentId !== undefined && own.namespace !== (parent?.namespace ?? ''))
    throw new AppError('request.invalid', 'A mailbox stays with whom it belongs to.', {
      fields: { parentId: 'belongs to somebody else' },
    })
  // Above a shared mailbox there may be nothing that is listed.
  const before = own.path.slice(0, own.path.length - own.name.length)
  const start = parentId === undefined ? before : above(parent, style)
  const path = `${start}${requireName(name, own.delimiter)}`
  if (path !== own.path) requireFree(all, path, own.id)
  const longest = Math.max(...[own, ...below].map((row) => row.path.length))
  requireShort(longest - own.path.length + path.length)
  return { path, parent, delimiter: own.delimiter }
}

export const parentOf = (all: MailboxRow[], { path, delimiter }: Pick<MailboxRow, 'path' | 'delimiter'>) =>
  all.find((row) => delimiter !== null && row.path === path.slice(0, Math.max(0, path.lastIndexOf(delimiter)))) ?? null

/** Whether it was removed already, and lies in the mailbox for that. */
export const isInTrash = (all: MailboxRow[], { path }: Pick<MailboxRow, 'path'>): boolean =>
  all.some((row) => roleOf(row) === 'trash' && isBelow(path, row))

const findParent = (all: MailboxRow[], parentId: string | null): MailboxRow | null => {
  if (parentId === null) return null
  const parent = all.find(({ id }) => id === BigInt(parentId))
  if (!parent)
    throw new AppError('request.invalid', 'There is no such mailbox to lie below.', {
      fields: { parentId: 'is not a mailbox of this account' },
    })
  if (parent.delimiter === null)
    throw new AppError('request.invalid', 'This mail server has no mailboxes below others.', {
      fields: { parentId: 'can hold no other mailbox' },
    })
  return parent
}

const above = (parent: MailboxRow | null, { prefix }: PathStyle): string =>
  parent ? `${parent.path}${parent.delimiter}` : prefix

const requireName = (name: string, delimiter: string | null): string => {
  if (delimiter !== null && name.includes(delimiter))
    throw new AppError('request.invalid', `At this mail server a name cannot hold “${delimiter}”.`, {
      fields: { name: `cannot hold “${delimiter}” at this mail server` },
    })
  return name
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
  if (taken || path.toLowerCase() === 'inbox') throw nameTaken()
}

export const nameTaken = () =>
  new AppError('request.conflict', 'There is a mailbox of this name already.', {
    hint: 'Choose another name, or another place.',
    fields: { name: 'is taken here' },
  })

export const noMailbox = () => new AppError('not_found', 'There is no such mailbox.')
