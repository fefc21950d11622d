import type { ChangeBatch } from '@postern/shared/changes.ts'
import type { FastifyInstance } from 'fastify'
import { io, type Socket } from 'socket.io-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { until } from '../support/until.ts'

type Reply = { streams: Record<string, string>; reset: string[] }

describe('the socket', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance
  let base = ''
  let [owner, other] = ['', '']
  let accountId: bigint
  const sockets: Socket[] = []

  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 6 })
    app = await buildTestApp({ store })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const address = app.server.address()
    base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    const people: bigint[] = []
    for (const name of ['owner', 'other']) {
      const data = {
        address: `${name}@example.org`,
        name,
        role: name === 'owner' ? 'owner' : 'member',
        passwordHash: '-',
      }
      const { id } = await store.prisma.appUser.create({ data })
      await store.prisma.stream.create({ data: { userId: id } })
      people.push(id)
    }
    const [ownerId = 0n, otherId = 0n] = people
    ;[owner, other] = [await openTestSession(store, ownerId), await openTestSession(store, otherId)]
    const sealed = { dataKey: Buffer.of(1), credential: Buffer.of(1) }
    const incoming = { host: 'mail.example.org', port: 993, security: 'tls', username: 'o', pinnedFingerprint: null }
    const account = { userId: ownerId, kind: 'imap', address: 'owner@example.org', incoming, ...sealed }
    accountId = (await store.prisma.account.create({ data: account })).id
    await store.prisma.stream.create({ data: { accountId } })
  })
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close()
  })
  afterAll(async () => {
    await app.close()
    await store.close()
    await database.drop()
  })

  const open = async (cookie: string) => {
    const socket = io(base, { transports: ['websocket'], extraHeaders: { cookie }, reconnection: false })
    sockets.push(socket)
    const batches: ChangeBatch[] = []
    socket.on('changes', (batch: ChangeBatch) => batches.push(batch))
    await new Promise<void>((done) => socket.once('ready', done))
    const resume = (since: unknown): Promise<Reply> => socket.timeout(5000).emitWithAck('resume', { since })
    return { socket, batches, resume }
  }
  const stream = () => `account:${accountId}`
  const seq = async () => (await store.prisma.stream.findUniqueOrThrow({ where: { accountId } })).seq.toString()
  /** Something happens to the account. */
  const change = (name: string) =>
    commit(store, { kind: 'system' }, async (unit) => {
      await unit.tx.account.update({ where: { id: accountId }, data: { name } })
      unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
    })
  const namesIn = (batches: ChangeBatch[]) =>
    batches.flatMap(({ changes }) => changes.flatMap((one) => (one.kind === 'account' ? one.account.name : [])))

  it('brings what happens, and after a break what was missed', async () => {
    const first = await open(owner)
    const { streams } = await first.resume({})
    expect(streams).toMatchObject({ [stream()]: await seq() })
    await change('one')
    await until(async () => namesIn(first.batches).includes('one'), { what: 'the push' })
    const since = first.batches.at(-1)?.seq ?? ''
    first.socket.close()
    await change('two')
    const second = await open(owner)
    expect((await second.resume({ [stream()]: since })).reset).toEqual([])
    await until(async () => namesIn(second.batches).includes('two'), { what: 'what was missed' })
    // The same for clients without a socket.
    const asked = {
      url: `/v1/changes?stream=${stream()}&since=${since}`,
      headers: { host: 'localhost', cookie: owner },
    }
    expect((await app.inject(asked)).json()).toMatchObject({
      batch: { seq: await seq(), changes: [{ kind: 'account', account: { name: 'two' } }] },
      isReset: false,
      hasMore: false,
    })
    const third = await open(owner)
    expect((await third.resume({ [stream()]: '999999' })).reset).toEqual([stream()])
  })

  it('brings nobody what belongs to another person, whatever they ask for', async () => {
    const [mine, theirs] = [await open(owner), await open(other)]
    await mine.resume({})
    const { streams, reset } = await theirs.resume({ [stream()]: '0' })
    expect(Object.keys(streams).filter((name) => name.startsWith('account:'))).toEqual([])
    expect(reset).toEqual([])
    await change('secret')
    await until(async () => namesIn(mine.batches).includes('secret'), { what: 'the push to the owner' })
    // A later fact of their own has come: the other one would have been here.
    await commit(store, { kind: 'system' }, async (unit) => unit.log({ userId: 2n }, { kind: 'settings' }))
    await until(async () => theirs.batches.some(({ stream: name }) => name === 'user:2'), { what: 'their own push' })
    expect(theirs.batches.map(({ stream: name }) => name)).toEqual(['user:2'])
  })

  it('takes no harm from nonsense', async () => {
    const { socket, batches, resume } = await open(owner)
    const odd = [
      undefined,
      null,
      0,
      'x',
      [],
      {},
      { since: 1 },
      { since: { nowhere: '1' } },
      { since: { 'user:1': 'x' } },
    ]
    for (const body of [...odd, { since: {}, more: 1 }, { mailboxIds: ['x'] }, Buffer.alloc(1000)])
      for (const event of ['resume', 'focus', 'changes', 'ready', 'nothing']) {
        socket.emit(event, body)
        socket.emit(event, body, 'no function')
      }
    expect((await resume({})).streams).toHaveProperty(stream())
    await change('still here')
    await until(async () => namesIn(batches).includes('still here'), { what: 'the push' })
    // More than a message may hold: this connection ends, the next one is welcome.
    const ended = new Promise<void>((done) => socket.once('disconnect', () => done()))
    socket.emit('resume', { since: { x: 'y'.repeat(100_000) } })
    await ended
    expect((await (await open(owner)).resume({})).streams).toHaveProperty(stream())
  })
})
