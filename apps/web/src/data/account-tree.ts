import type { Account } from '@postern/shared/accounts.ts'
import type { Change } from '@postern/shared/changes.ts'
import { ApiError, call } from './api.ts'
import { type AppState, app } from './app-state.ts'

/** The accounts of a person and the mailboxes of each, as they are loaded and as they change. */
type TreeChange = Extract<Change, { kind: 'account' | 'accountRemoved' | 'mailboxes' }>

/** What changed since each request that is under way was sent. */
const meanwhile = new Set<TreeChange[]>()

export const applyTreeChange = (change: TreeChange): void => {
  for (const changes of meanwhile) changes.push(change)
  app.set((state) => withTreeChange(state, change))
}

/**
 * Loads all accounts with their mailboxes anew. A change may be told before an older answer is here, and the mailboxes of a new
 * account appear within the second: what was told meanwhile is applied to the answer again. Throws ApiError.
 */
export const loadAccounts = async (): Promise<void> => {
  const changes: TreeChange[] = []
  const userId = app.get().session?.user.id
  meanwhile.add(changes)
  try {
    const { accounts } = await call('listAccounts', 'GET', '/v1/accounts')
    const trees = await Promise.all(accounts.map(({ id }) => loadTree(id)))
    // Somebody else may have signed in here meanwhile.
    if (app.get().session?.user.id !== userId) return
    const loaded: Tree = {
      accounts,
      mailboxes: Object.fromEntries(trees.flatMap((tree) => tree.mailboxes.map((mailbox) => [mailbox.id, mailbox]))),
    }
    app.set(changes.reduce(withTreeChange, loaded))
  } finally {
    meanwhile.delete(changes)
  }
}

/** One that was removed since the accounts were asked for has none. */
const loadTree = (accountId: string) =>
  call('listMailboxes', 'GET', `/v1/accounts/${accountId}/mailboxes`).catch((error: unknown) => {
    if (error instanceof ApiError && error.code === 'not_found') return { mailboxes: [] }
    throw error
  })

export const inOrder = (accounts: Account[]): Account[] =>
  accounts.sort((a, b) => a.position - b.position || (BigInt(a.id) < BigInt(b.id) ? -1 : 1))

type Tree = Pick<AppState, 'accounts' | 'mailboxes'>

const withTreeChange = ({ accounts, mailboxes }: Tree, change: TreeChange): Tree => {
  const keep = (isKept: (mailbox: AppState['mailboxes'][string]) => boolean) =>
    Object.entries(mailboxes).filter(([, mailbox]) => isKept(mailbox))
  switch (change.kind) {
    case 'account':
      return { accounts: withAccount(accounts, change.account), mailboxes }
    case 'accountRemoved':
      return {
        accounts: accounts.filter(({ id }) => id !== change.accountId),
        mailboxes: Object.fromEntries(keep(({ accountId }) => accountId !== change.accountId)),
      }
    case 'mailboxes': {
      const removed = new Set(change.removed)
      const upserted = change.upserted.map((mailbox) => [mailbox.id, mailbox] as const)
      return { accounts, mailboxes: Object.fromEntries([...keep(({ id }) => !removed.has(id)), ...upserted]) }
    }
  }
}

const withAccount = (accounts: Account[], account: Account): Account[] =>
  inOrder([...accounts.filter(({ id }) => id !== account.id), account])
