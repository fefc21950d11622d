import type { Transfer } from '@postern/shared/transfers.ts'
import { requireRight } from '#outbox/outbox.ts'
import { AppError } from '#platform/errors.ts'
import { findOwnMailbox } from '#store/commands.ts'
import { commit, type Unit } from '#store/commit.ts'
import type { Mailbox } from '#store/generated/client.ts'
import type { Tx } from '#store/open-store.ts'
import {
  addUploadItems,
  cancelTransfer,
  closeTransfer,
  createTransfer,
  dismissTransfers,
  findOwnTransfer,
  listOwnTransfers,
  type TransferRow,
} from '#store/transfers.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentTransfers } from './present-transfer.ts'
import { receiveFile } from './receive-file.ts'

export const registerTransfers = ({ router, store }: FeatureDeps): void => {
  const write = <T>(userId: bigint, work: (unit: Unit) => Promise<T>): Promise<T> =>
    commit(store, { kind: 'user', userId }, work)
  const readOwn = (userId: bigint, transferId: string): Promise<Transfer> =>
    store.read(userId, async (tx) => presentOne(tx, await requireOwn(tx, userId, transferId)))

  router.on('createImport', ({ user: { userId }, params, body }) =>
    write(userId, async ({ tx }) => {
      const { id: mailboxId, accountId } = await requireTarget(tx, userId, params.mailboxId)
      const expectedBytes = body?.expectedBytes == null ? null : BigInt(body.expectedBytes)
      const wanted = { userId, accountId, mailboxId, kind: 'import', fromMailboxId: null, expectedBytes } as const
      return presentOne(tx, await createTransfer(tx, wanted))
    }),
  )
  router.on('createUpload', ({ user: { userId }, params, body }) =>
    write(userId, async (unit) => {
      const { tx } = unit
      const from = await requireMailbox(tx, userId, params.mailboxId)
      const to = await requireTarget(tx, userId, body.toMailboxId)
      const kinds = await kindsOf(tx, [from.accountId, to.accountId])
      if (kinds.get(from.accountId) !== 'pop3' || kinds.get(to.accountId) !== 'imap')
        throw new AppError('request.conflict', 'Mail that is kept here is copied to an IMAP account, nothing else.')
      const created = await createTransfer(tx, {
        userId,
        accountId: to.accountId,
        mailboxId: to.id,
        kind: 'upload',
        fromMailboxId: from.id,
        expectedBytes: null,
      })
      await addUploadItems(unit, created, from.id)
      return presentOne(tx, (await closeTransfer(tx, created.id)) ?? created)
    }),
  )
  router.on('sendTransferContent', async ({ user: { userId }, params, query, body, request }) => {
    const {
      id: transferId,
      accountId,
      kind,
    } = await store.read(userId, (tx) => requireOwn(tx, userId, params.transferId))
    if (kind !== 'import') throw new AppError('request.conflict', 'Only an import takes files.')
    if (!body) throw new AppError('request.invalid', 'There is no file in this request.')
    const scope = { kind: 'user' as const, userId, accountId }
    await receiveFile(
      { store, scope, transferId },
      {
        type: request.headers['content-type']?.startsWith('application/mbox') ? 'application/mbox' : 'message/rfc822',
        name: query.name,
        modifiedAt: query.modifiedAt === undefined ? null : new Date(query.modifiedAt),
        content: body,
      },
    )
    return readOwn(userId, params.transferId)
  })
  router.on('finishTransfer', ({ user: { userId }, params, body }) =>
    write(userId, async ({ tx }) => {
      const { id } = await requireOwn(tx, userId, params.transferId)
      const closed = await closeTransfer(tx, id, { isCutOff: body?.isCutOff ?? false })
      if (!closed) throw new AppError('request.conflict', 'This import was cancelled.')
      return presentOne(tx, closed)
    }),
  )
  router.on('getTransfer', ({ user, params }) => readOwn(user.userId, params.transferId))
  router.on('listTransfers', ({ user: { userId } }) =>
    store.read(userId, async (tx) => ({ transfers: await presentTransfers(tx, await listOwnTransfers(tx, userId)) })),
  )
  router.on('dismissTransfers', ({ user: { userId }, body }) =>
    write(userId, (unit) => dismissTransfers(unit, userId, body.transferIds.map(BigInt))),
  )
  router.on('cancelTransfer', ({ user: { userId }, params }) =>
    write(userId, async (unit) => {
      const { id } = await requireOwn(unit.tx, userId, params.transferId)
      await cancelTransfer(unit, id)
    }),
  )
}

const requireOwn = async (tx: Tx, userId: bigint, transferId: string): Promise<TransferRow> => {
  const row = await findOwnTransfer(tx, userId, BigInt(transferId))
  if (!row) throw new AppError('not_found', 'There is no such import.')
  return row
}

const requireMailbox = async (tx: Tx, userId: bigint, mailboxId: string): Promise<Mailbox> => {
  const mailbox = await findOwnMailbox(tx, userId, BigInt(mailboxId))
  if (!mailbox) throw new AppError('not_found', 'There is no such mailbox.')
  return mailbox
}

/** A mailbox that takes mail. */
const requireTarget = async (tx: Tx, userId: bigint, mailboxId: string): Promise<Mailbox> => {
  const mailbox = await requireMailbox(tx, userId, mailboxId)
  requireRight(mailbox, 'insert')
  return mailbox
}

const kindsOf = async (tx: Tx, accountIds: bigint[]): Promise<Map<bigint, string>> => {
  const rows = await tx.account.findMany({ where: { id: { in: accountIds } }, select: { id: true, kind: true } })
  return new Map(rows.map(({ id, kind }) => [id, kind]))
}

const presentOne = async (tx: Tx, row: TransferRow): Promise<Transfer> => {
  const [presented] = await presentTransfers(tx, [row])
  if (!presented) throw new AppError('not_found', 'There is no such import.')
  return presented
}
