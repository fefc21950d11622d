import type { Identity } from '@postern/shared/identities.ts'
import { ownAddress } from '#mail/own-address.ts'
import { AppError } from '#platform/errors.ts'
import { findAccount } from '#store/accounts.ts'
import { commit, type Unit } from '#store/commit.ts'
import {
  addIdentity,
  changeIdentity,
  findOwnIdentity,
  listIdentities,
  type OwnIdentity,
  removeIdentity,
} from '#store/identities.ts'
import type { Tx } from '#store/open-store.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentPeople } from '../present-mail.ts'

/** Who a person writes as. */
export const registerIdentities = ({ router, store }: FeatureDeps): void => {
  const write = <T>(userId: bigint, work: (unit: Unit) => Promise<T>): Promise<T> =>
    commit(store, { kind: 'user', userId }, work)

  router.on('listIdentities', async ({ user: { userId } }) => ({
    identities: (await store.read(userId, (tx) => listIdentities(tx, userId))).map(present),
  }))
  router.on('createIdentity', ({ user: { userId }, params, body }) =>
    write(userId, async (unit) => {
      const account = await findAccount(unit.tx, userId, BigInt(params.accountId))
      if (!account) throw new AppError('not_found', 'There is no such account.')
      const made = await addIdentity(unit, account.id, sound(body))
      return present(await requireOwn(unit.tx, userId, made.id))
    }),
  )
  router.on('patchIdentity', ({ user: { userId }, params, body }) =>
    write(userId, async (unit) => {
      const own = await requireOwn(unit.tx, userId, BigInt(params.identityId))
      await changeIdentity(unit, own, sound(body))
      return present(await requireOwn(unit.tx, userId, own.id))
    }),
  )
  router.on('removeIdentity', ({ user: { userId }, params }) =>
    write(userId, async (unit) => {
      const own = await requireOwn(unit.tx, userId, BigInt(params.identityId))
      if (!(await removeIdentity(unit, own)))
        throw new AppError('request.conflict', 'An account keeps at least one identity.', {
          hint: 'Add another one first, or change this one.',
        })
    }),
  )
}

const requireOwn = async (tx: Tx, userId: bigint, id: bigint): Promise<OwnIdentity> => {
  const own = await findOwnIdentity(tx, userId, id)
  if (!own) throw new AppError('not_found', 'There is no such identity.')
  return own
}

type Addresses = { address?: string | undefined; replyTo?: { name: string; address: string } | null | undefined }

/** With its addresses as they are kept. */
const sound = <T extends Addresses>(fields: T): T => ({
  ...fields,
  ...(fields.address === undefined ? {} : { address: requireAddress('address', fields.address) }),
  ...(fields.replyTo
    ? { replyTo: { ...fields.replyTo, address: requireAddress('replyTo', fields.replyTo.address) } }
    : {}),
})

const requireAddress = (field: string, text: string): string => {
  const address = ownAddress(text)
  if (address === null)
    throw new AppError('request.invalid', 'This is no mail address.', {
      hint: 'It has one @ with something on both sides, as in name@example.org.',
      fields: { [field]: 'is no mail address' },
    })
  return address
}

const present = (row: OwnIdentity): Identity => ({
  id: row.id.toString(),
  accountId: row.accountId.toString(),
  address: row.address,
  name: row.name,
  replyTo: row.replyTo === null ? null : (presentPeople([row.replyTo])[0] ?? null),
  signature: row.signature,
  isDefault: row.isDefault,
  maxMessageBytes: row.maxMessageBytes === null ? null : Number(row.maxMessageBytes),
  canSend: row.bar === null,
  isNamed: row.isNamed,
})
