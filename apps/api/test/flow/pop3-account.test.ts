import type { CheckEvent } from '@postern/shared/accounts.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { renewSetupCode } from '#auth/setup-code.ts'
import { messageIdHash } from '#mail/threading.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { checkAccount } from '../../src/engine/check-account.ts'
import { buildTestApp } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { listing, refuse, type Script, type ScriptedPop3, startScriptedPop3 } from '../support/scripted-pop3.ts'
import { startScriptedSmtp } from '../support/scripted-smtp.ts'

const servers: ScriptedPop3[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})
const serving = async (script: Script) => {
  const server = await startScriptedPop3(script)
  servers.push(server)
  return { host: '127.0.0.1', port: server.port, security: 'plain' as const, username: 'paula' }
}
const mail = 'Subject: One\r\n\r\nHello!\r\n'

describe('the live test of a POP3 account', () => {
  const test = async (script: Script, until: 'login' | 'messages' = 'messages') => {
    const events: CheckEvent[] = []
    const incoming = { ...(await serving(script)), pinnedFingerprint: null }
    const wanted = { address: 'paula@example.org', name: '', kind: 'pop3' as const, incoming, outgoing: null }
    const isRight = await checkAccount(
      {
        wanted: { ...wanted, password: 'secret', outgoingPassword: null },
        policy: { allowPrivate: true, privateHosts: [] },
        ca: undefined,
        until,
      },
      (event) => events.push(event),
    )
    const steps = events.flatMap((event) => (event.kind === 'step' && event.state === 'ok' ? event : []))
    return { isRight, events, steps: steps.map(({ step }) => step), note: steps.at(-1)?.note }
  }

  it('tells each step, and how many messages are there', async () => {
    const { isRight, events, steps, note } = await test({ mails: [mail, mail] })
    expect([isRight, steps]).toEqual([true, ['resolve', 'connect', 'greeting', 'login', 'list']])
    expect(note).toBe('2 messages are there.')
    expect(events.at(-1)).toEqual({ kind: 'done', ok: true, mailboxes: null, newestSubjects: [] })
    expect((await test({ mails: [mail] }, 'login')).steps.at(-1)).toBe('login')
  })

  it('says what the server lacks, and what follows from that', async () => {
    const CAPA = (socket: { write: (text: string) => unknown }) => socket.write(listing('USER', 'SASL PLAIN'))
    const lacking = { CAPA, UIDL: refuse('what?'), TOP: refuse('what?') }
    const { isRight, note } = await test({ mails: [mail], on: lacking })
    expect(isRight).toBe(true)
    expect(note).toMatch(
      /^1 message is there\. .+ \(no UIDL\): each look .+ \(no TOP\): a size limit cannot be kept\.$/,
    )
    // What could not be tried is not missing.
    expect((await test({ on: lacking })).note).toBe('0 messages are there.')
    expect((await test({ mails: [mail], on: { CAPA } })).note).toBe('1 message is there.')
  })

  it('names the step that failed', async () => {
    const { isRight, events } = await test({ on: { STAT: refuse('[SYS/TEMP] not now') } })
    expect(isRight).toBe(false)
    expect(events.find(({ kind }) => kind === 'failed')).toMatchObject({ server: 'incoming', step: 'list' })
  })
})

describe('how a POP3 account is looked at', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance
  let cookie = ''
  const send = (method: 'POST' | 'PUT' | 'PATCH', url: string, payload: object) =>
    app.inject({
      method,
      url,
      payload,
      headers: { host: 'localhost', 'x-postern': '1', ...(cookie ? { cookie } : {}) },
    })
  const allow = async (...ports: number[]) => {
    const policy = { plaintextHosts: ports.map((port) => `127.0.0.1:${port}`), privateHosts: [] }
    expect((await send('PUT', '/v1/owner/policy', policy)).statusCode).toBe(200)
  }
  const asked = () => store.prisma.engineRequest.count({ where: { kind: 'sync' } })

  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 5 })
    app = await buildTestApp({ store })
    const owner = { name: 'Paula', address: 'paula@example.org', password: 'four unrelated words: lantern orbit' }
    const made = await send('POST', '/v1/setup', { code: await renewSetupCode(store), ...owner })
    cookie = `${made.cookies[0]?.name}=${made.cookies[0]?.value}`
  })
  afterAll(async () => {
    await app.close()
    await store.close()
    await database.drop()
  })

  it('is chosen with the account and changed piece by piece, at once', async () => {
    const incoming = await serving({ mails: [mail] })
    await allow(incoming.port)
    const wanted = { address: 'paula@example.org', kind: 'pop3', password: 'secret', incoming }
    const retrieval = { policy: { kind: 'newest', count: 500 }, everyMinutes: 15 }
    const added = await send('POST', '/v1/accounts', { ...wanted, retrieval })
    const usual = { maxBytes: null, isOnHold: false, isDeletionDecided: false }
    expect(added.json()).toMatchObject({
      kind: 'pop3',
      retrieval: { policy: { kind: 'newest', count: 500 }, everyMinutes: 15, ...usual },
      maildrop: null,
    })
    const { id } = added.json()
    await store.prisma.account.update({
      where: { id: BigInt(id) },
      data: { retrieval: { ...added.json().retrieval, isOnHold: true } },
    })
    const patch = (retrieval: object) => send('PATCH', `/v1/accounts/${id}`, { retrieval })
    const days = { kind: 'afterDays', days: 30 }
    expect((await patch({ policy: days })).json().retrieval).toEqual({
      ...usual,
      policy: days,
      everyMinutes: 15,
      isOnHold: true,
    })
    expect(await asked()).toBe(1)
    expect((await patch({ isOnHold: true })).statusCode).toBe(400)
    expect((await patch({ isOnHold: false, maxBytes: 1_000_000 })).json().retrieval).toEqual({
      ...usual,
      policy: days,
      everyMinutes: 15,
      maxBytes: 1_000_000,
    })
    expect(await asked()).toBe(2)
    await send('PATCH', `/v1/accounts/${id}`, { isPaused: true })
    expect((await patch({ everyMinutes: 60 })).json().retrieval.everyMinutes).toBe(60)
    // Nobody looks after a paused account.
    expect(await asked()).toBe(2)
    // A hold outlives the account's absence.
    await store.prisma.account.update({
      where: { id: BigInt(id) },
      data: { retrieval: { ...added.json().retrieval, isOnHold: true } },
    })
    const headers = { host: 'localhost', 'x-postern': '1', cookie }
    await app.inject({ method: 'DELETE', url: `/v1/accounts/${id}?mode=disconnect`, headers })
    const back = await send('POST', '/v1/accounts', { ...wanted, retrieval: { policy: { kind: 'afterDownload' } } })
    expect(back.json()).toMatchObject({ id, retrieval: { policy: { kind: 'afterDownload' }, isOnHold: true } })
    await store.prisma.account.update({ where: { id: BigInt(id) }, data: { kind: 'imap' } })
    const refused = await patch({ everyMinutes: 60 })
    expect([refused.statusCode, refused.json().error.code]).toEqual([400, 'request.invalid'])
  })

  it('is that of a disconnected one with its address and server only where that one has proved to be the same', async () => {
    const incoming = { ...(await serving({ mails: [mail] })), pinnedFingerprint: null }
    await allow(incoming.port)
    const { id: userId } = await store.prisma.appUser.findFirstOrThrow()
    const leave = async (username: string) => {
      const bytes = new Uint8Array()
      const facts = { userId, kind: 'pop3', address: 'twice@example.org', dataKey: bytes, credential: bytes }
      const { id } = await store.prisma.account.create({
        data: { ...facts, incoming: { ...incoming, username }, state: 'disconnected', disconnectedAt: new Date() },
      })
      await store.prisma.stream.create({ data: { accountId: id } })
      return id.toString()
    }
    const [first, second] = [await leave('first'), await leave('second')]
    const add = async (username: string) => {
      const wanted = { address: 'twice@example.org', kind: 'pop3', password: 'secret' }
      const answer = await send('POST', '/v1/accounts', {
        ...wanted,
        incoming: { ...incoming, username },
      })
      return [answer.statusCode, answer.json().id]
    }
    expect(await add('first')).toEqual([200, first])
    await store.prisma.account.update({
      where: { id: BigInt(first) },
      data: { state: 'disconnected', disconnectedAt: new Date() },
    })
    const [status, third] = await add('third')
    expect([status, [first, second].includes(third)]).toEqual([200, false])
  })

  it('goes on under another name, connected or added again, by one login: another one would come too soon', async () => {
    let logins = 0
    const named = (n: number) => `Message-ID: <${n}@example.org>\r\nSubject: ${n}\r\n\r\nHello!\r\n`
    const incoming = await serving({
      mails: [named(1), named(2)],
      on: {
        AUTH: (socket, _args, next) => {
          socket.write('+ \r\n')
          next(() => socket.write(++logins === 1 ? '+OK\r\n' : '-ERR [LOGIN-DELAY] minimum time between logins\r\n'))
        },
      },
    })
    await allow(incoming.port)
    const wanted = { address: 'slow@example.org', kind: 'pop3', password: 'secret', beside: true }
    const disconnect = { state: 'disconnected', disconnectedAt: new Date() }
    const leave = async (username: string, mails: number[]) => {
      logins = 0
      const added = await send('POST', '/v1/accounts', { ...wanted, incoming: { ...incoming, username } })
      const accountId = BigInt(added.json().id)
      await store.prisma.account.update({ where: { id: accountId }, data: disconnect })
      for (const n of mails) {
        const hash = messageIdHash(`<${n}@example.org>`)
        await store.prisma.$executeRaw`
          WITH t AS (INSERT INTO thread (account_id) VALUES (${accountId}) RETURNING id),
            r AS (INSERT INTO message_ref (account_id, ref_hash, thread_id) SELECT ${accountId}, ${hash}::uuid, id FROM t),
            l AS (INSERT INTO pop_ledger (account_id, key, size_bytes, state) VALUES (${accountId}, ${`uid-${n}`}, 10, 'fetched'))
          INSERT INTO message (account_id, thread_id, identity_key, message_id_hash, subject, from_addresses, reply_to, to_addresses, cc, bcc, received_at, size_bytes)
          SELECT ${accountId}, id, gen_random_uuid(), ${hash}::uuid, 'x', '[]', '[]', '[]', '[]', '[]', now(), 10 FROM t`
      }
      return accountId.toString()
    }
    const [other, own] = [await leave('other', [8, 9]), await leave('mine', [1, 2])]
    expect(own).not.toBe(other)
    logins = 0
    const now = { ...incoming, username: 'renamed' }
    const connect = (id: string) =>
      send('POST', `/v1/disconnected-accounts/${id}/connect`, { kind: 'pop3', incoming: now, password: 'secret' })
    const refused = await connect(other)
    expect([refused.statusCode, refused.json().error.message]).toEqual([
      409,
      expect.stringContaining('another mailbox'),
    ])
    logins = 0
    expect((await connect(own)).json()).toMatchObject({ id: own, incoming: { username: 'renamed' } })
    expect(logins).toBe(1)
    // Away again under the name of before, and added anew.
    const before = { ...incoming, username: 'mine', pinnedFingerprint: null }
    await store.prisma.account.update({ where: { id: BigInt(own) }, data: { incoming: before, ...disconnect } })
    logins = 0
    servers[0]?.said.splice(0)
    expect((await send('POST', '/v1/accounts', { ...wanted, incoming: now })).json()).toMatchObject({ id: own })
    expect(logins).toBe(1)
    // However many it may be, a maildrop is listed once.
    expect(servers[0]?.said.filter((line) => line === 'UIDL')).toHaveLength(1)
  })

  it('changes its password though the server nobody sends by, as the relay does, is gone', async () => {
    const incoming = { ...(await serving({ mails: [mail] })), pinnedFingerprint: null }
    const smtp = await startScriptedSmtp()
    await allow(incoming.port, smtp.port)
    const own = {
      address: 'idle@example.org',
      kind: 'pop3',
      password: 'secret',
      incoming: { ...incoming, username: 'idle' },
    }
    const outgoing = { ...incoming, port: smtp.port }
    const { id } = (await send('POST', '/v1/accounts', { ...own, outgoing })).json()
    await smtp.stop()
    const change = async (more: object) =>
      (await send('PATCH', `/v1/accounts/${id}`, { password: 'new', ...more })).statusCode
    expect(await change({})).toBe(502)
    const where = { id: BigInt(id) }
    await store.prisma.account.update({ where, data: { usesRelay: true, maxMessageBytes: 5n } })
    expect(await change({})).toBe(200)
    // What is entered for it is tried all the same, and its limit is none of the relay's.
    expect(await change({ outgoingPassword: 'for sending' })).toBe(502)
    const another = await startScriptedSmtp()
    await allow(incoming.port, another.port)
    expect(await change({ outgoing: { ...outgoing, port: another.port } })).toBe(200)
    expect((await store.prisma.account.findUniqueOrThrow({ where })).maxMessageBytes).toBe(5n)
    await another.stop()
  })
})
