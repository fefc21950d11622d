import type { AccountKind, ServerSettings } from '@postern/shared/accounts.ts'
import type { AccountRow } from './accounts.ts'
import type { Tx } from './open-store.ts'

export type NewServer = {
  kind: AccountKind
  incoming: ServerSettings
  credential: Uint8Array<ArrayBuffer>
  isPrivateHost: boolean
  /** So many of its mails are to be met there. */
  awaited: number
  /** So many were brought home before. */
  brought: number
}

/** An account that changed its protocol has seen nothing of its new server yet: what it knew of the old one is forgotten. */
export const startAtServer = async (
  tx: Tx,
  { id, isPaused }: Pick<AccountRow, 'id' | 'isPaused'>,
  { awaited, brought, ...server }: NewServer,
): Promise<void> => {
  await tx.account.update({
    where: { id },
    data: {
      ...server,
      state: isPaused ? 'paused' : 'new',
      loginFailures: 0,
      lastLoginAt: null,
      lastFullCompareAt: null,
      retryAt: null,
      nextPollAt: null,
      capabilities: {},
      switchCredential: null,
      switching: {
        to: server.kind,
        total: brought + awaited,
        found: 0,
        brought,
        isTold: false,
        since: new Date().toISOString(),
      },
    },
  })
  // Prisma has no null for JSON columns that could be meant here.
  await tx.$executeRaw`UPDATE account SET switch_to = NULL, problem = NULL, progress = NULL, maildrop = NULL WHERE id = ${id}`
}
