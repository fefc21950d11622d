import type { Account, AccountPatch } from '@postern/shared/accounts.ts'
import { call } from './api.ts'
import { app } from './app-state.ts'

const show = (shown: Account): void =>
  app.set(({ accounts }) => ({ accounts: accounts.map((other) => (other.id === shown.id ? shown : other)) }))

/** Shown once it is stored. Throws ApiError. */
export const patchAccount = async (accountId: string, body: AccountPatch): Promise<void> =>
  show(await call('patchAccount', 'PATCH', `/v1/accounts/${accountId}`, { body }))

/** For what is not told by itself, such as the time of a look that found nothing. Throws ApiError. */
export const refreshAccount = async (accountId: string): Promise<void> => {
  const find = () => app.get().accounts.find(({ id }) => id === accountId)
  const before = find()
  const account = await call('getAccount', 'GET', `/v1/accounts/${accountId}`)
  // What was stored or told while the answer was on its way is newer.
  if (find() === before) show(account)
}

/** What has to be known, and may be asked, before mail of an account is deleted for good (ui/confirm-expunge.tsx). */
export const expungeIn = (
  accountId: string | undefined,
): { account: Account | undefined; onDecide: (isAlsoThere: boolean) => Promise<void> } => ({
  account: app.get().accounts.find(({ id }) => id === accountId),
  onDecide: async (isAlsoThere) => {
    if (accountId === undefined) return
    const policy = { kind: 'whenDeletedHere' } as const
    await patchAccount(accountId, { retrieval: { isDeletionDecided: true, ...(isAlsoThere ? { policy } : {}) } })
  },
})
