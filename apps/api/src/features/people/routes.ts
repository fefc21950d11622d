import { newToken, tokenHash } from '#auth/session-tokens.ts'
import { createPerson } from '#auth/sign-in.ts'
import { AppError } from '#platform/errors.ts'
import { removePerson } from '#store/remove-person.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentSession, setSessionCookie, visitorOf } from '../sign-in-replies.ts'

const invitationDays = 7

type Row = { id: bigint; createdAt: Date; expiresAt: Date; usedAt: Date | null; note: string }
const present = (row: Row) => ({
  id: row.id.toString(),
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
  usedAt: row.usedAt?.toISOString() ?? null,
  note: row.note,
})

/** People of this installation and how they come in. */
export const registerPeople = ({ router, store, engine, version, publicUrl }: FeatureDeps): void => {
  router.on('listUsers', async ({ user }) => {
    const rows = await store.read(user.userId, (tx) =>
      tx.appUser.findMany({ where: { role: { in: ['owner', 'member'] } }, orderBy: { id: 'asc' } }),
    )
    const counts = await store.readSystem((tx) => tx.account.groupBy({ by: ['userId'], _count: true }))
    const accounts = new Map(counts.map(({ userId, _count }) => [userId, _count]))
    return {
      users: rows.map((row) => ({
        id: row.id.toString(),
        name: row.name,
        address: row.address,
        role: row.role === 'owner' ? ('owner' as const) : ('member' as const),
        createdAt: row.createdAt.toISOString(),
        accounts: accounts.get(row.id) ?? 0,
      })),
    }
  })
  router.on('removeUser', async ({ user, params }) => {
    const outcome = await removePerson(store, BigInt(params.userId), user.userId)
    if (outcome.kind === 'missing') throw new AppError('not_found', 'There is no such person here.')
    if (outcome.kind === 'owner')
      throw new AppError(
        'request.conflict',
        'The owner cannot be removed: without one nobody could look after Postern.',
      )
    for (const accountId of outcome.accountIds) engine.accountChanged(accountId)
  })
  router.on('listInvitations', async ({ user }) => {
    const rows = await store.read(user.userId, (tx) => tx.invitation.findMany({ orderBy: { id: 'desc' } }))
    return { invitations: rows.map(present) }
  })
  router.on('createInvitation', async ({ user, body, request }) => {
    const token = newToken()
    const row = await store.prisma.invitation.create({
      data: {
        createdBy: user.userId,
        tokenHash: tokenHash(token),
        note: body.note,
        expiresAt: new Date(Date.now() + invitationDays * 86_400_000),
      },
    })
    const base = publicUrl?.origin ?? `${request.protocol}://${request.host}`
    // Behind the hash: servers and logs on the way never see the token.
    return { ...present(row), link: `${base}/invitation#token=${token}` }
  })
  router.on('deleteInvitation', async ({ params }) => {
    const { count } = await store.prisma.invitation.deleteMany({
      where: { id: BigInt(params.invitationId), usedAt: null },
    })
    if (count === 0) throw new AppError('not_found', 'There is no such open invitation.')
  })
  router.on('acceptInvitation', async ({ body, request, reply }) => {
    const opened = await store.prisma.$transaction(async (tx) => {
      const { count } = await tx.invitation.updateMany({
        where: { tokenHash: tokenHash(body.token), usedAt: null, expiresAt: { gt: new Date() } },
        data: { usedAt: new Date() },
      })
      if (count === 0)
        throw new AppError('auth.invitation', 'This invitation is not valid any more.', {
          hint: 'Ask the owner for a new one.',
        })
      return createPerson(tx, { ...body, role: 'member' }, visitorOf(request))
    })
    setSessionCookie(request, reply, opened.token)
    return presentSession(store, opened, version)
  })
}
