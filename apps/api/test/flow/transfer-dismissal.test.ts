import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { type OutboxRows, startOutboxRows } from './outbox-fixture.ts'

let fixture: OutboxRows
let app: FastifyInstance
beforeAll(async () => {
  fixture = await startOutboxRows()
  app = await buildTestApp({ store: fixture.store })
})
afterAll(async () => {
  await app.close()
  await fixture.stop()
})

it('imports are put away once they have ended, by their own person, for all screens', async () => {
  const { prisma } = fixture.store
  const { userId } = fixture
  const { accountId, inbox: mailboxId } = await fixture.makeAccount(0)
  const { id: streamId } = await prisma.stream.create({ data: { userId } })
  const closedAt = new Date()
  const begin = async (facts: object) => {
    const data = { userId, accountId, mailboxId, kind: 'import', ...facts }
    return (await prisma.transfer.create({ data, select: { id: true } })).id
  }
  const [done, cancelled, receiving, working] = [
    await begin({ closedAt }),
    await begin({ cancelledAt: closedAt }),
    await begin({}),
    await begin({ closedAt }),
  ]
  const item = { transferId: working, accountId, mailboxId, name: 'a', sha256: Buffer.of(1), sizeBytes: 1n }
  await prisma.transferItem.create({ data: item })
  const stranger = await fixture.makeUser('stranger@example.org')
  const ask = async (of: bigint, method: 'GET' | 'POST', url: string, payload?: object) =>
    app.inject({
      method,
      url,
      headers: { cookie: await openTestSession(fixture.store, of), 'x-postern': '1' },
      ...(payload ? { payload } : {}),
    })
  const listed = async () => {
    const { transfers } = (await ask(userId, 'GET', '/v1/transfers')).json<{ transfers: { id: string }[] }>()
    return transfers.map(({ id }) => BigInt(id))
  }
  const transferIds = [done, cancelled, receiving, working].map(String)
  const dismiss = (of: bigint) => ask(of, 'POST', '/v1/transfers/dismiss', { transferIds })
  expect((await dismiss(stranger.id)).statusCode).toBe(204)
  expect(await listed()).toEqual([working, receiving, cancelled, done])
  expect((await dismiss(userId)).statusCode).toBe(204)
  expect(await listed()).toEqual([working, receiving])
  const told = () => prisma.change.findMany({ where: { streamId, kind: 'transfersDismissed' } })
  expect((await told()).map(({ data }) => data)).toEqual([
    { kind: 'transfersDismissed', transferIds: [`${done}`, `${cancelled}`] },
  ])
  await dismiss(userId)
  expect(await told()).toHaveLength(1)
})
