import { randomBytes } from 'node:crypto'
import { errorBody } from '@postern/shared/errors.ts'
import { type RestName, rest } from '@postern/shared/rest.ts'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { newToken, tokenHash } from '#auth/session-tokens.ts'
import { createLogger } from '#platform/logger.ts'
import type { Store } from '#store/open-store.ts'
import { type AppOptions, buildApp } from '../../src/app.ts'
import { codesOf } from '../../src/openapi.ts'

/** The API on a store, quiet, without pages and behind nothing, unless said otherwise. */
export const buildTestApp = async (options: { store: Store } & Partial<AppOptions>): Promise<FastifyInstance> => {
  const app = await buildApp({
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
  // No operation may fail in a way that its reference does not name: also where a code comes as a value, which the guard
  // over all operations (test/guards/error-codes.test.ts) cannot see. Told at the end, so that the answer is what it was.
  const undeclared = new Set<string>()
  app.addHook('onSend', async ({ routeOptions }, reply, payload) => {
    const name = z.object({ operationId: restName }).safeParse(routeOptions.schema).data?.operationId
    if (name === undefined || reply.statusCode < 400 || typeof payload !== 'string') return
    const { code } = errorBody.parse(JSON.parse(payload)).error
    if (!codesOf(name).includes(code)) undeclared.add(`${name} answers ${code}, which the reference does not say`)
  })
  app.addHook('onClose', async () => {
    if (undeclared.size > 0) throw new Error([...undeclared].join('\n'))
  })
  return app
}
const restName = z.enum(Object.keys(rest) as [RestName, ...RestName[]]) // keys of the table

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
