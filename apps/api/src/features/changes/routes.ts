import { AppError } from '#platform/errors.ts'
import { findAccount } from '#store/accounts.ts'
import { findStreamEnd, readChanges } from '#store/read-changes.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentChanges } from '../present-changes.ts'

/** The change log for programs: the same batches the sockets get. */
export const registerChanges = ({ router, store }: FeatureDeps): void => {
  router.on('listChanges', async ({ user, query }) =>
    store.read(user.userId, async (tx) => {
      const [kind, id = '0'] = query.stream.split(':')
      const isOwn =
        kind === 'user' ? BigInt(id) === user.userId : (await findAccount(tx, user.userId, BigInt(id))) !== null
      const owner = kind === 'user' ? { userId: BigInt(id) } : { accountId: BigInt(id) }
      const end = isOwn ? await findStreamEnd(tx, owner) : null
      if (!end) throw new AppError('not_found', 'There is no such stream.')
      const page = await readChanges(tx, end.streamId, BigInt(query.since), query.limit)
      const changes = await presentChanges(
        tx,
        { accountId: kind === 'user' ? null : BigInt(id), userId: kind === 'user' ? user.userId : null },
        page.facts,
      )
      return {
        batch: { stream: query.stream, seq: page.seq.toString(), changes },
        isReset: page.isReset,
        hasMore: page.hasMore,
      }
    }),
  )
}
