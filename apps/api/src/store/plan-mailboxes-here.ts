import type { MailboxRole } from '@postern/shared/mailboxes.ts'
import { delimiterHere, usualMailboxes } from './mailboxes-here.ts'
import type { ListedRow, MailboxRow } from './sync-mailboxes.ts'

/**
 * What the mailboxes of an IMAP account become when they are kept here from now on. Pure. Each keeps its place in the tree;
 * what is not synced is not here and is left out, and so is a level that holds nothing then.
 */
export type ServerMailbox = Pick<
  MailboxRow,
  'id' | 'path' | 'name' | 'delimiter' | 'role' | 'chosenRole' | 'isSelectable' | 'isSynced' | 'rights'
>
export type HerePlan = {
  kept: { id: bigint; to: ListedRow }[]
  /** For the roles that none of them plays. */
  made: ListedRow[]
  leftOut: bigint[]
  /** Those that show what lies elsewhere once more, the narrower first: \Flagged, \All. */
  views: bigint[]
}

export const planMailboxesHere = (mailboxes: ServerMailbox[]): HerePlan => {
  const staying = mailboxes.filter(
    (mailbox) => isHere(mailbox) || mailboxes.some((other) => isHere(other) && isBelow(other, mailbox)),
  )
  const played = new Set(staying.map(roleOf))
  const taken = new Set<string>()
  // The inbox has its name, and whoever comes first keeps what two would be called here.
  const byAge = [...staying].sort(
    (a, b) => Number(roleOf(b) === 'inbox') - Number(roleOf(a) === 'inbox') || Number(a.id - b.id),
  )
  const kept = byAge.map((mailbox) => {
    const role = roleHere(roleOf(mailbox), played)
    const path = freePath(role === 'inbox' ? 'INBOX' : pathHere(mailbox), taken)
    return { id: mailbox.id, to: rowHere(path, role) }
  })
  const roles = new Set(kept.map(({ to }) => to.role))
  const made = usualMailboxes
    .filter(({ role }) => !roles.has(role))
    .map(({ path, role }) => rowHere(freePath(path, taken), role))
  const viewsOf = (role: string) => staying.filter((mailbox) => roleOf(mailbox) === role).map(({ id }) => id)
  const stays = new Set(staying)
  return {
    kept,
    made,
    leftOut: mailboxes.filter((mailbox) => !stays.has(mailbox)).map(({ id }) => id),
    views: [...viewsOf('flagged'), ...viewsOf('all')],
  }
}

const isHere = ({ isSelectable, isSynced, rights }: ServerMailbox): boolean =>
  isSelectable && isSynced && (rights === null || rights.includes('r'))

const isBelow = (mailbox: ServerMailbox, above: ServerMailbox): boolean =>
  above.delimiter !== null && mailbox.path.startsWith(`${above.path}${above.delimiter}`)

const roleOf = ({ role, chosenRole }: ServerMailbox): string | null =>
  chosenRole === 'none' ? null : (chosenRole ?? role)

const known = usualMailboxes.map(({ role }) => role)

/** Nothing here shows everything once more. What lay only where everything is was archived. */
const roleHere = (role: string | null, played: Set<string | null>): MailboxRole | null =>
  role === 'all' && !played.has('archive') ? 'archive' : (known.find((one) => one === role) ?? null)

/** The levels of its path, of which none may hold our own delimiter. */
const pathHere = ({ path, delimiter }: ServerMailbox): string =>
  (delimiter ? path.split(delimiter) : [path]).map((level) => level.replaceAll(delimiterHere, '-')).join(delimiterHere)

const freePath = (path: string, taken: Set<string>): string => {
  let free = path
  for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${path} ${n}`
  taken.add(free.toLowerCase())
  return free
}

const rowHere = (path: string, role: MailboxRole | null): ListedRow => ({
  path,
  name: path.split(delimiterHere).at(-1) ?? path,
  delimiter: delimiterHere,
  namespace: '',
  role,
  isSelectable: true,
  isSubscribed: true,
})
