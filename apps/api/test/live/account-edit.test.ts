import { createServer, type Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renewSetupCode } from '#auth/setup-code.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { buildTestApp } from '../support/app-fixture.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { startScriptedSmtp } from '../support/scripted-smtp.ts'

describe('editing an account', () => {
  let dovecot: Dovecot
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance
  let stranger: Server
  let visits = 0
  let cookie = ''
  let accountId = ''

  const send = (method: 'GET' | 'POST' | 'PATCH', url: string, payload?: object) =>
    app.inject({
      method,
      url,
      headers: { host: 'localhost', 'x-postern': '1', ...(cookie ? { cookie } : {}) },
      ...(payload ? { payload } : {}),
    })
  const patch = (body: object) => send('PATCH', `/v1/accounts/${accountId}`, body)
  const incoming = () => ({ host: 'localhost', port: dovecot.imapsPort, security: 'tls', username: 'edith' })
  const strangerPort = () => {
    const address = stranger.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  beforeAll(async () => {
    dovecot = await startDovecot()
    dovecot.addUser('edith', 'first secret')
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 5 })
    app = await buildTestApp({ store, ca: dovecot.certificate })
    stranger = createServer((socket) => {
      visits++
      socket.end()
    })
    await new Promise<void>((done) => stranger.listen(0, '127.0.0.1', done))
    const owner = { name: 'Edith', address: 'edith@example.org', password: 'four unrelated words: lantern orbit' }
    const made = await send('POST', '/v1/setup', { code: await renewSetupCode(store), ...owner })
    cookie = `${made.cookies[0]?.name}=${made.cookies[0]?.value}`
    const added = await send('POST', '/v1/accounts', {
      address: 'edith@example.org',
      password: 'first secret',
      incoming: incoming(),
    })
    expect(added.statusCode).toBe(200)
    accountId = added.json().id
  })
  afterAll(async () => {
    stranger.close()
    await app.close()
    await store.close()
    await database.drop()
    await dovecot.stop()
  })

  it('never sends a stored password to another server', async () => {
    const elsewhere = { ...incoming(), port: strangerPort() }
    for (const body of [{ incoming: elsewhere }, { outgoing: elsewhere }]) {
      const answer = await patch(body)
      expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'account.password_needed'])
      expect(answer.json().error.fields).toEqual({ password: expect.any(String) })
    }
    expect(visits).toBe(0)
    expect((await send('GET', `/v1/accounts/${accountId}`)).json()).toMatchObject({
      incoming: incoming(),
      outgoing: null,
    })
  })

  it('tries a new password before it is stored', async () => {
    const credential = async () =>
      Buffer.from((await store.prisma.account.findFirstOrThrow()).credential).toString('hex')
    const before = await credential()
    const refused = await patch({ password: 'wrong' })
    expect([refused.statusCode, refused.json().error.code]).toEqual([422, 'login.failed'])
    expect(await credential()).toBe(before)
    dovecot.addUser('edith', 'second secret')
    expect((await patch({ password: 'second secret' })).statusCode).toBe(200)
    expect(await credential()).not.toBe(before)
  })

  it('moves to another server with the password, and renames without it', async () => {
    const plainPort = { ...incoming(), port: dovecot.imapPort, security: 'starttls' }
    const moved = await patch({ incoming: plainPort, password: 'second secret' })
    expect([moved.statusCode, moved.json().incoming]).toEqual([200, { ...plainPort, pinnedFingerprint: null }])
    expect((await patch({ name: 'Work', incoming: plainPort })).json()).toMatchObject({ name: 'Work' })
  })

  it('keeps no password for a server that sends no more', async () => {
    const sending = { ...incoming(), port: 465, pinnedFingerprint: null }
    await store.prisma.account.updateMany({ data: { outgoing: sending, outgoingCredential: new Uint8Array([1]) } })
    expect((await patch({ name: 'Work', outgoing: sending })).statusCode).toBe(200)
    expect((await store.prisma.account.findFirstOrThrow()).outgoingCredential).not.toBeNull()
    expect((await patch({ outgoing: null })).json().outgoing).toBeNull()
    expect((await store.prisma.account.findFirstOrThrow()).outgoingCredential).toBeNull()
  })

  it('learns how much its sending server takes before anything is sent, also of one that tells only who is signed in', async () => {
    let isSignedIn = false
    const server = await startScriptedSmtp((step) => {
      if (step === 'greeting') isSignedIn = false
      if (step === 'auth') isSignedIn = true
      return step === 'ehlo' && !isSignedIn ? { reply: '250-scripted.example\r\n250 AUTH PLAIN' } : undefined
    })
    const outgoing = { host: 'localhost', port: server.port, security: 'plain', username: 'edith' }
    const policy = (await send('GET', '/v1/owner/policy')).json()
    await app.inject({
      method: 'PUT',
      url: '/v1/owner/policy',
      headers: { host: 'localhost', 'x-postern': '1', cookie },
      payload: { ...policy, plaintextHosts: [`localhost:${server.port}`] },
    })
    const limits = async () =>
      (await send('GET', '/v1/identities'))
        .json()
        .identities.map((one: { address: string; maxMessageBytes: number | null }) => [
          one.address,
          one.maxMessageBytes,
        ])
    expect((await patch({ outgoing, password: 'second secret' })).statusCode).toBe(200)
    expect(await limits()).toEqual([['edith@example.org', 1_000_000]])
    dovecot.addUser('eli', 'secret')
    const settings = { address: 'eli@example.org', password: 'secret', incoming: { ...incoming(), username: 'eli' } }
    expect((await send('POST', '/v1/accounts', { ...settings, outgoing })).statusCode).toBe(200)
    expect(await limits()).toEqual([
      ['edith@example.org', 1_000_000],
      ['eli@example.org', 1_000_000],
    ])
    expect(server.mails).toEqual([])
    await server.stop()
  })
})
