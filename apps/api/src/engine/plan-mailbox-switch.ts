import { assignRoles } from '#mail/mailbox-role.ts'
import type { PathStyle } from '#outbox/role-mailbox.ts'
import type { ListedMailbox } from '#protocol/imap/list-mailboxes.ts'
import { delimiterHere } from '#store/mailboxes-here.ts'
import type { ListedRow } from '#store/sync-mailboxes.ts'

/**
 * Which mailbox of an IMAP server each mailbox that was kept here becomes: the inbox its inbox, Sent whatever it sends to, one's
 * own by its path. Pure. What the server lacks is to be made.
 */
export type MailboxHere = { id: bigint; path: string; name: string; role: string | null; chosenRole: string | null }
export type MailboxSwitch = { id: bigint; to: ListedRow; isMissing: boolean }

export const planMailboxSwitch = (
  here: MailboxHere[],
  listed: Omit<ListedMailbox, 'status'>[],
  style: PathStyle,
): MailboxSwitch[] => {
  const own = listed.filter(({ namespace }) => namespace === '')
  const roles = assignRoles(own)
  const pathOfRole = new Map([...roles].map(([path, role]) => [role as string, path]))
  const byPath = new Map(own.map((mailbox) => [mailbox.path, mailbox]))
  const taken = new Set<string>()
  const plan = new Map<bigint, MailboxSwitch>()
  const give = (mailbox: MailboxHere, path: string): void => {
    taken.add(path)
    const there = byPath.get(path)
    const { delimiter } = style
    const name = there?.name ?? (delimiter ? (path.split(delimiter).at(-1) ?? path) : path)
    const role = roles.get(path) ?? (there ? null : usualRole(mailbox))
    const facts = { path, name, delimiter: there?.delimiter ?? delimiter, namespace: '', role, isSubscribed: true }
    plan.set(mailbox.id, { id: mailbox.id, to: { ...facts, isSelectable: true }, isMissing: !there?.isSelectable })
  }
  const isOpen = (path: string | undefined): path is string => path !== undefined && !taken.has(path)
  // Roles first: their mailbox may bear the name of one's own.
  for (const mailbox of here) {
    const path = pathOfRole.get(roleOf(mailbox) ?? '')
    if (isOpen(path)) give(mailbox, path)
  }
  for (const mailbox of here)
    if (!plan.has(mailbox.id)) give(mailbox, freePath(toServerPath(mailbox.path, style), taken))
  return here.flatMap(({ id }) => plan.get(id) ?? [])
}

const roleOf = ({ role, chosenRole }: MailboxHere): string | null =>
  chosenRole === 'none' ? null : (chosenRole ?? role)

const known = ['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash'] as const

/** One that is made for a role plays it until the server's next listing says otherwise. */
const usualRole = (mailbox: MailboxHere): ListedRow['role'] => known.find((role) => role === roleOf(mailbox)) ?? null

/** A name that holds the server's delimiter would become two; one without any has no levels. */
const toServerPath = (path: string, { delimiter, prefix }: PathStyle): string => {
  const levels = path.split(delimiterHere)
  if (delimiter === null) return levels.join('-')
  const spelled = levels.map((level) => level.replaceAll(delimiter, '-')).join(delimiter)
  return path === 'INBOX' || spelled.startsWith(prefix) ? spelled : `${prefix}${spelled}`
}

const freePath = (path: string, taken: Set<string>): string => {
  let free = path
  for (let n = 2; taken.has(free); n++) free = `${path} ${n}`
  return free
}
