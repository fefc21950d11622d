import swagger from '@fastify/swagger'
import { type ErrorCode, errorCodes, errorTable } from '@postern/shared/error-codes.ts'
import { errorBody } from '@postern/shared/errors.ts'
import { type RestName, type RestOperation, rest } from '@postern/shared/rest.ts'
import { type OperationNotes, restNotes } from '@postern/shared/rest-reference.ts'
import { socketEvents } from '@postern/shared/socket-events.ts'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { cookieName } from '#auth/session-tokens.ts'

/**
 * `/v1/openapi.json`. The library translates paths and schemas of the routes; what holds for every operation (the
 * session, the header of unsafe requests, the errors) and the socket are added here, from the same tables.
 */
export const registerOpenApi = async (
  app: FastifyInstance,
  { version, publicUrl }: { version: string; publicUrl: URL | null },
): Promise<void> => {
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Postern', version, description } },
    transform: jsonSchemaTransform,
    transformObject: (document) => {
      const translated: unknown = jsonSchemaTransformObject(document)
      return complete(documentSchema.parse(translated))
    },
  })
  app.get('/v1/openapi.json', { schema: { hide: true } }, (request) => {
    const url = publicUrl?.origin ?? `${request.protocol}://${request.host}`
    return { ...app.swagger(), servers: [{ url, description: 'This Postern' }] }
  })
}

/** What an operation may answer when it fails; the test fixture holds every answer to it. */
export const codesOf = (name: RestName): ErrorCode[] => {
  const operation: RestOperation = rest[name]
  const isUnsafe = operation.method !== 'GET'
  const isRead = operation.query !== undefined || operation.body !== undefined || operation.path.includes(':')
  const codes = new Set<ErrorCode>([
    'request.host_refused',
    'storage.unavailable',
    'internal',
    ...(isUnsafe ? (['request.origin_refused', 'storage.full', 'lease.lost'] as const) : []),
    ...(isUnsafe ? (['request.invalid', 'request.unsupported_media', 'request.too_large'] as const) : []),
    ...(isRead ? (['request.invalid'] as const) : []),
    ...(operation.access === 'public' ? [] : (['auth.required'] as const)),
    ...(operation.access === 'owner' ? (['auth.forbidden'] as const) : []),
    ...(operation.path.includes(':') ? (['not_found'] as const) : []),
    ...(restNotes[name]?.errors ?? []),
  ])
  return errorCodes.filter((code) => codes.has(code))
}

const operationSchema = z.looseObject({
  operationId: z.string().refine((name): name is RestName => Object.hasOwn(rest, name)),
  parameters: z.array(z.unknown()).default([]),
  responses: z.record(z.string(), z.unknown()),
})
const documentSchema = z.looseObject({
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
})
type OpenApi = z.infer<typeof documentSchema>

const tags = [
  {
    name: 'Sessions',
    description: 'The first visit, signing in and out, own settings.',
    paths: /^(setup|sessions?|start|password|settings)$/,
  },
  { name: 'People', description: 'Who else is here, and what the owner allows.', paths: /^(users|invitations|owner)$/ },
  {
    name: 'Accounts',
    description: 'Mail accounts: finding settings, adding, health.',
    paths: /^(discovery|account|disconnected)/,
  },
  {
    name: 'Mail',
    description: 'Mailboxes, conversations, messages, search.',
    paths: /^(mailboxes|threads|messages|remote-image|trusted-senders|search|transfers)$/,
  },
  { name: 'Sending', description: 'The outbox: mail on its way out.', paths: /^(submissions|relay)$/ },
  {
    name: 'Writing',
    description: 'Who a person writes as, and what is being written.',
    paths: /^(identities|drafts|correspondents)$/,
  },
  {
    name: 'Changes',
    description: 'Commands change mail; the change log says what happened.',
    paths: /^(commands|changes)$/,
  },
]
const tagOf = (path: string): string[] => {
  const [, , first = '', , third] = path.split('/')
  const word = third === 'mailboxes' || third === 'identities' ? third : first
  return tags.filter(({ paths }) => paths.test(word)).map(({ name }) => name)
}

const complete = (document: OpenApi): Record<string, unknown> => {
  const paths = Object.fromEntries(
    Object.entries(document.paths).map(([path, methods]) => [
      path,
      Object.fromEntries(Object.entries(methods).map(([method, operation]) => [method, describeOperation(operation)])),
    ]),
  )
  const socket = describeSocket()
  return {
    ...document,
    tags: tags.map(({ name, description: text }) => ({ name, description: text })),
    paths,
    components: {
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: cookieName(false),
          description: `The cookie that signing in sets. Over TLS its name is ${cookieName(true)}.`,
        },
      },
      parameters: {
        OwnRequest: {
          name: 'x-postern',
          in: 'header',
          required: true,
          schema: { type: 'string', enum: ['1'] },
          description: 'With every request that changes something: pages of other sites cannot send it.',
        },
      },
      schemas: usedSchemas(document.components.schemas, [paths, socket]),
    },
    'x-socket': socket,
  }
}

/** Where the library lists a schema that has a name of its own. */
const schemaRef = (schema: z.ZodType) => ({ $ref: `#/components/schemas/${schema.meta()?.id}` })

const describeOperation = (found: z.infer<typeof operationSchema>): Record<string, unknown> => {
  const name = found.operationId
  const operation: RestOperation = rest[name]
  const notes = restNotes[name] ?? {}
  return {
    ...found,
    description: [notes.description, accessWords[operation.access]].filter(Boolean).join('\n\n'),
    tags: tagOf(operation.path),
    security: operation.access === 'public' ? [] : [{ session: [] }],
    parameters: [
      ...found.parameters,
      ...(operation.method === 'GET' ? [] : [{ $ref: '#/components/parameters/OwnRequest' }]),
    ],
    ...(operation.content ? { requestBody: streamedBody(operation.content) } : {}),
    responses: { ...successOf(operation, notes, found.responses), ...failuresOf(name) },
  }
}

const streamedBody = (types: readonly string[]) => ({
  required: true,
  content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'string', format: 'binary' } }])),
})

const accessWords = {
  public: 'Needs no session.',
  user: 'For whoever is signed in.',
  owner: 'For the owner of this Postern only.',
}

const successOf = (
  { answer, response }: RestOperation,
  { mediaTypes = [], nothing }: OperationNotes,
  found: Record<string, unknown>,
): Record<string, unknown> => {
  if (answer === 'empty') return { 204: { description: 'Done; the answer has no body.' } }
  if (answer === 'bytes')
    return {
      200: { description: 'The bytes.', content: Object.fromEntries(mediaTypes.map((type) => [type, {}])) },
      ...(nothing ? { 204: { description: nothing } } : {}),
    }
  if (answer === 'lines' && response) {
    const schema = schemaRef(response)
    return {
      200: { description: 'One JSON value a line, as they happen.', content: { 'application/x-ndjson': { schema } } },
    }
  }
  return { 200: { ...z.looseObject({}).parse(found['200']), description: 'Done.' } }
}

/** One response for each status, with the codes that come under it. */
const failuresOf = (name: RestName): Record<string, unknown> => {
  const byStatus = Map.groupBy(codesOf(name), (code) => errorTable[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\``).join(', '),
        'x-error-codes': codes,
        content: { 'application/json': { schema: schemaRef(errorBody) } },
      },
    ]),
  )
}

const describeSocket = () => ({
  protocol: 'socket.io 4',
  path: '/socket.io/',
  namespace: '/',
  transports: ['websocket'],
  security: [{ session: [] }],
  events: Object.fromEntries(
    Object.entries(socketEvents).map(([name, event]) => [
      name,
      {
        from: event.from,
        summary: event.summary,
        ...('payload' in event ? { payload: schemaRef(event.payload) } : {}),
        ...('answer' in event ? { answer: schemaRef(event.answer) } : {}),
      },
    ]),
  ),
})

/** Schemas that something points to: the library lists each of them twice, as it comes in and as it goes out. */
const usedSchemas = (schemas: Record<string, unknown>, roots: unknown[]): Record<string, unknown> => {
  const used = new Set<string>()
  const waiting = [JSON.stringify(roots)]
  for (let text = waiting.pop(); text !== undefined; text = waiting.pop())
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue
      used.add(name)
      waiting.push(JSON.stringify(schemas[name] ?? null))
    }
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)))
}

const description = `One private web mail for every mailbox.

## Signing in
\`POST /v1/session\` sets a cookie; send it with every request. Every request that is not a GET also carries the header
\`x-postern: 1\`, without which it is refused (403 \`request.origin_refused\`).

## Words on the wire
Ids are opaque decimal strings, 64-bit numbers decimal strings, instants ISO 8601 in UTC. Lists are paged by cursors.

## Errors
Every error has the shape \`{"error": {"code", "message", "hint"?, "fields"?, "serverText"?}}\`. \`message\` and \`hint\` are
plain words for the person, \`fields\` says by path what is wrong with the request, \`serverText\` holds the mail server's
own words. Decide by \`code\`; each operation lists those it may give.

| code | status | the same request may succeed later |
| --- | --- | --- |
${errorCodes.map((code) => `| \`${code}\` | ${errorTable[code].status} | ${errorTable[code].retry ? 'yes' : 'no'} |`).join('\n')}

## Changes as they happen
A socket.io client (version 4, transport \`websocket\`, path \`/socket.io/\`, namespace \`/\`) with the session cookie hears
of every change. The schemas of these events stand in \`x-socket\`; what a change says is the schema \`Change\`.

| event | from | |
| --- | --- | --- |
${Object.entries(socketEvents)
  .map(([name, { from, summary }]) => `| \`${name}\` | ${from} | ${summary} |`)
  .join('\n')}

A client waits for \`ready\`, says \`resume\` with what it holds (\`{since: {}}\` at first), applies each \`changes\`, and
remembers the last \`seq\` of each stream for the next \`resume\`. Without a socket, \`GET /v1/changes\` gives the same log.
`
