import {
  createMailbox,
  endTreeChange,
  placeMailbox,
  removeMailbox,
  restoreMailbox,
  type TreeOutcome,
} from '#outbox/outbox.ts'
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
  /** Here at once; at a server when that has done it. Answers the mailbox it is about. */
  const change = async (userId: bigint, give: (unit: Unit) => Promise<TreeOutcome>): Promise<bigint> => {
    const scope = { kind: 'user' as const, userId }
    const outcome = await commit(store, scope, give)
    if (outcome.kind === 'done') return outcome.mailboxId
    await engine.treeChanged(outcome.commandId)
    const end = await commit(store, scope, (unit) => endTreeChange(unit, outcome.commandId))
    if (end.kind === 'refused') throw end.error
    return end.mailboxId
  }
  /** As it is after the change: counts follow at the end of a transaction. */
  const present = (userId: bigint, id: bigint) =>
    store.read(userId, async (tx) => {
      const row = await findOwnMailbox(tx, userId, id)
      const all = row ? await readMailboxes(tx, row.accountId) : []
      const [found] = presentMailboxes(row ? [row] : [], all)
      if (!found) throw new AppError('not_found', 'There is no such mailbox.')
      return found
    })

  router.on('listMailboxes', async ({ user, params }) =>
    store.read(user.userId, async (tx) => {
      const account = await findAccount(tx, user.userId, BigInt(params.accountId))
      if (!account) throw new AppError('not_found', 'There is no such account.')
      return { mailboxes: presentMailboxes(await readMailboxes(tx, account.id)) }
    }),
  )
  router.on('createMailbox', async ({ user: { userId }, params, body }) => {
    const id = await change(userId, async (unit) => {
      const account = await findAccount(unit.tx, userId, BigInt(params.accountId))
      if (!account) throw new AppError('not_found', 'There is no such account.')
      return createMailbox(unit, account, body)
    })
    return present(userId, id)
  })
  router.on('removeMailbox', async ({ user: { userId }, params, query }) => {
    const isForGood = query.forGood === 'true'
    await change(userId, async (unit) =>
      removeMailbox(unit, userId, await requireMailbox(unit, userId, params.mailboxId), { isForGood }),
    )
  })
  router.on('restoreMailbox', async ({ user: { userId }, params }) =>
    present(userId, await change(userId, (unit) => restoreMailbox(unit, userId, BigInt(params.mailboxId)))),
  )
  router.on('patchMailbox', async ({ user, params, body }) => {
    const { name, parentId, ...marks } = body
    const isPlaced = name !== undefined || parentId !== undefined
    if (isPlaced)
      await change(user.userId, async (unit) =>
        placeMailbox(unit, await requireMailbox(unit, user.userId, params.mailboxId), {
          ...(name === undefined ? {} : { name }),
          ...(parentId === undefined ? {} : { parentId }),
        }),
      )
    if (isPlaced && Object.keys(marks).length === 0) return present(user.userId, BigInt(params.mailboxId))
    const row = await commit(store, { kind: 'user', userId: user.userId }, async (unit) => {
      const mailbox = await requireMailbox(unit, user.userId, params.mailboxId)
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
    return present(user.userId, row.id)
  })
}
