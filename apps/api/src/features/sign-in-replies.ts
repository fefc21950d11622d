import type {} from '@fastify/cookie'
import type { CurrentSession } from '@postern/shared/sessions.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { cookieName, sessionDays } from '#auth/session-tokens.ts'
import type { Visitor } from '#auth/sign-in.ts'
import { AppError } from '#platform/errors.ts'
import type { Store } from '#store/open-store.ts'
import { relayStateFor } from '#store/relay.ts'
import { personOf, settingsOf } from '#store/sessions.ts'

/** What every way of signing in answers: a cookie, and who is signed in. */
export const visitorOf = (request: FastifyRequest): Visitor => ({
  address: request.ip,
  userAgent: request.headers['user-agent'] ?? '',
})

const cookieFor = ({ protocol }: FastifyRequest) => {
  const isSecure = protocol === 'https'
  return {
    name: cookieName(isSecure),
    options: { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure } as const,
  }
}

export const setSessionCookie = (request: FastifyRequest, reply: FastifyReply, token: string): void => {
  const { name, options } = cookieFor(request)
  reply.setCookie(name, token, { ...options, maxAge: sessionDays * 86_400 })
}

/** With the marks it was set with: browsers take nothing else for a name that begins with `__Host-`. */
export const clearSessionCookie = (request: FastifyRequest, reply: FastifyReply): void => {
  const { name, options } = cookieFor(request)
  reply.clearCookie(name, options)
}

export const presentSession = async (
  store: Store,
  opened: { userId: bigint; sessionId: bigint },
  version: string,
): Promise<CurrentSession> => {
  const { userId } = opened
  const [[user], settings, [relay]] = await store.readAs(userId, [
    personOf(userId),
    settingsOf(userId),
    relayStateFor(userId),
  ])
  if (!user) throw new AppError('auth.required', 'Please sign in again.')
  return {
    user: {
      id: user.id.toString(),
      name: user.name,
      address: user.address,
      role: user.role === 'owner' ? 'owner' : 'member',
    },
    sessionId: opened.sessionId.toString(),
    isRelayRefused: relay?.isRefused === true,
    settings: Object.fromEntries(settings.map(({ key, value }) => [key, value])),
    version,
  }
}
