import type { IdentityFields, IdentityPatch } from '@postern/shared/identities.ts'
import type { Unit } from './commit.ts'
import { type Identity, Prisma } from './generated/client.ts'
import type { Tx } from './open-store.ts'
import { isNamed, type SendingBar, sendingBar } from './relay.ts'

/** Who a person writes as. Every account has at least one, and one default. */
export type IdentityRow = Identity

/** What is known of the server by which it sends. */
export type SendingFacts = {
  maxMessageBytes: bigint | null
  /** Null: it can. */
  bar: SendingBar | null
  /** By the owner for the relay, or it goes by a server of its own. */
  isNamed: boolean
  /** Null: as many as anywhere. */
  recipientsPerMail: number | null
}
export type OwnIdentity = IdentityRow & SendingFacts

/** The same of identity `i` in account `a`, with the relay `r` (LEFT JOIN relay r ON true). */
export const sendingFacts = Prisma.sql`
  a.max_message_bytes AS "maxMessageBytes", ${sendingBar(Prisma.sql`i.address`)} AS bar, ${isNamed(Prisma.sql`i.address`)} AS "isNamed", CASE WHEN a.uses_relay THEN r.recipients_per_mail END AS "recipientsPerMail"`

const ownAccounts = (userId: bigint) => ({ userId, disconnectedAt: null })

const withFacts = async (tx: Tx, rows: IdentityRow[]): Promise<OwnIdentity[]> => {
  const facts = await tx.$queryRaw<({ id: bigint } & SendingFacts)[]>`
    SELECT i.id, ${sendingFacts} FROM identity i JOIN account a ON a.id = i.account_id LEFT JOIN relay r ON true WHERE i.id = ANY (${rows.map(({ id }) => id)}::bigint[])`
  const byId = new Map(facts.map((one) => [one.id, one]))
  return rows.flatMap((row) => {
    const found = byId.get(row.id)
    return found ? { ...row, ...found } : []
  })
}

/** In the order of the accounts, of each the default first. */
export const listIdentities = async (tx: Tx, userId: bigint): Promise<OwnIdentity[]> => {
  const accounts = await tx.account.findMany({
    where: ownAccounts(userId),
    select: { id: true },
    orderBy: [{ position: 'asc' }, { id: 'asc' }],
  })
  const rows = await tx.identity.findMany({
    where: { accountId: { in: accounts.map(({ id }) => id) } },
    orderBy: [{ isDefault: 'desc' }, { id: 'asc' }],
  })
  const place = new Map(accounts.map(({ id }, n) => [id, n]))
  const found = await withFacts(tx, rows)
  return found.sort((a, b) => (place.get(a.accountId) ?? 0) - (place.get(b.accountId) ?? 0))
}

/** Null when it is somebody else's or not there. */
export const findOwnIdentity = async (tx: Tx, userId: bigint, id: bigint): Promise<OwnIdentity | null> => {
  const row = await tx.identity.findUnique({ where: { id } })
  const account = row && (await tx.account.findFirst({ where: { id: row.accountId, ...ownAccounts(userId) } }))
  if (!row || !account) return null
  return (await withFacts(tx, [row]))[0] ?? null
}

/** Two who change the identities of an account at once come one after the other: one default stays, and the last one too. */
const hold = async (tx: Tx, accountId: bigint): Promise<void> => {
  await tx.$executeRaw`SELECT 1 FROM account WHERE id = ${accountId} FOR NO KEY UPDATE`
}

const columnsOf = ({ replyTo, ...plain }: Partial<IdentityFields>) => ({
  ...plain,
  ...(replyTo === undefined ? {} : { replyTo: replyTo ?? Prisma.DbNull }),
})

export const addIdentity = async (unit: Unit, accountId: bigint, fields: IdentityFields): Promise<IdentityRow> => {
  const { tx } = unit
  await hold(tx, accountId)
  const isDefault = fields.isDefault || (await tx.identity.count({ where: { accountId } })) === 0
  if (isDefault) await tx.identity.updateMany({ where: { accountId }, data: { isDefault: false } })
  const made = await tx.identity.create({
    data: { ...columnsOf(fields), address: fields.address, accountId, isDefault },
  })
  tell(unit, accountId)
  return made
}

export const changeIdentity = async (
  unit: Unit,
  { id, accountId }: IdentityRow,
  { isDefault, ...fields }: IdentityPatch,
): Promise<void> => {
  const { tx } = unit
  await hold(tx, accountId)
  if (isDefault) await tx.identity.updateMany({ where: { accountId }, data: { isDefault: false } })
  await tx.identity.updateMany({ where: { id }, data: { ...columnsOf(fields), ...(isDefault ? { isDefault } : {}) } })
  tell(unit, accountId)
}

/** False: it is the last of its account. Where the default goes, the oldest of the others is it. */
export const removeIdentity = async (unit: Unit, { id, accountId }: IdentityRow): Promise<boolean> => {
  const { tx } = unit
  await hold(tx, accountId)
  if ((await tx.identity.count({ where: { accountId, id: { not: id } } })) === 0) return false
  await tx.identity.deleteMany({ where: { id } })
  const left = await tx.identity.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
  const [first] = left
  if (first && !left.some(({ isDefault }) => isDefault))
    await tx.identity.update({ where: { id: first.id }, data: { isDefault: true } })
  tell(unit, accountId)
  return true
}

const tell = (unit: Unit, accountId: bigint): void =>
  unit.log({ accountId }, { kind: 'identities', accountId: accountId.toString() })
