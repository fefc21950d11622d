import { type RestOperation, rest } from '@postern/shared/rest.ts'
import { socketEvents } from '@postern/shared/socket-events.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openStore, type Store } from '#store/open-store.ts'
import { buildTestApp } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'

const operation = z.strictObject({
  operationId: z.string(),
  summary: z.string().min(5),
  description: z.string().min(5),
  tags: z.array(z.string()).length(1),
  security: z.array(z.strictObject({ session: z.array(z.never()) })),
  parameters: z.array(
    z.union([
      z.strictObject({ $ref: z.string() }),
      z.looseObject({ name: z.string(), in: z.enum(['query', 'path', 'header']), schema: z.looseObject({}) }),
    ]),
  ),
  requestBody: z
    .looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.looseObject({}) })) })
    .optional(),
  responses: z.record(
    z.string().regex(/^[245]\d\d$/),
    z.looseObject({ description: z.string().min(4), content: z.record(z.string(), z.looseObject({})).optional() }),
  ),
})
/** The shape of OpenAPI 3.1, as far as we use it; anything beyond fails. */
const document = z.strictObject({
  openapi: z.literal('3.1.0'),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string() }),
  servers: z.array(z.strictObject({ url: z.url(), description: z.string() })).min(1),
  tags: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  paths: z.record(
    z.string().startsWith('/v1/'),
    z.partialRecord(z.enum(['get', 'post', 'put', 'patch', 'delete']), operation),
  ),
  components: z.strictObject({
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.literal('apiKey'), in: z.literal('cookie') })),
    parameters: z.record(z.string(), z.looseObject({ name: z.string(), in: z.string() })),
    schemas: z.record(z.string(), z.looseObject({})),
  }),
  'x-socket': z.looseObject({
    namespace: z.literal('/'),
    events: z.record(z.string(), z.looseObject({ from: z.string() })),
  }),
})

describe('the description of the interface', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let spec: z.infer<typeof document>
  let text = ''

  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 2 })
    const app = await buildTestApp({ store })
    text = (await app.inject({ url: '/v1/openapi.json', headers: { host: 'localhost:3000' } })).body
    await app.close()
    spec = document.parse(JSON.parse(text))
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })
  const operations = () =>
    Object.entries(spec.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, found]) => ({ path, method, ...found })),
    )

  it('has every operation, with its address, and the place where this Postern is', () => {
    const found = operations().map(({ operationId, method, path }) => [operationId, method, path])
    const wanted = Object.entries(rest).map(([name, { method, path }]) => [
      name,
      method.toLowerCase(),
      path.replace(/:(\w+)/g, '{$1}'),
    ])
    expect(found.toSorted()).toEqual(wanted.toSorted())
    expect(spec.servers.map(({ url }) => url)).toEqual(['http://localhost:3000'])
  })

  it('points nowhere that is not there, and lists nothing that nobody points to', () => {
    const pointers = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer = '']) => pointer)
    expect(pointers.length).toBeGreaterThan(100)
    const missing = pointers.filter((pointer) => {
      let at: unknown = spec
      for (const step of pointer.split('/')) at = z.looseObject({}).safeParse(at).data?.[step]
      return at === undefined
    })
    expect(missing).toEqual([])
    const unused = Object.keys(spec.components.schemas).filter(
      (name) => !pointers.includes(`components/schemas/${name}`),
    )
    expect(unused).toEqual([])
  })

  it('says of every operation who may call it, the header it needs, what comes back and how it may fail', () => {
    const tags = spec.tags.map(({ name }) => name)
    for (const found of operations()) {
      const { access, answer, method }: RestOperation = rest[found.operationId as keyof typeof rest] // compared with the table above
      expect(tags, found.operationId).toContain(found.tags[0])
      expect(found.security.length, found.operationId).toBe(access === 'public' ? 0 : 1)
      const header = '#/components/parameters/OwnRequest'
      expect(
        found.parameters.some(({ $ref }) => $ref === header),
        found.operationId,
      ).toBe(method !== 'GET')
      const named = found.parameters.flatMap((parameter) =>
        'name' in parameter && parameter.in === 'path' ? parameter.name : [],
      )
      expect(
        [...found.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
        found.operationId,
      ).toEqual(named)
      const statuses = Object.keys(found.responses)
      expect(
        statuses.filter((status) => status.startsWith('2')),
        found.operationId,
      ).toEqual([
        ...(answer === 'empty' ? [] : ['200']),
        // No bytes, said so.
        ...(answer === 'empty' || found.operationId === 'getPartPreview' ? ['204'] : []),
      ])
      expect(statuses, found.operationId).toEqual(
        expect.arrayContaining(['421', '500', '503', ...(access === 'public' ? [] : ['401'])]),
      )
      for (const [status, { content, ...more }] of Object.entries(found.responses)) {
        if (status === '204') expect(content, found.operationId).toBeUndefined()
        else if (status === '200') expect(Object.keys(content ?? {}).length, found.operationId).toBeGreaterThan(0)
        else {
          expect(content).toEqual({ 'application/json': { schema: { $ref: '#/components/schemas/Error' } } })
          expect(more['x-error-codes']).toEqual(expect.arrayContaining([expect.any(String)]))
        }
      }
    }
    expect(Object.keys(spec.paths['/v1/session']?.post?.responses ?? {})).toContain('429')
    expect(spec.paths['/v1/messages/{messageId}/source']?.get?.responses['200']?.content).toEqual({
      'message/rfc822': {},
    })
  })

  it('describes what goes over the socket', () => {
    expect(spec['x-socket'].events).toMatchObject({
      ready: { from: 'server' },
      resume: {
        payload: { $ref: '#/components/schemas/ResumeRequest' },
        answer: { $ref: '#/components/schemas/ResumeReply' },
      },
      changes: { payload: { $ref: '#/components/schemas/ChangeBatch' } },
      focus: { from: 'client', payload: { $ref: '#/components/schemas/FocusRequest' } },
    })
    for (const name of Object.keys(socketEvents)) expect(spec.info.description).toContain(`| \`${name}\` |`)
  })
})
