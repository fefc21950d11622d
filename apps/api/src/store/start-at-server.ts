import { type AccountKind, accountKind, type ServerSettings, serverSettings } from '@postern/shared/accounts.ts'
import { z } from 'zod'
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

/** Where it was by the other protocol. */
export const formerServer = z.object({ kind: accountKind, incoming: serverSettings })

/**
 * An account that changed its protocol has seen nothing of its new server yet: what it knew of the old one is forgotten, but for
 * where that is.
 */
export const startAtServer = async (
  tx: Tx,
  { id, isPaused, kind, incoming }: Pick<AccountRow, 'id' | 'isPaused' | 'kind' | 'incoming'>,
  { awaited, brought, ...server }: NewServer,
): Promise<void> => {
  await tx.account.update({
    where: { id },
    data: {
      ...server,
      formerServer: formerServer.parse({ kind, incoming }),
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
