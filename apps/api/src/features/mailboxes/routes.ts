import { AppError } from '#platform/errors.ts'
import { findAccount } from '#store/accounts.ts'
import { findOwnMailbox } from '#store/commands.ts'
import { commit } from '#store/commit.ts'
import { readMailboxes } from '#store/sync-mailboxes.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentMailboxes } from '../present-mail.ts'

export const registerMailboxes = ({ router, store, engine }: FeatureDeps): void => {
  router.on('listMailboxes', async ({ user, params }) =>
    store.read(user.userId, async (tx) => {
      const account = await findAccount(tx, user.userId, BigInt(params.accountId))
      if (!account) throw new AppError('not_found', 'There is no such account.')
      return { mailboxes: presentMailboxes(await readMailboxes(tx, account.id)) }
    }),
  )
  router.on('patchMailbox', async ({ user, params, body }) => {
    const row = await commit(store, { kind: 'user', userId: user.userId }, async (unit) => {
      const mailbox = await findOwnMailbox(unit.tx, user.userId, BigInt(params.mailboxId))
      if (!mailbox) throw new AppError('not_found', 'There is no such mailbox.')
      // A role belongs to one mailbox of an account at a time, whoever gave it: the server, its name or the person.
      const displaced = body.role
        ? await unit.tx.mailbox.updateManyAndReturn({
            where: {
              accountId: mailbox.accountId,
              id: { not: mailbox.id },
              OR: [{ chosenRole: body.role }, { chosenRole: null, role: body.role }],
            },
            data: { chosenRole: 'none' },
            select: { id: true },
          })
        : []
      const data = {
        ...(body.role === undefined ? {} : { chosenRole: body.role ?? 'none' }),
        ...(body.isSynced === undefined ? {} : { isSynced: body.isSynced }),
        ...(body.isWatched === undefined ? {} : { isWatched: body.isWatched }),
      }
      const changed = await unit.tx.mailbox.update({ where: { id: mailbox.id }, data })
      unit.log(
        { accountId: mailbox.accountId },
        {
          kind: 'mailboxes',
          mailboxIds: [mailbox, ...displaced].map(({ id }) => id.toString()),
          removed: [],
        },
      )
      return changed
    })
    // One that is left out has its connection closed, one that is back is read.
    if (body.isSynced !== undefined || body.isWatched !== undefined) await engine.requestSync(row.accountId)
    const all = await store.read(user.userId, (tx) => readMailboxes(tx, row.accountId))
    const [presented] = presentMailboxes([row], all)
    if (!presented) throw new AppError('not_found', 'There is no such mailbox.')
    return presented
  })
}
