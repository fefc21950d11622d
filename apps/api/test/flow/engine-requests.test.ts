import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { createRequest, readRequest, takeRequests } from '#store/engine-requests.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { until } from '../support/until.ts'

/** The API's side, with a row written by hand in place of each answer of an engine. */
describe('requests to the engine', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  const accountId = 7n
  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 4 })
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  it('fail at once when the engine is too old to know their kind', async () => {
    const id = await createRequest(store, accountId, { kind: 'sync' })
    await store.prisma.engineRequest.update({ where: { id }, data: { body: { kind: 'from the future' } } })
    expect(await takeRequests(store, accountId)).toEqual([])
    expect((await readRequest(store, id)).state).toBe('failed')
  })

  it('are not waited for in a paused account', async () => {
    const facts = { userId: 1n, kind: 'imap', address: 'a@example.org', incoming: {}, dataKey: Buffer.of(1) }
    const paused = await store.prisma.account.create({ data: { ...facts, credential: Buffer.of(1), isPaused: true } })
    for (const open of ['openBody', 'openSource'] as const)
      await expect(createEngine(store)[open](paused.id, 1n)).rejects.toMatchObject({
        code: 'message.unavailable',
        message: 'The account of this message is paused.',
      })
  })

  it('break off a content that vanishes on its way, instead of passing a part of it off as the whole', async () => {
    const blob = await store.prisma.blob.create({ data: { accountId, sha256: new Uint8Array(), sizeBytes: 0n } })
    await store.prisma.blobChunk.create({ data: { blobId: blob.id, n: 0, bytes: Buffer.from('half of ') } })
    const opening = createEngine(store).openPart(accountId, 1n, 1n)
    const request = await until(() => store.prisma.engineRequest.findFirst({ where: { kind: 'part' } }), {
      what: 'the request',
    })
    const data = { state: 'running', result: { blobId: blob.id.toString() } }
    await store.prisma.engineRequest.update({ where: { id: request.id }, data })
    const chunks = (await opening).chunks[Symbol.asyncIterator]()
    expect(Buffer.from((await chunks.next()).value).toString()).toBe('half of ')
    await store.prisma.blob.delete({ where: { id: blob.id } })
    await expect(chunks.next()).rejects.toMatchObject({ code: 'message.unavailable' })
  })
})
