import { assignRoles } from '#mail/mailbox-role.ts'
import type { ListedMailbox, MailboxStatus } from '#protocol/imap/list-mailboxes.ts'
import type { ListedRow } from '#store/sync-mailboxes.ts'

/** What LIST says now, and what we know. Pure: decides what the tree should become. */
export type ListedNow = Omit<ListedMailbox, 'status'> & Pick<MailboxStatus, 'uidValidity' | 'uidNext'>
export type KnownMailbox = {
  id: bigint
  path: string
  name: string
  delimiter: string | null
  namespace: string
  role: string | null
  isSelectable: boolean
  isSubscribed: boolean
  uidValidity: bigint | null
  uidNext: bigint | null
  envelopesStored: number
}
export type ListPlan = {
  created: ListedRow[]
  /** The same mailbox under another path: UIDVALIDITY and UIDNEXT agree, and it held something. */
  renamed: { id: bigint; to: ListedRow; reason: string }[]
  updated: { id: bigint; to: ListedRow }[]
  removed: bigint[]
}

export const planMailboxList = (listed: ListedNow[], known: KnownMailbox[]): ListPlan => {
  // Other people's bins and drafts are not where this person's mail goes.
  const roles = assignRoles(listed.filter(({ namespace }) => namespace === ''))
  const facts = (now: ListedNow): ListedRow => ({
    path: now.path,
    name: now.name,
    delimiter: now.delimiter,
    namespace: now.namespace,
    role: roles.get(now.path) ?? null,
    isSelectable: now.isSelectable,
    isSubscribed: now.isSubscribed,
  })
  const byPath = new Map(known.map((mailbox) => [mailbox.path, mailbox]))
  const listedPaths = new Set(listed.map(({ path }) => path))
  const missing = new Set(known.filter(({ path }) => !listedPaths.has(path)))
  // By what a rename keeps: ten thousand renamed at once are found as quickly as one.
  const renamable = Map.groupBy(missing, keptByRename)
  const plan: ListPlan = { created: [], renamed: [], updated: [], removed: [] }
  for (const now of listed) {
    const same = byPath.get(now.path)
    const to = facts(now)
    if (same) {
      if (
        same.role !== to.role ||
        same.isSelectable !== to.isSelectable ||
        same.isSubscribed !== to.isSubscribed ||
        same.delimiter !== to.delimiter ||
        same.namespace !== to.namespace ||
        same.name !== to.name
      )
        plan.updated.push({ id: same.id, to })
      continue
    }
    const key = keptByRename({ ...now, envelopesStored: 1 })
    const old = key === null ? undefined : renamable.get(key)?.shift()
    if (old) {
      missing.delete(old)
      plan.renamed.push({
        id: old.id,
        to,
        reason: 'a mailbox of the same uidvalidity and uidnext appeared under a new path',
      })
    } else plan.created.push(to)
  }
  plan.removed = [...missing].map(({ id }) => id)
  return plan
}

/** Null for what cannot be told apart from others: a mailbox that never held anything, or whose numbers are not known. */
const keptByRename = ({
  uidValidity,
  uidNext,
  envelopesStored,
}: Pick<KnownMailbox, 'uidValidity' | 'uidNext' | 'envelopesStored'>): string | null =>
  uidValidity === null || uidNext === null || envelopesStored === 0 ? null : `${uidValidity} ${uidNext}`
