import type { Identity } from '@postern/shared/identities.ts'
import { call } from './api.ts'
import { app } from './app-state.ts'
import { Observable, useObservable } from './observable.ts'

/** Who this person writes as. */
const state = new Observable<{ list: Identity[] | null }>({ list: null })
let asking: Promise<void> | undefined
let wanted = 0

export const useIdentities = (): Identity[] => useObservable(state, ({ list }) => list ?? none)
const none: Identity[] = []

/** Asks again while somebody wanted it after the question was sent: an answer may be older than what they know of. */
const ask = async (): Promise<void> => {
  for (let asked = -1; asked !== wanted; ) {
    asked = wanted
    const { identities } = await call('listIdentities', 'GET', '/v1/identities')
    if (asked === wanted) state.set({ list: identities })
  }
}

/** Throws ApiError. */
export const refreshIdentities = (): Promise<void> => {
  wanted++
  asking ??= ask().finally(() => {
    asking = undefined
  })
  return asking
}

export const forgetIdentities = (): void => {
  wanted++
  state.set({ list: null })
}

/** Throws ApiError. */
export const identitiesHere = async (): Promise<Identity[]> => {
  if (state.get().list === null) await refreshIdentities()
  return state.get().list ?? none
}

export const identityOf = (id: string): Identity | undefined => state.get().list?.find((one) => one.id === id)

/** Who a new mail is from: the default of the account that is looked at, else of the first that can send. */
export const usualIdentity = (identities: Identity[]): Identity | undefined => {
  const { accounts, lastAccountId } = app.get()
  const order = [lastAccountId, ...accounts.map(({ id }) => id)]
  const able = identities.filter(({ canSend }) => canSend)
  for (const accountId of order) {
    const own = able.filter((one) => one.accountId === accountId)
    const found = own.find(({ isDefault }) => isDefault) ?? own[0]
    if (found) return found
  }
  return able[0] ?? identities[0]
}
