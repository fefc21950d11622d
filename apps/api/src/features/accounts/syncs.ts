import type { SyncReply } from '@postern/shared/accounts.ts'
import { AppError } from '#platform/errors.ts'
import type { AccountRow } from '#store/accounts.ts'
import { readSync } from '#store/engine-requests.ts'
import type { FeatureDeps } from '../feature-deps.ts'

type FindOwn = (userId: bigint, accountId: string) => Promise<AccountRow>

/** Syncs that a person asks for, and what came of them. */
export const registerSyncs = ({ router, store, engine }: FeatureDeps, own: FindOwn): void => {
  const read = async (accountId: bigint, id: bigint): Promise<SyncReply> => {
    const sync = await readSync(store, accountId, id)
    if (!sync) throw new AppError('not_found', 'There is no such sync, or it ended long ago.')
    const { state, result } = sync
    return {
      id: id.toString(),
      state: state === 'pending' ? 'running' : state,
      arrived: result.arrived ?? null,
      completed: result.completed ?? null,
      removed: result.removed ?? null,
      waitsUntil: result.waitsUntil ?? null,
      problem: result.error ?? null,
    }
  }
  /** Nobody would answer. */
  const requireActive = ({ id, isPaused }: AccountRow): bigint => {
    if (!isPaused) return id
    throw new AppError('account.not_ready', 'This account is paused.', { hint: 'Resume it on its page first.' })
  }

  router.on('syncAccount', async ({ user, params }) => {
    const id = requireActive(await own(user.userId, params.accountId))
    return read(id, await engine.requestSync(id))
  })
  router.on('resyncAccount', async ({ user, params }) => {
    const id = requireActive(await own(user.userId, params.accountId))
    return read(id, await engine.requestResync(id))
  })
  router.on('getSync', async ({ user, params }) =>
    read((await own(user.userId, params.accountId)).id, BigInt(params.syncId)),
  )
}
