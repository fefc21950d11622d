import type { Readable } from 'node:stream'
import { type RestName, type RestOperation, rest } from '@postern/shared/rest.ts'
import { id as idSchema } from '@postern/shared/wire.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { z } from 'zod'
import { AppError } from '#platform/errors.ts'
import type { SessionUser } from '#store/sessions.ts'

/** Registers REST operations from the one table of packages/shared/src/rest.ts: path, schemas and access come from there. */
type Table = typeof rest
type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined
type QueryOf<Name extends RestName> = Table[Name] extends { query: infer Schema } ? Parsed<Schema> : undefined
type BodyOf<Name extends RestName> = Table[Name] extends { body: infer Schema }
  ? Parsed<Schema>
  : Table[Name] extends { content: unknown }
    ? Readable | undefined
    : undefined
type AnswerOf<Name extends RestName> = Table[Name] extends { answer: 'empty' | 'bytes' | 'lines' }
  ? unknown
  : Table[Name] extends { response: infer Schema }
    ? Schema extends z.ZodType
      ? z.input<Schema>
      : unknown
    : unknown
type AccessOf<Name extends RestName> = Table[Name]['access']
type ParamNames<Path extends string> = Path extends `${string}:${infer Param}/${infer Rest}`
  ? Param | ParamNames<Rest>
  : Path extends `${string}:${infer Param}`
    ? Param
    : never

export type Call<Name extends RestName> = {
  /** Who asks; null only for public operations. */
  user: AccessOf<Name> extends 'public' ? SessionUser | null : SessionUser
  params: Record<ParamNames<Table[Name]['path']>, string>
  query: QueryOf<Name>
  body: BodyOf<Name>
  request: FastifyRequest
  reply: FastifyReply
}
export type Router = {
  on: <Name extends RestName>(name: Name, handle: (call: Call<Name>) => Promise<AnswerOf<Name>>) => void
  registered: Set<RestName>
}

/** Ids that clients make. */
export const madeByClients = new Set(['commandId', 'draftId', 'attachmentId', 'submissionId', 'templateId'])

const paramSchema = (path: string) => {
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? '')
  return z.object(Object.fromEntries(names.map((name) => [name, madeByClients.has(name) ? z.uuid() : idSchema])))
}

/** Bodies of these types are handed on as streams, of any size; all others are refused. */
const readAsItComes = (scope: FastifyInstance, types: readonly string[]): FastifyInstance => {
  scope.removeAllContentTypeParsers()
  for (const type of types) scope.addContentTypeParser(type, (_request, payload, done) => done(null, payload))
  return scope
}

export const createRouter = (
  app: FastifyInstance,
  authenticate: (request: FastifyRequest) => Promise<SessionUser | null>,
): Router => {
  const registered = new Set<RestName>()
  return {
    registered,
    on: (name, handle) => {
      const operation: RestOperation = rest[name]
      registered.add(name)
      const route: RouteOptions = {
        method: operation.method,
        url: operation.path,
        ...(operation.maxBodyBytes === undefined ? {} : { bodyLimit: operation.maxBodyBytes }),
        schema: {
          operationId: name,
          summary: operation.summary,
          ...(operation.path.includes(':') ? { params: paramSchema(operation.path) } : {}),
          ...(operation.query ? { querystring: operation.query } : {}),
          ...(operation.body ? { body: operation.body } : {}),
          ...(operation.response && (operation.answer ?? 'json') === 'json'
            ? { response: { 200: operation.response } }
            : {}),
        },
        // Before the body is even looked at: a stranger learns nothing from validation messages.
        onRequest: async (request) => {
          const user = await authenticate(request)
          if (operation.access !== 'public' && !user) throw new AppError('auth.required', 'Please sign in.')
          if (operation.access === 'owner' && user?.role !== 'owner')
            throw new AppError('auth.forbidden', 'Only the owner of this Postern may do this.')
          request.setDecorator('user', user)
        },
        handler: async (request, reply) => {
          // Parsed by the schemas given above, which the table ties to these types.
          const call = {
            user: request.getDecorator('user'),
            params: request.params,
            query: request.query,
            body: request.body,
            request,
            reply,
          } as unknown as Call<typeof name>
          const answer = await handle(call)
          if (operation.answer === 'empty') return reply.code(204).send()
          return answer ?? reply
        },
      }
      const { content } = operation
      if (content) app.register(async (scope) => readAsItComes(scope, content).route(route))
      else app.route(route)
    },
  }
}
