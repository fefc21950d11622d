import type { Mailbox } from '@postern/shared/mailboxes.ts'

export type TreeRow = {
  mailbox: Mailbox
  depth: number
  hasChildren: boolean
  isOpen: boolean
  unread: number
  /** It lies below Trash. */
  isTrashed: boolean
  /** The one it lies below, where that is not shown otherwise and another one beside it has the same name. */
  above: Mailbox | null
}

const order = ['inbox', 'drafts', 'sent', 'archive', 'flagged', 'all', 'junk', 'trash']
/** Larger trees begin folded. */
const openAtMost = 60

/**
 * The rows of one account: special mailboxes on top, then the rest by name under their parents. What lies below Trash begins
 * folded; what lies below the inbox is shown on top, since some servers have everything there. `chosen` holds what the
 * person opened (true) or folded (false); the way to the current mailbox is always open. A folded parent counts for all
 * below it. Pure; the work grows with the number of mailboxes, ten thousand are fine.
 */
export const orderTree = (
  mailboxes: Mailbox[],
  chosen: Record<string, boolean>,
  currentId: string | null,
): TreeRow[] => {
  const special = mailboxes.filter(({ role }) => role !== null)
  const rest = mailboxes.filter(({ role }) => role === null)
  const inbox = special.find(({ role }) => role === 'inbox')
  const byId = new Map(mailboxes.filter(({ role }) => role !== 'inbox').map((mailbox) => [mailbox.id, mailbox]))
  const children = new Map<string | null, Mailbox[]>()
  for (const mailbox of rest) {
    const parent = mailbox.parentId !== null && byId.has(mailbox.parentId) ? mailbox.parentId : null
    const siblings = children.get(parent)
    if (siblings) siblings.push(mailbox)
    else children.set(parent, [mailbox])
  }
  const onTheWay = new Set<string>()
  for (let at = byId.get(currentId ?? '')?.parentId; at && byId.has(at); at = byId.get(at)?.parentId) onTheWay.add(at)
  const namesOnTop = new Map<string, number>()
  for (const one of children.get(null) ?? []) namesOnTop.set(nameKey(one), (namesOnTop.get(nameKey(one)) ?? 0) + 1)
  const { compare } = new Intl.Collator(undefined, { numeric: true })
  const unreadBelow = (mailbox: Mailbox): number =>
    (children.get(mailbox.id) ?? []).reduce((sum, child) => sum + unreadBelow(child), mailbox.unreadConversations)
  const isAmbiguous = (mailbox: Mailbox) => (namesOnTop.get(nameKey(mailbox)) ?? 0) > 1
  const walk = (parent: string | null, depth: number, isTrashed: boolean): TreeRow[] =>
    (children.get(parent) ?? [])
      .sort((a, b) => compare(a.name, b.name))
      .flatMap((mailbox) => {
        const hasChildren = children.has(mailbox.id)
        const isOpen = onTheWay.has(mailbox.id) || (chosen[mailbox.id] ?? rest.length <= openAtMost)
        const row = {
          mailbox,
          depth,
          hasChildren,
          isOpen,
          unread: hasChildren && !isOpen ? unreadBelow(mailbox) : mailbox.unreadConversations,
          isTrashed,
          above: isAmbiguous(mailbox) && inbox?.id === mailbox.parentId ? inbox : null,
        }
        return [row, ...(hasChildren && isOpen ? walk(mailbox.id, depth + 1, isTrashed) : [])]
      })
  return [
    ...special
      .sort((a, b) => order.indexOf(a.role ?? '') - order.indexOf(b.role ?? ''))
      .flatMap((mailbox) => {
        const isTrash = mailbox.role === 'trash'
        const hasChildren = children.has(mailbox.id)
        const isUsuallyOpen = !isTrash && rest.length <= openAtMost
        const isOpen = hasChildren && (onTheWay.has(mailbox.id) || (chosen[mailbox.id] ?? isUsuallyOpen))
        const unread = hasChildren && !isOpen ? unreadBelow(mailbox) : mailbox.unreadConversations
        const row = { mailbox, depth: 0, hasChildren, isOpen, unread, isTrashed: false, above: null }
        return [row, ...(isOpen ? walk(mailbox.id, 1, isTrash) : [])]
      }),
    ...walk(null, 0, false),
  ]
}

const nameKey = ({ name }: Mailbox): string => name.toLowerCase()

/** Of an account that is folded away, as its rows would say it: drafts are no news, and what lies in All mail lies elsewhere too. */
export const unreadIn = (rows: TreeRow[]): number =>
  rows
    .filter(({ mailbox: { role } }) => role !== 'drafts' && role !== 'all' && role !== 'flagged')
    .reduce((sum, row) => sum + countOf(row), 0)

/** Drafts show how many there are, spam and trash show nothing, all others their unread conversations. */
export const countOf = ({ mailbox, unread, isTrashed }: TreeRow): number => {
  if (isTrashed || mailbox.role === 'junk' || mailbox.role === 'trash' || !mailbox.isSynced) return 0
  return mailbox.role === 'drafts' ? mailbox.conversations : unread
}
