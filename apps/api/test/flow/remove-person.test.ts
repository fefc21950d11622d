import { randomBytes, randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addSyncEvent } from '#store/account-state.ts'
import { createAccount } from '#store/accounts.ts'
import { appendOctets, createBlob } from '#store/blobs.ts'
import { commit, commitBulk } from '#store/commit.ts'
import { learnWritten } from '#store/correspondents.ts'
import { takeLeases } from '#store/lease.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { eraseNextStep, removePerson } from '#store/remove-person.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { until } from '../support/until.ts'

const tablesOfAccounts = [
  'submission',
  'submission_batch',
  'message',
  'body',
  'placement',
  'thread',
  'mailbox',
  'account_lease',
  'stream',
  'sync_event',
  'blob',
  'pop_ledger',
] as const

describe('removing a person', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance
  let base = ''
  let owner = ''
  const masterKey = randomBytes(32)

  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 6 })
    app = await buildTestApp({ store, masterKey })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const address = app.server.address()
    base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    owner = await openTestSession(store, await person('owner@example.org', 'owner'))
  })
  afterAll(async () => {
    await app.close()
    await store.close()
    await database.drop()
  })

  const person = async (address: string, role = 'member'): Promise<bigint> => {
    const { id } = await store.prisma.appUser.create({ data: { address, name: address, role, passwordHash: 'x' } })
    await store.prisma.stream.create({ data: { userId: id } })
    await store.prisma.trustedSender.create({ data: { userId: id, address: 'ann@example.org' } })
    await store.prisma.template.create({
      data: { id: randomUUID(), userId: id, name: 'a', subject: '', html: '', text: '' },
    })
    await commit(store, { kind: 'system' }, ({ tx }) =>
      learnWritten(tx, id, [{ name: 'Ann', address: 'ann@example.org' }]),
    )
    return id
  }
  /** An account with so many messages that erasing it takes several steps. */
  const account = async (userId: bigint, address: string, messages: number): Promise<bigint> => {
    const server = {
      host: 'mail.example.org',
      port: 993,
      security: 'tls' as const,
      username: 'u',
      pinnedFingerprint: null,
    }
    const wanted = { address, name: '', kind: 'imap' as const, incoming: server, outgoing: null }
    const id =
      (await commit(store, { kind: 'user', userId }, (unit) =>
        createAccount(unit, {
          userId,
          settings: wanted,
          password: 'p',
          outgoingPassword: null,
          masterKey,
          isPrivateHost: false,
        }),
      )) ?? 0n
    const mailbox = await store.prisma.mailbox.create({ data: { accountId: id, path: 'INBOX', name: 'INBOX' } })
    const thread = await store.prisma.thread.create({ data: { accountId: id } })
    await store.prisma.popLedger.create({ data: { accountId: id, key: 'listed once', sizeBytes: 1n } })
    const empty = { fromAddresses: [], replyTo: [], toAddresses: [], cc: [], bcc: [] }
    const facts = {
      accountId: id,
      threadId: thread.id,
      subject: address,
      receivedAt: new Date(),
      sizeBytes: 1n,
      ...empty,
    }
    const rows = await store.prisma.message.createManyAndReturn({
      data: Array.from({ length: messages }, () => ({ ...facts, identityKey: randomUUID() })),
      select: { id: true },
    })
    await store.prisma.body.createMany({
      data: rows.map((row) => ({ messageId: row.id, accountId: id, text: 'secret' })),
    })
    await store.prisma.placement.createMany({
      data: rows.map((row, n) => ({
        accountId: id,
        mailboxId: mailbox.id,
        shownMailboxId: mailbox.id,
        uid: BigInt(n + 1),
        messageId: row.id,
        threadId: thread.id,
        receivedAt: facts.receivedAt,
      })),
    })
    return id
  }
  const send = (method: 'GET' | 'DELETE', url: string, cookie = owner) =>
    app.inject({ method, url, headers: { host: 'localhost', 'x-postern': '1', cookie } })
  const rowsOf = async (accountId: bigint) =>
    Promise.all(
      tablesOfAccounts.map(async (table) => {
        const [row] = await store.prisma.$queryRawUnsafe<{ n: number }[]>(
          `SELECT count(*)::int AS n FROM ${table} WHERE account_id = ${accountId}`,
        )
        return row?.n ?? 0
      }),
    )

  it('signs them out at once, stops their accounts, erases everything in steps, and leaves everybody else alone', async () => {
    const leaving = await person('leaving@example.org')
    const staying = await person('staying@example.org')
    const accounts = [await account(leaving, 'a@example.org', 1500), await account(leaving, 'b@example.org', 1)]
    const other = await account(staying, 'c@example.org', 3)
    const othersRows = await rowsOf(other)
    const cookie = await openTestSession(store, leaving)
    expect((await send('GET', '/v1/users')).json().users).toMatchObject([
      { role: 'owner', accounts: 0 },
      { address: 'leaving@example.org', accounts: 2 },
      { address: 'staying@example.org', accounts: 1 },
    ])
    const [lease] = await takeLeases(store, 'an engine', 1)
    expect(lease?.accountId).toBe(accounts[0])

    const socket = io(base, { transports: ['websocket'], extraHeaders: { cookie }, reconnection: false })
    await new Promise<void>((done) => socket.once('ready', done))
    const isSignedOut = new Promise<void>((done) => socket.once('signedOut', done))
    expect((await send('DELETE', `/v1/users/${leaving}`)).statusCode).toBe(204)
    await isSignedOut
    socket.close()
    expect((await send('GET', '/v1/session', cookie)).statusCode).toBe(401)
    expect((await send('GET', '/v1/users')).json().users).toHaveLength(2)
    expect((await send('DELETE', `/v1/users/${leaving}`)).statusCode).toBe(404)
    // What the engine still has in hand can no longer be written, and nobody takes these accounts again.
    const late = commit(
      store,
      { kind: 'engine', accountId: accounts[0] ?? 0n, epoch: lease?.epoch ?? 0n },
      async () => 1,
    )
    await expect(late).rejects.toMatchObject({ code: 'lease.lost' })
    expect((await takeLeases(store, 'another engine', 10)).map(({ accountId }) => accountId)).toEqual([other])

    let steps = 0
    while (await eraseNextStep(store)) steps++
    // 1000 and 500 messages, the rest of that account, one message, the rest, the person.
    expect(steps).toBe(6)
    for (const accountId of accounts) expect(await rowsOf(accountId)).toEqual(tablesOfAccounts.map(() => 0))
    expect(await store.prisma.appUser.count({ where: { id: leaving } })).toBe(0)
    expect(await store.prisma.trustedSender.count({ where: { userId: leaving } })).toBe(0)
    expect(await store.prisma.correspondent.count({ where: { userId: leaving } })).toBe(0)
    expect(await store.prisma.template.count({ where: { userId: leaving } })).toBe(0)
    expect(await rowsOf(other)).toEqual(othersRows)
    expect(await store.prisma.trustedSender.count({ where: { userId: staying } })).toBe(1)
    expect(await store.prisma.correspondent.count({ where: { userId: staying } })).toBe(1)
    expect(await store.prisma.template.count({ where: { userId: staying } })).toBe(1)
  })

  it('erases one account in steps, and nothing that the engine was writing at that moment is left', async () => {
    const leaver = await person('one-account@example.org')
    const cookie = await openTestSession(store, leaver)
    const accountId = await account(leaver, 'd@example.org', 1001)
    const lease = (await takeLeases(store, 'an engine', 100)).find((taken) => taken.accountId === accountId)
    const scope = { kind: 'engine' as const, accountId, epoch: lease?.epoch ?? 0n }
    const blobId = await createBlob(store, scope)
    const isWriting = Promise.withResolvers<void>()
    const mayEnd = Promise.withResolvers<void>()
    const writing = commitBulk(store, scope, async (unit) => {
      isWriting.resolve()
      await mayEnd.promise
      await addSyncEvent(unit, accountId, { kind: 'mailbox', code: null, text: 'late' })
    })
    await isWriting.promise
    const removing = send('DELETE', `/v1/accounts/${accountId}?mode=erase`, cookie)
    await until(
      async () =>
        (
          await store.prisma.$queryRaw<unknown[]>`
            SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
        ).length > 0,
      { what: 'the removal waiting for the engine' },
    )
    mayEnd.resolve()
    await writing
    expect((await removing).statusCode).toBe(204)
    expect((await send('GET', `/v1/accounts/${accountId}`, cookie)).statusCode).toBe(404)
    // The mailbox may be added again at once, with new ids.
    expect(await account(leaver, 'd@example.org', 1)).not.toBe(accountId)

    await expect(appendOctets(store, scope, { blobId, n: 0, bytes: Buffer.from('late') })).rejects.toMatchObject({
      code: 'lease.lost',
    })
    let steps = 0
    while (await eraseNextStep(store)) steps++
    expect(steps).toBe(3)
    expect(await rowsOf(accountId)).toEqual(tablesOfAccounts.map(() => 0))
    expect(await store.prisma.blobChunk.count({ where: { blobId } })).toBe(0)
  })

  it('frees the address for somebody new, and erases an account that came in between', async () => {
    const leaving = await person('again@example.org')
    expect(await removePerson(store, leaving, 1n)).toEqual({ kind: 'removed', accountIds: [] })
    const late = await account(leaving, 'late@example.org', 2)
    const namesake = await person('again@example.org')
    while (await eraseNextStep(store));
    expect(await store.prisma.account.count({ where: { id: late } })).toBe(0)
    expect(await store.prisma.appUser.findMany({ where: { address: 'again@example.org' } })).toMatchObject([
      { id: namesake },
    ])
  })

  it('never removes the owner', async () => {
    const refused = await send('DELETE', '/v1/users/1')
    expect([refused.statusCode, refused.json().error.code]).toEqual([409, 'request.conflict'])
    expect((await send('GET', '/v1/session')).statusCode).toBe(200)
  })
})
