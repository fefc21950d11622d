import { listMailboxes, type MailboxStatus } from '#protocol/imap/list-mailboxes.ts'
import { type MailboxRow, readMailboxes, storeTree } from '#store/sync-mailboxes.ts'
import { planMailboxList } from './plan-mailbox-list.ts'
import { type SyncContext, write } from './sync-context.ts'

/** Brings the mailbox tree up to date. Answers the rows with the STATUS each has now (null where not given). */
export const syncTree = async (
  context: SyncContext,
): Promise<{ mailbox: MailboxRow; status: MailboxStatus | null }[]> => {
  const { store, accountId, session } = context
  const listed = await listMailboxes(session, { withStatus: session.capabilities.listStatus })
  const known = await store.readSystem((tx) => readMailboxes(tx, accountId))
  const plan = planMailboxList(
    listed.map((now) => ({
      ...now,
      uidValidity: now.status?.uidValidity ?? null,
      uidNext: now.status?.uidNext ?? null,
    })),
    known,
  )
  const isSame = plan.created.length + plan.renamed.length + plan.updated.length + plan.removed.length === 0
  if (!isSame) await write(context, (unit) => storeTree(unit, accountId, plan))
  const rows = isSame ? known : await store.readSystem((tx) => readMailboxes(tx, accountId))
  const statuses = new Map(listed.map(({ path, status }) => [path, status]))
  return rows.map((mailbox) => ({ mailbox, status: statuses.get(mailbox.path) ?? null }))
}
