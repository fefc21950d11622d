import type { Start } from '@postern/shared/start.ts'
import { rowsPerPage } from '@postern/shared/start-path.ts'
import { listAccounts } from '#store/accounts.ts'
import { threadPage } from '#store/list-threads.ts'
import { streamEnds } from '#store/read-changes.ts'
import type { SessionUser } from '#store/sessions.ts'
import { readMailboxes } from '#store/sync-mailboxes.ts'
import type { FeatureDeps } from './feature-deps.ts'
import { presentAccount } from './present-account.ts'
import { presentMailboxes, presentThreadPage } from './present-mail.ts'
import { presentSession } from './sign-in-replies.ts'

type Deps = Pick<FeatureDeps, 'store' | 'version'>

/**
 * Everything the first screen shows; without `mailboxId` the list is that of the first inbox. The change log's position
 * is read first: what changes while the rest is read comes once more by the log, and nothing is missed.
 */
export const readStart = async (
  { store, version }: Deps,
  user: SessionUser,
  mailboxId: string | undefined,
): Promise<Start> => {
  const { userId } = user
  const [ends, named] = await store.readAs(userId, [streamEnds(userId), firstPage(userId, mailboxId ?? '0')])
  const [session, tree] = await Promise.all([presentSession(store, user, version), readTree(store, userId)])
  const shownId = mailboxId ?? firstInbox(tree)
  const found =
    mailboxId === undefined && shownId !== undefined
      ? (await store.readAs(userId, [firstPage(userId, shownId)]))[0]
      : named
  const page = presentThreadPage(found, { limit: rowsPerPage, filter: 'all' })
  return {
    session,
    ...tree,
    list: page && shownId !== undefined ? { mailboxId: shownId, ...page } : null,
    streams: Object.fromEntries(ends.map(({ name, seq }) => [name, seq.toString()])),
  }
}

const firstPage = (userId: bigint, mailboxId: string) =>
  threadPage(userId, BigInt(mailboxId), { limit: rowsPerPage + 1, filter: 'all', after: null })

type Tree = Pick<Start, 'accounts' | 'mailboxes'>

const readTree = (store: Deps['store'], userId: bigint): Promise<Tree> =>
  store.read(userId, async (tx) => {
    const accounts = await listAccounts(tx, userId)
    const trees: Tree['mailboxes'][] = []
    for (const { id } of accounts) trees.push(presentMailboxes(await readMailboxes(tx, id)))
    return { accounts: accounts.map(presentAccount), mailboxes: trees.flat() }
  })

/** The one the screen opens by itself. */
const firstInbox = ({ accounts, mailboxes }: Tree): string | undefined => {
  for (const { id } of accounts) {
    const own = mailboxes.filter(({ accountId }) => accountId === id)
    const inbox = own.find(({ role }) => role === 'inbox') ?? own.find(({ isSelectable }) => isSelectable)
    if (inbox) return inbox.id
  }
  return undefined
}
