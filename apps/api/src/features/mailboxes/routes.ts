import { createMailbox, placeMailbox, removeMailbox, restoreMailbox } from '#outbox/outbox.ts'
import { AppError } from '#platform/errors.ts'
import { findAccount } from '#store/accounts.ts'
import { findOwnMailbox } from '#store/commands.ts'
import { commit, type Unit } from '#store/commit.ts'
import { type MailboxRow, readMailboxes } from '#store/sync-mailboxes.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentMailboxes } from '../present-mail.ts'

export const registerMailboxes = ({ router, store, engine }: FeatureDeps): void => {
  const requireMailbox = async ({ tx }: Unit, userId: bigint, mailboxId: string): Promise<MailboxRow> => {
    const mailbox = await findOwnMailbox(tx, userId, BigInt(mailboxId))
    if (!mailbox) throw new AppError('not_found', 'There is no such mailbox.')
    return mailbox
  }
  /** As it is after the change: counts follow at the end of a transaction. */
  const present = async (userId: bigint, { id, accountId }: MailboxRow) => {
    const all = await store.read(userId, (tx) => readMailboxes(tx, accountId))
    const found = presentMailboxes(
      all.filter((row) => row.id === id),
      all,
    )[0]
    if (!found) throw new AppError('not_found', 'There is no such mailbox.')
    return found
  }

  router.on('listMailboxes', async ({ user, params }) =>
    store.read(user.userId, async (tx) => {
      const account = await findAccount(tx, user.userId, BigInt(params.accountId))
      if (!account) throw new AppError('not_found', 'There is no such account.')
      return { mailboxes: presentMailboxes(await readMailboxes(tx, account.id)) }
    }),
  )
  router.on('createMailbox', async ({ user: { userId }, params, body }) => {
    const row = await commit(store, { kind: 'user', userId }, async (unit) => {
      const account = await findAccount(unit.tx, userId, BigInt(params.accountId))
      if (!account) throw new AppError('not_found', 'There is no such account.')
      return createMailbox(unit, account, body)
    })
    return present(userId, row)
  })
  router.on('removeMailbox', async ({ user: { userId }, params }) => {
    await commit(store, { kind: 'user', userId }, async (unit) =>
      removeMailbox(unit, userId, await requireMailbox(unit, userId, params.mailboxId)),
    )
  })
  router.on('restoreMailbox', async ({ user: { userId }, params }) => {
    const id = BigInt(params.mailboxId)
    return present(userId, await commit(store, { kind: 'user', userId }, (unit) => restoreMailbox(unit, userId, id)))
  })
  router.on('patchMailbox', async ({ user, params, body }) => {
    const row = await commit(store, { kind: 'user', userId: user.userId }, async (unit) => {
      const mailbox = await requireMailbox(unit, user.userId, params.mailboxId)
      const { name, parentId } = body
      if (name !== undefined || parentId !== undefined)
        await placeMailbox(unit, mailbox, {
          ...(name === undefined ? {} : { name }),
          ...(parentId === undefined ? {} : { parentId }),
        })
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
    return present(user.userId, row)
  })
}
