import compress from '@fastify/compress'
import cookie from '@fastify/cookie'
import { plainWords } from '@postern/shared/plain-words.ts'
import { rest } from '@postern/shared/rest.ts'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type Claim, requireKnownHost, requireOwnOrigin } from '#auth/request-guard.ts'
import { cookieName, tokenHash } from '#auth/session-tokens.ts'
import { createEngine } from '#engine/engine.ts'
import { registerAccounts } from '#features/accounts/routes.ts'
import { registerChanges } from '#features/changes/routes.ts'
import { registerCommands } from '#features/commands/routes.ts'
import { registerCorrespondents } from '#features/correspondents/routes.ts'
import { registerDiscovery } from '#features/discovery/routes.ts'
import { registerDrafts } from '#features/drafts/routes.ts'
import type { FeatureDeps } from '#features/feature-deps.ts'
import { registerIdentities } from '#features/identities/routes.ts'
import { registerMailboxes } from '#features/mailboxes/routes.ts'
import { registerMessages } from '#features/messages/routes.ts'
import { registerPeople } from '#features/people/routes.ts'
import { presentChanges } from '#features/present-changes.ts'
import { readStart } from '#features/read-start.ts'
import { registerReceipts } from '#features/receipts/routes.ts'
import { registerRelay } from '#features/relay/routes.ts'
import { registerReports } from '#features/reports/routes.ts'
import { createRouter } from '#features/rest-route.ts'
import { registerSearch } from '#features/search/routes.ts'
import { registerSessions } from '#features/sessions/routes.ts'
import { registerSubmissions } from '#features/submissions/routes.ts'
import { registerThreads } from '#features/threads/routes.ts'
import { registerTransfers } from '#features/transfers/routes.ts'
import { registerUnsubscribe } from '#features/unsubscribe/routes.ts'
import { systemTexts, type TextRecords } from '#platform/dns-records.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import type { Logger } from '#platform/logger.ts'
import { startRealtime } from '#realtime/sockets.ts'
import type { Store } from '#store/open-store.ts'
import { findSession, type SessionUser, touchSession } from '#store/sessions.ts'
import { toStoreError } from '#store/store-error.ts'
import { registerHealthPages } from './health-pages.ts'
import { registerOpenApi } from './openapi.ts'
import { registerReferencePage } from './reference-page.ts'
import { commonHeaders, registerWebPages } from './web-pages.ts'

export type AppOptions = {
  store: Store
  logger: Logger
  masterKey: Buffer
  signingKey: Buffer
  publicUrl: URL | null
  trustProxy: string[]
  ca: string | undefined
  /** Where keys of signatures are looked up: the system's resolver, unless said otherwise. */
  texts?: TextRecords
  /** Where the built web app lies; without it only the API is served. */
  webDir: string
  version: string
  /** Without one there are no metrics. */
  metricsToken?: string | undefined
  /** How long a mail server is waited for that changes mailboxes. */
  treeWithinMs?: number
}

const bodyLimitBytes = 1024 * 1024
const touchEveryMs = 5 * 60_000
/** Nothing of it is a page: it loads nothing and nobody frames it. */
const sealed = { 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" }
/** Why a download was refused, which our page reads in the frame it asked with. As plain text it runs nothing. */
const framed = { 'content-security-policy': "default-src 'none'; frame-ancestors 'self'" }

/** The API role: REST, sockets, web app, from one table of operations. Nothing listens yet. */
export const buildApp = async (options: AppOptions): Promise<FastifyInstance> => {
  const { store, logger, publicUrl } = options
  const app = Fastify({
    logger: false,
    trustProxy: options.trustProxy.length > 0 ? options.trustProxy : false,
    bodyLimit: bodyLimitBytes,
    // Header-based routing tricks and odd paths have no place here.
    routerOptions: { ignoreDuplicateSlashes: false, maxParamLength: 100 },
    forceCloseConnections: true,
    // An address that cannot even be read reaches no hook.
    frameworkErrors: (error, _request, reply) =>
      sendError(reply.headers({ ...commonHeaders, ...sealed }), toAppError(error)),
  })
  z.config({ customError: plainWords })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.decorateRequest('user', null)
  app.removeContentTypeParser('text/plain')
  await app.register(cookie)
  // A page of a list takes 0.3 ms in place; through a stream of the library it took 1.2 ms, for 6% less.
  await app.register(compress, {
    threshold: 2048,
    encodings: ['gzip'],
    zlibOptions: { level: 3 },
    syncThreshold: 128 * 1024,
    customTypes: /^(application\/json|text\/html)/,
  })
  await registerOpenApi(app, options)
  registerReferencePage(app)

  const authenticate = createAuthenticator(options)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(commonHeaders)
    // Pages bring their own policy; what scripts and workers load is no page.
    if (!request.url.startsWith('/_next/')) reply.headers(sealed)
    if (request.url.startsWith('/v1/')) reply.header('cache-control', 'private, no-store')
    requireKnownHost(request.host, publicUrl)
    if (request.method === 'GET' || request.method === 'HEAD') return
    requireOwnOrigin(claimOf(request), publicUrl)
    // A header of our own: a form on another site cannot send it.
    if (request.headers['x-postern'] !== '1')
      throw new AppError('request.origin_refused', 'The header x-postern: 1 is missing.')
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toAppError(error)
    if (known.code === 'internal')
      logger.error({ err: error, route: request.routeOptions.url }, 'a request failed unexpectedly')
    if (known.detail.retryAfterMs) reply.header('retry-after', Math.ceil(known.detail.retryAfterMs / 1000))
    const isFramed = request.url.startsWith('/v1/') && /\btext\/html\b/.test(request.headers.accept ?? '')
    return isFramed ? sendError(reply.headers(framed), known, 'text/plain') : sendError(reply, known)
  })

  const router = createRouter(app, (request) => authenticate(request.headers.cookie))
  const engine = createEngine(store, options)
  const deps: FeatureDeps = { texts: systemTexts, ...options, router, engine }
  for (const register of [
    registerSessions,
    registerPeople,
    registerAccounts,
    registerDiscovery,
    registerMailboxes,
    registerThreads,
    registerMessages,
    registerReports,
    registerReceipts,
    registerUnsubscribe,
    registerSearch,
    registerTransfers,
    registerIdentities,
    registerDrafts,
    registerCorrespondents,
    registerSubmissions,
    registerRelay,
    registerCommands,
    registerChanges,
  ])
    register(deps)
  const missing = Object.keys(rest).filter((name) => !router.registered.has(name as keyof typeof rest)) // keys of the table
  if (missing.length > 0) throw new Error(`operations without a route: ${missing.join(', ')}`)

  const realtime = startRealtime(app.server, {
    store,
    logger,
    publicUrl,
    authenticate,
    claimOf: (headers, isEncrypted) => socketClaim(headers, isEncrypted, options.trustProxy.length > 0),
    present: presentChanges,
    onFocus: (accountId, screen, mailboxIds) => engine.focus(accountId, screen, mailboxIds),
  })
  app.addHook('preClose', () => realtime.close())
  registerHealthPages(app, { store, connections: realtime.connections, metricsToken: options.metricsToken })
  await registerWebPages(app, {
    webDir: options.webDir,
    publicUrl,
    readStart: async ({ headers }, mailboxId) => {
      const user = await authenticate(headers.cookie)
      return user && readStart(deps, user, mailboxId)
    },
  })
  return app
}

const sendError = (reply: FastifyReply, error: AppError, type = 'application/json') =>
  reply.code(error.status).type(`${type}; charset=utf-8`).send(JSON.stringify(error.toBody()))

const claimOf = (request: FastifyRequest): Claim => ({
  host: request.host,
  origin: request.headers.origin,
  fetchSite: one(request.headers['sec-fetch-site']),
  protocol: request.protocol,
})

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)

/** Of several proxies the nearest one writes last; so does Fastify read them. */
const lastOf = (value: string | string[] | undefined): string | undefined => one(value)?.split(',').at(-1)?.trim()

const socketClaim = (
  headers: Record<string, string | string[] | undefined>,
  isEncrypted: boolean,
  isProxied: boolean,
): Claim => {
  const forwarded = isProxied ? lastOf(headers['x-forwarded-proto']) : undefined
  const host = (isProxied ? lastOf(headers['x-forwarded-host']) : undefined) ?? one(headers.host) ?? ''
  return {
    host,
    origin: one(headers.origin),
    fetchSite: one(headers['sec-fetch-site']),
    protocol: forwarded ?? (isEncrypted ? 'https' : 'http'),
  }
}

/** Who holds the session cookie of a request; null when nobody does. */
const createAuthenticator = ({
  store,
  logger,
}: Pick<AppOptions, 'store' | 'logger'>): ((cookieHeader: string | undefined) => Promise<SessionUser | null>) => {
  const names = [cookieName(true), cookieName(false)]
  return async (cookieHeader) => {
    const jar = new Map(
      (cookieHeader ?? '')
        .split(';')
        .map((pair): [string, string] => [
          pair.slice(0, pair.indexOf('=')).trim(),
          pair.slice(pair.indexOf('=') + 1).trim(),
        ]),
    )
    const token = names.map((name) => jar.get(name)).find((value) => value !== undefined && value !== '')
    if (!token || token.length > 128) return null
    const user = await findSession(store, tokenHash(token))
    if (user && Date.now() - user.lastSeenAt.getTime() > touchEveryMs)
      // Where nothing can be written one may still read.
      await touchSession(store.prisma, user.sessionId).catch((error: unknown) =>
        logger.debug({ err: error }, 'a sign of life was not noted'),
      )
    return user
  }
}

const toAppError = (error: FastifyError): AppError => {
  const known = toStoreError(error)
  if (isAppError(known)) return known
  if (hasZodFastifySchemaValidationErrors(error)) {
    // Of several things wrong with one field the first says most: what is empty is rarely in the right form either.
    const fields = Object.fromEntries(
      error.validation
        .map(({ instancePath, message }) => [
          instancePath.replace(/^\//, '').replaceAll('/', '.') || 'request',
          message ?? 'is not right',
        ])
        .reverse(),
    )
    return new AppError('request.invalid', 'Something in this request is not right.', { fields, cause: error })
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new AppError('request.unsupported_media', 'This kind of content is not understood here.', { cause: error })
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' || error.statusCode === 413)
    return new AppError('request.too_large', 'This request is too large.', { cause: error })
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new AppError('request.invalid', 'This request cannot be read.', { cause: error })
  return new AppError('internal', 'Something went wrong inside Postern.', {
    hint: 'Try again; if it stays, look into the log.',
    cause: error,
  })
}
