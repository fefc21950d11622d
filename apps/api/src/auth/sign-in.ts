import { AppError } from '#platform/errors.ts'
import type { Store, Tx } from '#store/open-store.ts'
import { announceEndedSessions } from '#store/sessions.ts'
import { forgetGuesses, takeGuess } from './guess-guard.ts'
import { hashPassword, requireStrongPassword, verifyPassword } from './passwords.ts'
import { newToken, sessionDays, tokenHash } from './session-tokens.ts'

export type Visitor = { address: string; userAgent: string }
export type OpenedSession = { token: string; sessionId: bigint; userId: bigint }

const sessionEnd = (): Date => new Date(Date.now() + sessionDays * 86_400_000)

const openSession = async (tx: Tx, userId: bigint, visitor: Visitor): Promise<OpenedSession> => {
  const token = newToken()
  const row = await tx.session.create({
    data: {
      userId,
      tokenHash: tokenHash(token),
      expiresAt: sessionEnd(),
      address: visitor.address.slice(0, 64),
      userAgent: visitor.userAgent.slice(0, 300),
    },
  })
  return { token, sessionId: row.id, userId }
}

/** Throws auth.failed, request.too_many. A sign-in always makes a new session. */
export const signIn = async (
  store: Store,
  given: { address: string; password: string },
  visitor: Visitor,
): Promise<OpenedSession> => {
  await takeGuess(store, visitor.address, given.address)
  const user = await store.readSystem((tx) =>
    tx.appUser.findUnique({ where: { address: given.address.toLowerCase() } }),
  )
  if (!(await verifyPassword(user?.passwordHash ?? null, given.password)) || !user)
    throw new AppError('auth.failed', 'Address or password is not right.', {
      hint: 'The owner can make a new password with: npm run reset-password',
    })
  await forgetGuesses(store, visitor.address, given.address)
  return store.prisma.$transaction(async (tx) => {
    await tx.auditEvent.create({ data: { userId: user.id, kind: 'signed_in', detail: { address: visitor.address } } })
    return openSession(tx, user.id, visitor)
  })
}

export type NewPerson = { name: string; address: string; password: string; role: 'owner' | 'member' }

/** Throws auth.weak_password, request.conflict when the address is taken. */
export const createPerson = async (tx: Tx, person: NewPerson, visitor: Visitor): Promise<OpenedSession> => {
  await requireStrongPassword(person.password, [person.name, person.address, ...person.address.split(/[@.]/)])
  const address = person.address.toLowerCase()
  if (await tx.appUser.findUnique({ where: { address } }))
    throw new AppError('request.conflict', 'Somebody with this address is here already.', {
      fields: { address: 'is taken' },
    })
  const user = await tx.appUser.create({
    data: { name: person.name, address, role: person.role, passwordHash: await hashPassword(person.password) },
  })
  await tx.stream.create({ data: { userId: user.id } })
  await tx.auditEvent.create({ data: { userId: user.id, kind: 'person_created', detail: { role: person.role } } })
  return openSession(tx, user.id, visitor)
}

/**
 * Changes the password and ends every other session. This one goes on, with its sockets, under the new token that is
 * answered: whoever had the old one is out. Throws auth.failed, auth.weak_password, request.too_many.
 */
export const changePassword = async (
  store: Store,
  { userId, sessionId }: Pick<OpenedSession, 'userId' | 'sessionId'>,
  given: { current: string; next: string },
  visitor: Visitor,
): Promise<string> => {
  const user = await store.readSystem((tx) => tx.appUser.findUniqueOrThrow({ where: { id: userId } }))
  await takeGuess(store, visitor.address, user.address)
  if (!(await verifyPassword(user.passwordHash, given.current)))
    throw new AppError('auth.failed', 'The current password is not right.', { fields: { current: 'is not right' } })
  await forgetGuesses(store, visitor.address, user.address)
  await requireStrongPassword(given.next, [user.name, user.address])
  const passwordHash = await hashPassword(given.next)
  const token = newToken()
  await store.prisma.$transaction(async (tx) => {
    await tx.appUser.update({ where: { id: userId }, data: { passwordHash } })
    await tx.session.deleteMany({ where: { userId, id: { not: sessionId } } })
    await tx.session.update({
      where: { id: sessionId },
      data: { tokenHash: tokenHash(token), expiresAt: sessionEnd() },
    })
    await tx.auditEvent.create({ data: { userId, kind: 'password_changed' } })
  })
  announceEndedSessions(store)
  return token
}

/** For the owner at the terminal: a new password, every session ended. */
export const resetPassword = async (store: Store, address: string | null, password: string): Promise<string> => {
  const user = await store.readSystem((tx) =>
    address === null
      ? tx.appUser.findFirst({ where: { role: 'owner' } })
      : tx.appUser.findUnique({ where: { address: address.toLowerCase() } }),
  )
  if (!user) throw new AppError('not_found', 'There is no such person on this Postern.')
  await requireStrongPassword(password, [user.name, user.address])
  const passwordHash = await hashPassword(password)
  await store.prisma.$transaction(async (tx) => {
    await tx.appUser.update({ where: { id: user.id }, data: { passwordHash } })
    await tx.session.deleteMany({ where: { userId: user.id } })
    await tx.authFailure.deleteMany({ where: { key: { endsWith: ` ${user.address}` } } })
    await tx.auditEvent.create({ data: { userId: user.id, kind: 'password_reset' } })
  })
  return user.address
}
