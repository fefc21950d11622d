import { timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { AppError } from '#platform/errors.ts'
import { newSha256 } from '#platform/sha256.ts'
import type { Store } from '#store/open-store.ts'

/**
 * For whoever watches over the process: `/healthz` (it runs), `/readyz` (its database answers) and, for the bearer of
 * METRICS_TOKEN only, `/metrics` in the text format of Prometheus. Without a token there is no such page.
 */
export const registerHealthPages = (
  app: FastifyInstance,
  { store, connections, metricsToken }: { store: Store; connections: () => number; metricsToken: string | undefined },
): void => {
  app.get('/healthz', { schema: { hide: true } }, async () => ({ ok: true }))
  app.get('/readyz', { schema: { hide: true } }, async () => {
    await store.readSystem((tx) => tx.$queryRaw`SELECT 1`)
    return { ok: true }
  })
  if (metricsToken === undefined) return
  const digest = (text: string) => newSha256().update(text).digest()
  const expected = digest(`Bearer ${metricsToken}`)
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    // Digests have one length, so that the comparison tells nothing of the token.
    if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected))
      throw new AppError('auth.required', 'The metrics are for the bearer of METRICS_TOKEN.', {
        hint: 'Send the header Authorization: Bearer followed by the token.',
      })
    const accounts = await store.readSystem((tx) =>
      tx.account.groupBy({ by: ['state'], where: { disconnectedAt: null }, _count: true }),
    )
    const lines = [
      '# TYPE postern_accounts gauge',
      ...accounts.map(({ state, _count }) => `postern_accounts{state="${state}"} ${_count}`),
      '# TYPE postern_sockets gauge',
      `postern_sockets ${connections()}`,
      '# TYPE process_resident_memory_bytes gauge',
      `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    ]
    return reply.type('text/plain; version=0.0.4').send(`${lines.join('\n')}\n`)
  })
}
