import type { Account, AccountPatch } from '@postern/shared/accounts.ts'
import { call } from './api.ts'
import { app } from './app-state.ts'
import { type Shown, showAnswer, showAtOnce } from './show-answer.ts'

const shownAccount = (accountId: string): Shown<Account> => ({
  name: `account ${accountId}`,
  find: () => app.get().accounts.find(({ id }) => id === accountId),
  patch: (fields) =>
    app.set(({ accounts }) => ({
      accounts: accounts.map((one) => (one.id === accountId ? { ...one, ...fields } : one)),
    })),
})

/** Shows the account that a request answers with. Throws ApiError. */
export const showAccount = async (accountId: string, ask: () => Promise<Account>): Promise<void> => {
  await showAnswer(shownAccount(accountId), ask)
}

/** Shown once it is stored. Throws ApiError. */
export const patchAccount = (accountId: string, body: AccountPatch): Promise<void> =>
  showAccount(accountId, () => storeAccount(accountId, body))

/** How it looks: shown at once, and put back when it could not be stored. Throws ApiError. */
export const patchLook = (
  accountId: string,
  body: Partial<Pick<Account, 'color' | 'dailyByteBudget'>>,
): Promise<void> => showAtOnce(shownAccount(accountId), body, () => storeAccount(accountId, body))

const storeAccount = (accountId: string, body: AccountPatch) =>
  call('patchAccount', 'PATCH', `/v1/accounts/${accountId}`, { body })

/** For what is not told by itself, such as the time of a look that found nothing. Throws ApiError. */
export const refreshAccount = (accountId: string): Promise<void> =>
  showAccount(accountId, () => call('getAccount', 'GET', `/v1/accounts/${accountId}`))
