import { commit } from '#store/commit.ts'
import { findCorrespondents, forgetCorrespondent } from '#store/correspondents.ts'
import type { FeatureDeps } from '../feature-deps.ts'

/** Whom a person writes with, while they write. */
export const registerCorrespondents = ({ router, store }: FeatureDeps): void => {
  router.on('listCorrespondents', async ({ user: { userId }, query: { q, limit } }) => ({
    correspondents: await findCorrespondents(store, { userId, text: q, limit }),
  }))
  router.on('removeCorrespondent', ({ user: { userId }, query: { address } }) =>
    commit(store, { kind: 'user', userId }, ({ tx }) => forgetCorrespondent(tx, userId, address)),
  )
}
