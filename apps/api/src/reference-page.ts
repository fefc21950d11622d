import Fastify, { type FastifyInstance } from 'fastify'
import { commonHeaders } from './web-pages.ts'

/**
 * The API's reference at /docs. Its library carries a page of several megabytes, which few ever open: it is loaded with
 * the first request, into a server of its own that listens nowhere.
 */
export const registerReferencePage = (app: FastifyInstance): void => {
  let inner: Promise<FastifyInstance> | undefined
  for (const url of ['/docs', '/docs/*'])
    app.get(url, { schema: { hide: true } }, async (request, reply) => {
      inner ??= buildReference()
      const { routing } = await inner
      reply.hijack()
      routing(request.raw, reply.raw)
    })
  app.addHook('onClose', async () => (await inner)?.close())
}

const buildReference = async (): Promise<FastifyInstance> => {
  const { default: scalar } = await import('@scalar/fastify-api-reference')
  const docs = Fastify({ logger: false })
  docs.addHook('onRequest', async (_request, reply) => {
    reply.headers(commonHeaders)
  })
  docs.addHook('onSend', async (_request, reply) => {
    // The page brings inline scripts and styles of its own; looser rules only here, still nothing from outside.
    reply.header(
      'content-security-policy',
      "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'",
    )
  })
  await docs.register(scalar, {
    routePrefix: '/docs',
    configuration: {
      url: '/v1/openapi.json',
      pageTitle: 'Postern',
      favicon: '/favicon.ico',
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      showDeveloperTools: 'never',
      hideClientButton: true,
    },
  })
  await docs.ready()
  return docs
}
