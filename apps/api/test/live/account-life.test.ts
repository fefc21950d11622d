import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import type { Dovecot } from '../support/dovecot.ts'
import type { EngineFixture } from '../support/engine-fixture.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { letter } from '../support/letter.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { until } from '../support/until.ts'

describe('an account that comes and goes', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let engine: EngineFixture
  let stop: LiveScene['stop']
  let app: FastifyInstance
  let cookie = ''
  beforeAll(async () => {
    ;({ dovecot, proxy, engine, stop } = await startLiveScene())
    app = await buildTestApp({ store: engine.store, masterKey: engine.deps.masterKey, ca: dovecot.certificate })
    cookie = await openTestSession(engine.store, engine.userId)
    dovecot.addUser('guest', 'secret')
    for (const n of [1, 2, 3]) dovecot.deliver('guest', 'INBOX', letter(n))
  })
  afterAll(async () => {
    await app?.close()
    await stop()
  })
  const send = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) =>
    app.inject({
      method,
      url,
      headers: { host: 'localhost', 'x-postern': '1', cookie },
      ...(payload ? { payload } : {}),
    })
  const add = (port = proxy.port) =>
    send('POST', '/v1/accounts', {
      address: 'guest@example.org',
      password: 'secret',
      incoming: { host: 'localhost', port, security: 'plain', username: 'guest' },
    })
  const messages = async (accountId: string) =>
    (await engine.shown(BigInt(accountId), 'INBOX')).map(({ messageId, subject, flags }) => ({
      messageId,
      subject,
      flags,
    }))
  const ready = (accountId: string) =>
    engine.store.prisma.message.count({ where: { accountId: BigInt(accountId), bodyState: 'ready' } })
  const untilReady = (accountId: string, count: number) =>
    until(async () => (await ready(accountId)) === count, { what: `${count} texts` })
  const fetchedTexts = () => proxy.said('toServer').match(/UID FETCH [\d:,]+ .*BODY\.PEEK\[1\]/g) ?? []

  let accountId = ''
  let before: Awaited<ReturnType<typeof messages>> = []

  it('gets no password in the open until the owner lists the host', async () => {
    const denied = await add()
    expect([denied.statusCode, denied.json().error.code]).toEqual([403, 'account.plaintext_denied'])
    expect(proxy.connections().made).toBe(0)
    const policy = { plaintextHosts: [`localhost:${proxy.port}`], privateHosts: [] }
    expect((await send('PUT', '/v1/owner/policy', policy)).statusCode).toBe(200)
    const added = await add()
    expect(added.statusCode, added.body).toBe(200)
    accountId = added.json().id
    await untilReady(accountId, 3)
    before = await messages(accountId)
    expect((await add()).json().error.code).toBe('account.exists')
  })

  it('is let go of when it is disconnected, and is the same with all its ids when it is added again', async () => {
    expect((await send('DELETE', `/v1/accounts/${accountId}?mode=disconnect`)).statusCode).toBe(204)
    await until(async () => proxy.connections().open === 0, { what: 'the end of all connections' })
    expect((await send('GET', '/v1/accounts')).json().accounts).toEqual([])
    expect((await send('GET', '/v1/search?q=quetzal')).json().hits).toEqual([])
    dovecot.deliver('guest', 'INBOX', letter(4))
    dovecot.doveadm('flags', 'add', '-u', 'guest', '\\Flagged', 'mailbox', 'INBOX', 'uid', '2')
    const fetched = fetchedTexts().length
    expect((await add()).json().id).toBe(accountId)
    await untilReady(accountId, 4)
    await until(async () => (await messages(accountId))[1]?.flags === 4, { what: 'the star set meanwhile' })
    const [one, two, three, four] = await messages(accountId)
    expect([one, { ...two, flags: 0 }, three]).toEqual(before)
    expect(four?.subject).toBe('Letter 4')
    // Only the new one's text was missing.
    expect(fetchedTexts().slice(fetched)).toEqual([expect.stringContaining('UID FETCH 4 ')])
    expect((await send('GET', '/v1/search?q=quetzal')).json().hits).toHaveLength(4)
  })

  it('leaves nothing behind when it is erased, and begins anew when it is added again', async () => {
    expect((await send('DELETE', `/v1/accounts/${accountId}?mode=erase`)).statusCode).toBe(204)
    const { account, message, mailbox, placement, body } = engine.store.prisma
    await until(
      async () => {
        const counts = [account.count(), message.count(), mailbox.count(), placement.count(), body.count()]
        return (await Promise.all(counts)).every((count) => count === 0)
      },
      { what: 'the end of everything' },
    )
    const again = (await add()).json().id
    expect(again).not.toBe(accountId)
    await untilReady(again, 4)
    const ids = (await messages(again)).map(({ messageId }) => messageId)
    expect(before.filter(({ messageId }) => ids.includes(messageId))).toEqual([])
  })
})
