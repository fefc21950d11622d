import { createServer, type Server } from 'node:http'
import { io, type Socket } from 'socket.io-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import { startRealtime } from '#realtime/sockets.ts'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { findSession } from '#store/sessions.ts'
import { tokenHash } from '../../src/auth/session-tokens.ts'
import { presentChanges } from '../../src/features/present-changes.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { until } from '../support/until.ts'

type Batch = { stream: string; seq: string; changes: { kind: string }[] }
type Gate = { held: Promise<void>; open: () => void; fail: () => void }

const gate = (): Gate => {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  return { held: promise, open: resolve, fail: () => reject(new Error('the database went away')) }
}

/** What happens to a socket while its past is being read. */
describe('a socket that comes back', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let http: Server
  let realtime: ReturnType<typeof startRealtime>
  let base = ''
  let cookie = ''
  let userId = 0n
  let stream = ''
  /** The next reading waits for the first of these. */
  const gates: Gate[] = []
  let readings = 0
  const sockets: Socket[] = []

  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 6 })
    const user = await store.prisma.appUser.create({
      data: { name: 'Robin', address: 'robin@example.org', role: 'owner', passwordHash: '' },
    })
    userId = user.id
    stream = `user:${userId}`
    await store.prisma.stream.create({ data: { userId } })
    cookie = await openTestSession(store, userId)
    http = createServer()
    realtime = startRealtime(http, {
      store,
      logger: createLogger({ level: 'silent' }),
      publicUrl: null,
      authenticate: async (header) => findSession(store, tokenHash((header ?? '').split('=')[1] ?? '')),
      claimOf: ({ host }) => ({ host: String(host), origin: undefined, fetchSite: undefined, protocol: 'http' }),
      present: async (ask, of, facts) => {
        if (facts.length > 0) {
          readings++
          await gates.shift()?.held
        }
        return presentChanges(ask, of, facts)
      },
      onFocus: async () => undefined,
    })
    await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
    const address = http.address()
    base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  })
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close()
  })
  afterAll(async () => {
    await realtime.close()
    http.close()
    await store.close()
    await database.drop()
  })

  const connect = async () => {
    const got: Batch[] = []
    const socket = io(base, {
      transports: ['websocket'],
      extraHeaders: { cookie },
      reconnectionDelay: 20,
      forceNew: true,
    })
    sockets.push(socket)
    socket.on('changes', (batch: Batch) => got.push(batch))
    await new Promise<void>((done) => socket.once('ready', () => done()))
    const resume = (since: Record<string, string> = {}) =>
      new Promise<{ streams: Record<string, string> }>((done) => socket.emit('resume', { since }, done))
    return { socket, got, resume }
  }
  const change = () =>
    commit(store, { kind: 'user', userId }, async (unit) => unit.log({ userId }, { kind: 'settings' }))
  const end = async () => (await store.prisma.stream.findFirstOrThrow({ where: { userId } })).seq.toString()
  const reading = async (work: () => void) => {
    const held = gate()
    gates.push(held)
    const before = readings
    work()
    await until(async () => readings > before, { what: 'a reading' })
    return held
  }

  it('hears of what changed while its past was read', async () => {
    await change()
    const other = await connect()
    const start = (await other.resume()).streams[stream] ?? ''
    await change()
    await until(async () => other.got.length === 1)
    const back = await connect()
    let answer: { streams: Record<string, string> } | undefined
    const held = await reading(() => void back.resume({ [stream]: start }).then((said) => (answer = said)))
    await change()
    await until(async () => other.got.length === 2, { what: 'the other socket hearing of it' })
    held.open()
    await until(async () => answer !== undefined)
    expect(answer?.streams[stream]).toBe(await end())
    expect(back.got.at(-1)?.seq).toBe(await end())
  })

  it('is told of the next change although the last other one left meanwhile', async () => {
    await change()
    const other = await connect()
    const now = BigInt((await other.resume()).streams[stream] ?? '')
    const back = await connect()
    let isAnswered = false
    const held = await reading(() => void back.resume({ [stream]: String(now - 1n) }).then(() => (isAnswered = true)))
    other.socket.close()
    await until(async () => realtime.connections() === 1, { what: 'the other one gone' })
    held.open()
    await until(async () => isAnswered)
    await change()
    await until(async () => back.got.at(-1)?.seq === (await end()), { what: 'the next change' })
  })

  it('is forgotten when it went before it was answered', async () => {
    await change()
    const other = await connect()
    await other.resume()
    const back = await connect()
    const now = BigInt(await end())
    const held = await reading(() => void back.resume({ [stream]: String(now - 1n) }))
    back.socket.close()
    await until(async () => realtime.connections() === 1)
    held.open()
    other.socket.close()
    await until(async () => realtime.connections() === 0)
    const before = readings
    await change()
    // Somebody who comes later is read for; for those who went nobody reads.
    const later = await connect()
    await later.resume({ [stream]: await end() })
    await change()
    await until(async () => later.got.length > 0)
    expect(readings - before).toBe(1)
  })

  it('comes once more by itself when its past could not be read', async () => {
    await change()
    const back = await connect()
    const held = await reading(() => void back.resume({ [stream]: '0' }))
    const again = new Promise<void>((done) => back.socket.once('ready', () => done()))
    held.fail()
    await again
    expect((await back.resume()).streams[stream]).toBe(await end())
  })

  it('comes through several proxies that each add their word', async () => {
    const app = await buildTestApp({ store, publicUrl: new URL('https://mail.example.org'), trustProxy: ['127.0.0.1'] })
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const forwarded = {
      origin: 'https://mail.example.org',
      'x-forwarded-proto': 'http, https',
      'x-forwarded-host': 'inner.example, mail.example.org',
    }
    const socket = io(address, { transports: ['websocket'], extraHeaders: { cookie, ...forwarded }, forceNew: true })
    sockets.push(socket)
    await new Promise<void>((done, fail) => {
      socket.once('ready', () => done())
      socket.once('connect_error', fail)
    })
    socket.close()
    await app.close()
  })
})
