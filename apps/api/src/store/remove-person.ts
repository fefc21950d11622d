import { commit, type Unit } from './commit.ts'
import { eraseAccount, erasing, letGoOfAccount } from './erase-account.ts'
import { engineChannel, eraseNotice } from './notify.ts'
import type { Store, Tx } from './open-store.ts'
import { eraseMessages } from './retention.ts'
import { announceEndedSessions } from './sessions.ts'

/**
 * A person goes in two parts. At once, in one short transaction: their sessions end, nobody can sign in as them, their
 * accounts are disconnected and the engine has lost the leases. Then the engine erases what is stored, step by step;
 * each step may be killed anywhere, and the next one goes on.
 *
 *   member --removePerson--> removed --eraseNextStep, again and again--> gone
 */
const removed = 'removed'
const messagesPerStep = 1000

export type RemovalOutcome = { kind: 'removed'; accountIds: bigint[] } | { kind: 'missing' } | { kind: 'owner' }

/** Owners are never removed. Answers the accounts whose workers have to stop. */
export const removePerson = async (store: Store, userId: bigint, removedBy: bigint): Promise<RemovalOutcome> => {
  const outcome = await commit(
    store,
    { kind: 'system' },
    async ({ tx }): Promise<RemovalOutcome> => {
      await tx.$executeRaw`SELECT 1 FROM app_user WHERE id = ${userId} FOR UPDATE`
      const person = await tx.appUser.findUnique({ where: { id: userId } })
      if (!person || person.role === removed) return { kind: 'missing' }
      if (person.role === 'owner') return { kind: 'owner' }
      await tx.session.deleteMany({ where: { userId } })
      await tx.authFailure.deleteMany({ where: { key: { endsWith: ` ${person.address}` } } })
      // The address is free for somebody new, and no address of this form can be typed to sign in.
      await tx.appUser.update({
        where: { id: userId },
        data: { role: removed, name: '', address: `${removed}:${userId}`, passwordHash: '', onlineAt: null },
      })
      const accounts = await tx.account.findMany({ where: { userId }, select: { id: true } })
      for (const { id } of accounts) await letGoOfAccount(tx, id, erasing)
      await tx.auditEvent.create({
        data: { userId: removedBy, kind: 'person_removed', detail: { accounts: accounts.length } },
      })
      return { kind: 'removed', accountIds: accounts.map(({ id }) => id) }
    },
    // Removing makes room.
    { isVital: true },
  )
  if (outcome.kind !== 'removed') return outcome
  announceEndedSessions(store)
  announceErasing(store)
  return outcome
}

/** Something is to be erased: the engine begins now, not at its next sweep. */
export const announceErasing = ({ notifier }: Store): void => notifier.notify(engineChannel, eraseNotice)

/** One bounded step of erasing removed people and accounts; answers whether more is left. Safe on several nodes: one works at a time. */
export const eraseNextStep = (store: Store): Promise<boolean> =>
  commit(
    store,
    { kind: 'system' },
    async (unit) => {
      const { tx } = unit
      const [lock] = await tx.$queryRaw<{ mine: boolean }[]>`
        SELECT pg_try_advisory_xact_lock(hashtext('postern.erase')) AS mine`
      if (!lock?.mine) return false
      const accountId = await findErasable(tx)
      if (accountId !== null) return eraseFromAccount(unit, accountId)
      const person = await tx.appUser.findFirst({ where: { role: removed }, select: { id: true } })
      if (person) await erasePerson(tx, person.id)
      return person !== null
    },
    { isVital: true },
  )

/**
 * An account that was removed for good, or whose person was: also one that a request of theirs added while they were being
 * removed.
 */
const findErasable = async (tx: Tx): Promise<bigint | null> => {
  const [row] = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT a.id FROM account a LEFT JOIN app_user u ON u.id = a.user_id WHERE a.state = ${erasing} OR u.id IS NULL OR u.role = ${removed} LIMIT 1`
  return row?.id ?? null
}

const eraseFromAccount = async (unit: Unit, accountId: bigint): Promise<true> => {
  await letGoOfAccount(unit.tx, accountId, erasing)
  const rows = await unit.tx.message.findMany({ where: { accountId }, select: { id: true }, take: messagesPerStep })
  if (rows.length > 0)
    await eraseMessages(
      unit.tx,
      rows.map(({ id }) => id),
    )
  else await eraseAccount(unit, accountId)
  return true
}

const erasePerson = async (tx: Tx, userId: bigint): Promise<void> => {
  await tx.$executeRaw`DELETE FROM change WHERE stream_id IN (SELECT id FROM stream WHERE user_id = ${userId})`
  const where = { userId }
  await tx.stream.deleteMany({ where })
  await tx.session.deleteMany({ where })
  await tx.userSetting.deleteMany({ where })
  await tx.trustedSender.deleteMany({ where })
  await tx.correspondent.deleteMany({ where })
  await tx.relayTurn.deleteMany({ where })
  await tx.auditEvent.deleteMany({ where })
  await tx.appUser.deleteMany({ where: { id: userId } })
}
