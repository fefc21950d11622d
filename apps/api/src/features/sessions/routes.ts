import type {} from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { forgetSetupCode, hasOwner, requireSetupCode } from '#auth/setup-code.ts'
import { changePassword, createPerson, type OpenedSession, signIn } from '#auth/sign-in.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import { commit } from '#store/commit.ts'
import { announceEndedSessions } from '#store/sessions.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { readStart } from '../read-start.ts'
import { clearSessionCookie, presentSession, setSessionCookie, visitorOf } from '../sign-in-replies.ts'

const maxSettingsBytes = 64 * 1024

/** First visit, signing in and out, where one is signed in, own settings. */
export const registerSessions = ({ router, store, version, logger }: FeatureDeps): void => {
  const welcome = async (request: FastifyRequest, reply: FastifyReply, opened: OpenedSession) => {
    setSessionCookie(request, reply, opened.token)
    return presentSession(store, opened, version)
  }

  router.on('getSetup', async () => ({ isClaimed: await store.readSystem(hasOwner), version }))
  router.on('createOwner', async ({ body, request, reply }) => {
    const opened = await store.prisma.$transaction(async (tx) => {
      await requireSetupCode(tx, body.code)
      const made = await createPerson(tx, { ...body, role: 'owner' }, visitorOf(request))
      await forgetSetupCode(tx)
      return made
    })
    return welcome(request, reply, opened)
  })
  router.on('signIn', async ({ body, request, reply }) => {
    const visitor = visitorOf(request)
    const opened = await signIn(store, body, visitor).catch((error: unknown) => {
      // For whoever locks sources out: where it came from, never what was tried.
      if (isAppError(error)) logger.info({ source: visitor.address, code: error.code }, 'a sign-in failed')
      throw error
    })
    return welcome(request, reply, opened)
  })
  router.on('getSession', async ({ user }) => presentSession(store, user, version))
  router.on('getStart', ({ user, query }) => readStart({ store, version }, user, query.mailboxId))
  router.on('signOut', async ({ user, request, reply }) => {
    await store.prisma.session.deleteMany({ where: { id: user.sessionId } })
    announceEndedSessions(store)
    clearSessionCookie(request, reply)
  })
  router.on('listSessions', async ({ user }) => {
    const rows = await store.read(user.userId, (tx) =>
      tx.session.findMany({
        where: { userId: user.userId, expiresAt: { gt: new Date() } },
        orderBy: { lastSeenAt: 'desc' },
      }),
    )
    return {
      sessions: rows.map((row) => ({
        id: row.id.toString(),
        isCurrent: row.id === user.sessionId,
        createdAt: row.createdAt.toISOString(),
        lastSeenAt: row.lastSeenAt.toISOString(),
        address: row.address,
        userAgent: row.userAgent,
      })),
    }
  })
  router.on('revokeSession', async ({ user, params }) => {
    const { count } = await store.prisma.session.deleteMany({
      where: { id: BigInt(params.sessionId), userId: user.userId },
    })
    if (count === 0) throw new AppError('not_found', 'There is no such session.')
    announceEndedSessions(store)
  })
  router.on('changePassword', async ({ user, body, request, reply }) => {
    setSessionCookie(request, reply, await changePassword(store, user, body, visitorOf(request)))
    return { ok: true as const }
  })
  router.on('patchSettings', async ({ user, body }) => {
    if (JSON.stringify(body).length > maxSettingsBytes)
      throw new AppError('request.too_large', 'These settings are too large.')
    await commit(store, { kind: 'user', userId: user.userId }, async (unit) => {
      for (const [key, value] of Object.entries(body)) {
        if (value === null) await unit.tx.userSetting.deleteMany({ where: { userId: user.userId, key } })
        else
          await unit.tx.userSetting.upsert({
            where: { userId_key: { userId: user.userId, key } },
            create: { userId: user.userId, key, value },
            update: { value },
          })
      }
      unit.log({ userId: user.userId }, { kind: 'settings' })
    })
    return { ok: true as const }
  })
}
