import type { Account } from '@postern/shared/accounts.ts'
import { app } from './app-state.ts'
import { loadPart } from './load-part.ts'

/** What has to be known, and may be asked, before mail of an account is deleted for good (ui/confirm-expunge.tsx). */
export const expungeIn = (
  accountId: string | undefined,
): { account: Account | undefined; onDecide: (isAlsoThere: boolean) => Promise<void> } => ({
  account: app.get().accounts.find(({ id }) => id === accountId),
  onDecide: async (isAlsoThere) => {
    if (accountId === undefined) return
    const policy = { kind: 'whenDeletedHere' } as const
    // Hardly ever asked for: it comes when it is.
    const { patchAccount } = await loadPart(import('./patch-account.ts'))
    await patchAccount(accountId, { retrieval: { isDeletionDecided: true, ...(isAlsoThere ? { policy } : {}) } })
  },
})
