import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { storeNextMails } from '#outbox/store-mails-here.ts'
import { systemClock } from '#platform/clock.ts'
import { sweepTransfers } from '#store/transfers.ts'
import { receiveFile } from '../../src/features/transfers/receive-file.ts'
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

it('an import whose sender is gone ends after an hour without a word, keeps what came, and is told apart', async () => {
  const { store, userId } = fixture
  const { accountId, inbox } = await fixture.makeAccount(0)
  const cookie = await openTestSession(store, userId)
  const headers = { cookie, 'x-postern': '1', 'content-type': 'message/rfc822' }
  const begin = async () => {
    const payload = { expectedBytes: 20 }
    const answer = await app.inject({
      method: 'POST',
      url: `/v1/mailboxes/${inbox}/imports`,
      headers: { cookie, 'x-postern': '1' },
      payload,
    })
    return answer.json<{ id: string }>().id
  }
  const send = (id: string, payload: string) =>
    app.inject({ method: 'POST', url: `/v1/transfers/${id}/content?name=a.eml`, headers, payload })
  const look = async (id: string) => (await app.inject({ url: `/v1/transfers/${id}`, headers: { cookie } })).json()
  const minutesAgo = (id: string, minutes: number) =>
    store.prisma.transfer.update({
      where: { id: BigInt(id) },
      data: { heardAt: new Date(Date.now() - minutes * 60_000), createdAt: new Date(Date.now() - 48 * 3_600_000) },
    })
  const [silent, slow] = [await begin(), await begin()]
  expect((await send(silent, 'Subject: a\r\n\r\n')).statusCode).toBe(200)
  await minutesAgo(silent, 61)
  await minutesAgo(slow, 61)
  // A file without a mail has come as well, and of a large one nothing counts before its end.
  expect((await send(slow, 'no mail')).statusCode).toBe(422)
  expect(await look(slow)).toMatchObject({ bytes: 7 })
  await minutesAgo(slow, 61)
  const receiver = { store, scope: { kind: 'user' as const, userId, accountId }, transferId: BigInt(slow) }
  async function* onItsWay() {
    yield new Uint8Array(4 * 1024 * 1024)
    await sweepTransfers(store)
    throw new Error('enough was seen')
  }
  const file = { type: 'message/rfc822' as const, name: 'large.eml', modifiedAt: null, content: onItsWay() }
  await expect(receiveFile(receiver, file)).rejects.toThrow('enough')
  expect(await look(slow)).toMatchObject({ state: 'receiving', isCutOff: false })
  await storeNextMails({ store, scope: { kind: 'user', userId }, accountId, clock: systemClock })
  const ended = { state: 'done', isCutOff: true, hasAll: true, stored: 1, bytes: 14, expectedBytes: 20 }
  expect(await look(silent)).toMatchObject(ended)
  expect((await send(silent, 'Subject: b\r\n\r\n')).json()).toMatchObject({ error: { code: 'request.conflict' } })
  expect(await look(silent)).toMatchObject(ended)
})
