import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { letter } from '../support/letter.ts'
import { startScriptedPop3 } from '../support/scripted-pop3.ts'
import { until } from '../support/until.ts'

describe('a mailbox that is here, or was', () => {
  let dovecot: Dovecot
  let fixture: EngineFixture
  let app: FastifyInstance
  let cookie = ''
  beforeAll(async () => {
    dovecot = await startDovecot()
    for (const user of ['ann', 'bob', 'cal']) dovecot.addUser(user, 'secret')
    for (let n = 1; n <= 3; n++) dovecot.deliver('ann', 'INBOX', letter(n))
    dovecot.deliver('bob', 'INBOX', letter(4))
    fixture = await startEngineFixture(dovecot)
    fixture.start()
    const { store, deps, userId } = fixture
    app = await buildTestApp({ store, masterKey: deps.masterKey, ca: dovecot.certificate })
    cookie = await openTestSession(store, userId)
  })
  afterAll(async () => {
    await app.close()
    await fixture.stop()
    await dovecot.stop()
  })
  const send = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) => {
    const headers = { host: 'localhost', 'x-postern': '1', cookie }
    const answer = await app.inject({ method, url, headers, ...(payload ? { payload } : {}) })
    return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() }
  }
  const server = (port: number, username: string, host = 'localhost') => ({ host, port, security: 'tls', username })
  const pop3 = (user: string, more: object = {}) => ({
    address: `${user}@example.org`,
    kind: 'pop3',
    incoming: server(dovecot.pop3sPort, user),
    password: 'secret',
    ...more,
  })
  const refused = ({ status, body }: Awaited<ReturnType<typeof send>>) => [
    status,
    body.error?.code,
    body.error?.accountId,
  ]
  const disconnected = async () =>
    (await send('GET', '/v1/disconnected-accounts')).body.accounts.map(
      ({ id, kind, mails }: { id: string; kind: string; mails: number }) => ({ id, kind, mails }),
    )
  const disconnect = async (id: string) =>
    expect((await send('DELETE', `/v1/accounts/${id}?mode=disconnect`)).status).toBe(204)

  it('is noticed under another address and another name of its server, and is added all the same when that is wanted', async () => {
    const { body: added } = await send('POST', '/v1/accounts', pop3('ann'))
    await fixture.untilState(BigInt(added.id), 'watching')
    const alias = { address: 'alias@example.net' }
    expect(refused(await send('POST', '/v1/accounts', pop3('ann', alias)))).toEqual([409, 'account.exists', added.id])
    const renamed = { ...alias, incoming: server(dovecot.pop3sPort, 'ann', '127.0.0.1') }
    expect(refused(await send('POST', '/v1/accounts', pop3('ann', renamed)))).toEqual([409, 'account.exists', added.id])
    expect((await send('POST', '/v1/accounts', pop3('ann', { ...alias, beside: true }))).status).toBe(200)
    expect((await send('POST', '/v1/accounts', pop3('bob'))).status).toBe(200)
  })

  it('is noticed by its mails under another login name, though one mail alone says nothing', async () => {
    const mails = [1, 2, 3].map((n) => letter(n + 20))
    const peers = await Promise.all([startScriptedPop3({ mails }), startScriptedPop3({ mails: mails.slice(0, 1) })])
    try {
      const [many, one] = peers.map(({ port }) => port)
      const policy = { plaintextHosts: [many, one].map((port) => `localhost:${port}`), privateHosts: [] }
      await send('PUT', '/v1/owner/policy', policy)
      const at = (port: number | undefined, username: string) => ({
        ...pop3(username),
        incoming: { host: 'localhost', port, security: 'plain', username },
      })
      const { body: added } = await send('POST', '/v1/accounts', at(many, 'paula'))
      await fixture.untilState(BigInt(added.id), 'watching')
      expect(refused(await send('POST', '/v1/accounts', at(many, 'paul')))).toEqual([409, 'account.exists', added.id])
      expect((await send('POST', '/v1/accounts', at(one, 'pia'))).status).toBe(200)
    } finally {
      await Promise.all(peers.map((peer) => peer.stop()))
    }
  })

  it('comes back with all it holds when it is connected again, by IMAP too', async () => {
    const { accounts } = (await send('GET', '/v1/accounts')).body
    const { id } = accounts.find(({ address }: { address: string }) => address === 'bob@example.org')
    await fixture.untilState(BigInt(id), 'watching')
    const before = await fixture.shown(BigInt(id), 'INBOX')
    const outgoing = server(587, 'bob')
    await fixture.store.prisma.account.update({ where: { id: BigInt(id) }, data: { outgoing } })
    await disconnect(id)
    expect(await disconnected()).toEqual([{ id, kind: 'pop3', mails: 1 }])
    const imap = pop3('bob', { kind: 'imap', incoming: server(dovecot.imapsPort, 'bob') })
    const same = await send('POST', '/v1/accounts', imap)
    expect(refused(same)).toEqual([409, 'account.exists', id])
    expect(same.body.error.message).toContain('disconnected')
    const url = `/v1/disconnected-accounts/${id}/connect`
    // Found again at another provider, whose password the server it sent with is not to see.
    const wanted = { kind: 'imap', incoming: server(dovecot.imapsPort, 'bob', '127.0.0.1'), password: 'secret' }
    const wrong = await send('POST', url, { ...wanted, password: 'wrong' })
    expect([wrong.body.error.code, await disconnected()]).toEqual(['login.failed', [{ id, kind: 'pop3', mails: 1 }]])
    const { body } = await send('POST', url, wanted)
    expect(body).toMatchObject({ id, kind: 'imap', switching: { total: 1 }, outgoing: null })
    await until(async () => (await send('GET', `/v1/accounts/${id}`)).body.switching === null, {
      what: 'its mails at the new server',
    })
    const ids = (rows: typeof before) => rows.map(({ messageId }) => messageId)
    expect(ids(await fixture.shown(BigInt(id), 'INBOX'))).toEqual(ids(before))
    expect((await send('POST', url, wanted)).status).toBe(404)
  })

  it('is taken up by its own protocol, and erased', async () => {
    const { body: added } = await send('POST', '/v1/accounts', pop3('cal'))
    await fixture.untilState(BigInt(added.id), 'watching')
    await disconnect(added.id)
    const url = `/v1/disconnected-accounts/${added.id}`
    const { incoming } = pop3('cal')
    const again = await send('POST', `${url}/connect`, { kind: 'pop3', incoming, password: 'secret' })
    expect(again.body).toMatchObject({ id: added.id, kind: 'pop3' })
    await fixture.untilState(BigInt(added.id), 'watching')
    expect((await send('DELETE', url)).status).toBe(404)
    // It sends where it did, unless a password went, or would be shown to a server that was left.
    const outgoing = server(587, 'cal')
    const elsewhere = server(dovecot.pop3sPort, 'cal', '127.0.0.1')
    for (const { at, outgoingCredential, sends } of [
      { at: incoming, outgoingCredential: null, sends: outgoing },
      { at: incoming, outgoingCredential: new Uint8Array(1), sends: null },
      { at: elsewhere, outgoingCredential: null, sends: null },
    ]) {
      const data = { outgoing, outgoingCredential }
      await fixture.store.prisma.account.update({ where: { id: BigInt(added.id) }, data })
      await disconnect(added.id)
      const taken = await send('POST', `${url}/connect`, { kind: 'pop3', incoming: at, password: 'secret' })
      expect(taken.body).toMatchObject({ id: added.id, outgoing: sends })
    }
    await disconnect(added.id)
    expect((await send('DELETE', url)).status).toBe(204)
    expect(await disconnected()).toEqual([])
    // Added by the other protocol now, nothing is left that it could be.
    const imap = pop3('cal', { kind: 'imap', incoming: server(dovecot.imapsPort, 'cal') })
    expect((await send('POST', '/v1/accounts', imap)).status).toBe(200)
  })

  it('goes on elsewhere by its own protocol only where most of its mails are', async () => {
    for (const user of ['dora', 'eve']) dovecot.addUser(user, 'secret')
    for (let n = 31; n <= 33; n++) dovecot.deliver('dora', 'INBOX', letter(n))
    for (let n = 33; n <= 35; n++) dovecot.deliver('eve', 'INBOX', letter(n))
    for (const [kind, port] of [
      ['imap', dovecot.imapsPort],
      ['pop3', dovecot.pop3sPort],
    ] as const) {
      const account = (user: string, host?: string, more: object = {}) => ({
        address: `dora.${kind}@example.net`,
        kind,
        incoming: server(port, user, host),
        password: 'secret',
        beside: true,
        ...more,
      })
      const { id } = (await send('POST', '/v1/accounts', account('dora'))).body
      await fixture.untilState(BigInt(id), 'watching')
      const before = await fixture.shown(BigInt(id), 'INBOX')
      await disconnect(id)
      const url = `/v1/disconnected-accounts/${id}/connect`
      const other = await send('POST', url, { kind, incoming: server(port, 'eve'), password: 'secret' })
      expect(refused(other)).toEqual([409, 'request.conflict', undefined])
      expect(other.body.error.hint).toContain('an account of its own')
      // Added with its address and host it is one of its own, and what was kept stays.
      const { body: apart } = await send('POST', '/v1/accounts', account('eve'))
      expect(apart.id).not.toBe(id)
      expect(await disconnected()).toEqual([{ id, kind, mails: 3 }])
      await send('DELETE', `/v1/accounts/${apart.id}?mode=erase`)
      // Another name of its server is noticed when it is added, and taken up.
      const renamed = account('dora', '127.0.0.1', { beside: false, address: `DORA.${kind}@example.net` })
      expect((await send('POST', '/v1/accounts', renamed)).body.error).toMatchObject({ code: 'account.exists' })
      const { incoming } = renamed
      expect((await send('POST', url, { kind, incoming, password: 'secret' })).body).toMatchObject({ id, incoming })
      await fixture.untilState(BigInt(id), 'watching')
      const ids = (rows: typeof before) => rows.map(({ messageId }) => messageId)
      expect(ids(await fixture.shown(BigInt(id), 'INBOX'))).toEqual(ids(before))
      await disconnect(id)
      await send('DELETE', `/v1/disconnected-accounts/${id}`)
    }
  })
})
