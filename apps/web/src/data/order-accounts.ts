import { inOrder } from './account-tree.ts'
import { call } from './api.ts'
import { app } from './app-state.ts'

let chosen: string[] | null = null
/** The order that is stored, as far as anybody here knows, as long as `underWay` others are on their way there. */
let stored = new Map<string, number>()
let underWay = 0

/** Shown at once, and put back when it could not be stored and nobody has chosen another since. Throws ApiError. */
export const orderAccounts = async (accountIds: string[]): Promise<void> => {
  const shown = app.get().accounts.map(({ id }) => id)
  // Also where another one was told since.
  if (underWay++ === 0 || shown.join() !== chosen?.join()) stored = placesOf(shown)
  chosen = accountIds
  place(placesOf(accountIds))
  try {
    await call('orderAccounts', 'PUT', '/v1/account-order', { body: { accountIds } })
    stored = placesOf(accountIds)
  } catch (error) {
    if (chosen === accountIds) place(stored)
    throw error
  } finally {
    underWay--
  }
}

const placesOf = (accountIds: string[]) => new Map(accountIds.map((id, position) => [id, position]))

const place = (places: Map<string, number>): void =>
  app.set(({ accounts }) => ({
    accounts: inOrder(
      accounts.map((account) => ({ ...account, position: places.get(account.id) ?? account.position })),
    ),
  }))
