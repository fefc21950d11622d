import { AppError } from '#platform/errors.ts'
import { findAccount } from '#store/accounts.ts'
import { findStreamEnd, readChanges } from '#store/read-changes.ts'
import type { Ask } from '#store/reader.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentChanges } from '../present-changes.ts'

/** The change log for programs: the same batches the sockets get. */
export const registerChanges = ({ router, store }: FeatureDeps): void => {
  router.on('listChanges', async ({ user, query }) => {
    const [kind, id = '0'] = query.stream.split(':')
    const end = await store.read(user.userId, async (tx) => {
      const isOwn =
        kind === 'user' ? BigInt(id) === user.userId : (await findAccount(tx, user.userId, BigInt(id))) !== null
      const owner = kind === 'user' ? { userId: BigInt(id) } : { accountId: BigInt(id) }
      return isOwn ? findStreamEnd(tx, owner) : null
    })
    if (!end) throw new AppError('not_found', 'There is no such stream.')
    const ask: Ask = (statements) => store.readAs(user.userId, statements)
    const page = await readChanges(ask, end.streamId, BigInt(query.since), query.limit)
    const changes = await presentChanges(
      ask,
      { accountId: kind === 'user' ? null : BigInt(id), userId: kind === 'user' ? user.userId : null },
      page.facts,
    )
    return {
      batch: { stream: query.stream, seq: page.seq.toString(), changes },
      isReset: page.isReset,
      hasMore: page.hasMore,
    }
  })
}
