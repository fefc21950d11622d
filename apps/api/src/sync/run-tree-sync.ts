import { newSha256 } from '#platform/sha256.ts'
import { type ListedMailbox, listMailboxes, type MailboxStatus } from '#protocol/imap/list-mailboxes.ts'
import { findHolding } from '#store/switch-uploads.ts'
import { type MailboxRow, readMailboxes, storeTree } from '#store/sync-mailboxes.ts'
import { planMailboxList } from './plan-mailbox-list.ts'
import { type SyncContext, write } from './sync-context.ts'

/** A mailbox with the STATUS it has now; null where the server does not give it. */
export type TreeEntry = { mailbox: MailboxRow; status: MailboxStatus | null }
export type TreeSync = {
  /** Null when the server says just what it said before. */
  rows: TreeEntry[] | null
  /** Stands for the server's whole answer; null when the answer alone cannot show that nothing changed. */
  fingerprint: string | null
}

/**
 * Brings the mailbox tree up to date. An idle account's answer is the same as the last time: then nothing is read from the
 * database either, which is what makes thousands of them cheap.
 */
export const syncTree = async (
  context: SyncContext,
  previous: string | null,
  { withStatus = context.session.capabilities.listStatus } = {},
): Promise<TreeSync> => {
  const { store, accountId, session } = context
  const listed = await listMailboxes(session, { withStatus })
  const fingerprint = fingerprintOf(listed)
  if (fingerprint !== null && fingerprint === previous) return { rows: null, fingerprint }
  const known = await store.readSystem((tx) => readMailboxes(tx, accountId))
  const plan = planMailboxList(
    listed.map((now) => ({
      ...now,
      uidValidity: now.status?.uidValidity ?? null,
      uidNext: now.status?.uidNext ?? null,
    })),
    known,
  )
  if (context.isSwitching() && plan.removed.length > 0) {
    const holding = await store.readSystem((tx) => findHolding(tx, accountId))
    plan.removed = plan.removed.filter((id) => !holding.has(id))
  }
  const isSame = plan.created.length + plan.renamed.length + plan.updated.length + plan.removed.length === 0
  if (!isSame) await write(context, (unit) => storeTree(unit, accountId, plan))
  const rows = isSame ? known : await store.readSystem((tx) => readMailboxes(tx, accountId))
  const statuses = new Map(listed.map(({ path, status }) => [path, status]))
  return { rows: rows.map((mailbox) => ({ mailbox, status: statuses.get(mailbox.path) ?? null })), fingerprint }
}

/** The row of a new account's inbox, before its tree is known. */
export const storeInbox = async (context: SyncContext): Promise<MailboxRow> => {
  const { store, accountId, session } = context
  const delimiter = session.flow.namespace?.delimiter ?? null
  const inbox = {
    path: 'INBOX',
    name: 'INBOX',
    delimiter,
    namespace: '',
    role: 'inbox',
    isSelectable: true,
    isSubscribed: true,
  } as const
  await write(context, (unit) =>
    storeTree(unit, accountId, { created: [inbox], renamed: [], updated: [], removed: [] }),
  )
  return store.readSystem((tx) => tx.mailbox.findFirstOrThrow({ where: { accountId, path: 'INBOX' } }))
}

/**
 * Without a change counter equal numbers do not prove equal flags, so there is no fingerprint then (RFC 7162 3.1.2.1).
 * Where only some have no STATUS, the server lists what it does not open (RFC 5819).
 */
const fingerprintOf = (listed: ListedMailbox[]): string | null => {
  const hash = newSha256()
  const isTold = listed.some(({ status }) => status !== null)
  for (const { path, delimiter, attributes, isSelectable, isSubscribed, status } of listed) {
    if (isSelectable && !isTold) return null
    if (status !== null && status.highestModseq === null && status.messages > 0) return null
    const numbers = status && [status.messages, status.unseen, status.uidNext, status.uidValidity, status.highestModseq]
    hash.update([path, delimiter, attributes.join(' '), isSubscribed, ...(numbers ?? [])].join('\0'))
    hash.update('\n')
  }
  return hash.digest('base64')
}
