import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { newToken, tokenHash } from '#auth/session-tokens.ts'
import { createLogger } from '#platform/logger.ts'
import type { Store } from '#store/open-store.ts'
import { type AppOptions, buildApp } from '../../src/app.ts'

/** The API on a store, quiet, without pages and behind nothing, unless said otherwise. */
export const buildTestApp = (options: { store: Store } & Partial<AppOptions>): Promise<FastifyInstance> =>
  buildApp({
    logger: createLogger({ level: 'silent' }),
    masterKey: randomBytes(32),
    signingKey: randomBytes(32),
    publicUrl: null,
    trustProxy: [],
    ca: undefined,
    webDir: '/nonexistent',
    version: '0',
    ...options,
  })

/** A session of an hour, as the value of a Cookie header. */
export const openTestSession = async (store: Store, userId: bigint): Promise<string> => {
  const token = newToken()
  await store.prisma.session.create({
    data: {
      userId,
      tokenHash: tokenHash(token),
      expiresAt: new Date(Date.now() + 3_600_000),
      address: '',
      userAgent: '',
    },
  })
  return `postern_session=${token}`
}
