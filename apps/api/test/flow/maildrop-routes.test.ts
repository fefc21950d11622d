import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit } from '#store/commit.ts'
import { releaseDeletedHere } from '#store/maildrop-wishes.ts'
import { openTestSession } from '../support/app-fixture.ts'
import { until } from '../support/until.ts'
import { type OutboxApi, startOutboxApi } from './outbox-fixture.ts'

describe('what a person asks of a maildrop', () => {
  let fixture: OutboxApi
  beforeAll(async () => {
    fixture = await startOutboxApi()
  })
  afterAll(() => fixture.stop())

  const ask = (method: 'GET' | 'POST' | 'DELETE', path: string, session?: string) =>
    fixture.send(method, path, undefined, session)
  const incoming = { host: 'pop.example.org', port: 995, security: 'tls', username: 'a' }
  /** An account of three mails: one whole, one that came again, one by its header only. */
  const makeDrop = async () => {
    const { store, makeAccount, placements } = fixture
    const { accountId } = await makeAccount(3)
    const told = { messages: 3, bytes: 30, listedAt: new Date().toISOString(), waiting: 0, copies: 1, headersOnly: 1 }
    await store.prisma.account.update({ where: { id: accountId }, data: { kind: 'pop3', incoming, maildrop: told } })
    const messageIds = (await placements(accountId)).map(({ messageId }) => messageId)
    const [first = 0n, , part = 0n] = messageIds
    for (const [messageId, isCopy, isWhole] of [
      [first, false, true],
      [first, true, true],
      [part, false, false],
    ] as const)
      await store.prisma.popLedger.create({
        data: {
          accountId,
          key: 'x',
          sizeBytes: 10n,
          state: 'fetched',
          isWhole,
          isCopy,
          messageId,
          fetchedAt: new Date(),
        },
      })
    await store.prisma.message.update({ where: { id: part }, data: { isHeaderOnly: true } })
    return { accountId, part, first }
  }
  const ledger = (accountId: bigint) =>
    fixture.store.prisma.popLedger.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
  const requests = (accountId: bigint) =>
    fixture.store.prisma.engineRequest.count({ where: { accountId, kind: 'sync' } })

  it('lets copies go once, and wakes the engine', async () => {
    const { accountId } = await makeDrop()
    const url = `/accounts/${accountId}/copies/remove`
    expect((await ask('POST', url)).json()).toEqual({ mails: 1 })
    expect((await ask('POST', url)).json()).toEqual({ mails: 0 })
    expect((await ledger(accountId)).map(({ state }) => state)).toEqual(['fetched', 'to_delete', 'fetched'])
    const { maildrop } = await fixture.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    expect(maildrop).toMatchObject({ waiting: 1, copies: 0, messages: 3 })
    expect(await requests(accountId)).toBe(1)
  })

  it('waits for the account before it takes what is in the ledger, as everybody does who counts', async () => {
    const { accountId, first } = await makeDrop()
    const { prisma } = fixture.store
    await prisma.account.update({
      where: { id: accountId },
      data: { retrieval: { policy: { kind: 'whenDeletedHere' } } },
    })
    await prisma.placement.deleteMany({ where: { messageId: first } })
    let release: Promise<number> | undefined
    await prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT 1 FROM account WHERE id = ${accountId} FOR NO KEY UPDATE`
      release = commit(fixture.store, { kind: 'system' }, (unit) => releaseDeletedHere(unit, accountId, [first]))
      await until(async () => {
        const [waiting] = await prisma.$queryRaw<{ count: number }[]>`
          SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
        return waiting?.count === 1
      })
      await tx.$queryRaw`SELECT 1 FROM pop_ledger WHERE account_id = ${accountId} FOR UPDATE NOWAIT`
    })
    expect(await release).toBe(2)
  })

  it('says of which mail only the header is here, opens it at once, and asks for the rest', async () => {
    const { accountId, part, first } = await makeDrop()
    const { threadId } = await fixture.store.prisma.message.findUniqueOrThrow({ where: { id: part } })
    expect((await ask('GET', `/threads/${threadId}`)).json().messages).toMatchObject([{ isHeaderOnly: true }])
    // Nobody else is asked: no engine runs, and to wait for one would end in an error.
    expect((await ask('GET', `/messages/${part}/body`)).json()).toMatchObject({
      state: 'absent',
      text: '',
      parts: [],
    })
    expect((await ask('GET', `/messages/${part}/source`)).json()).toMatchObject({
      error: { code: 'message.unavailable', hint: 'Get the rest of it first.' },
    })
    for (const id of [part, part, first])
      expect((await ask('POST', `/messages/${id}/rest`)).json()).toEqual({ ok: true })
    expect((await ledger(accountId)).map(({ wantsWhole }) => wantsWhole)).toEqual([false, false, true])
    expect(await requests(accountId)).toBe(2)
    await fixture.store.prisma.popLedger.updateMany({ where: { messageId: part }, data: { sizeBytes: 300_000_000n } })
    const refused = await ask('POST', `/messages/${part}/rest`)
    expect([refused.statusCode, refused.json().error]).toMatchObject([
      413,
      { code: 'message.too_large', hint: expect.stringContaining('stays at the provider') },
    ])
    await fixture.store.prisma.popLedger.updateMany({ where: { accountId }, data: { missingSince: new Date() } })
    expect((await ask('POST', `/messages/${part}/rest`)).json()).toMatchObject({ error: { code: 'message.gone' } })
  })

  it('asks for the rest of all that fit into the limit, which counts as soon as it is another one', async () => {
    const { accountId, part } = await makeDrop()
    const { prisma } = fixture.store
    const { threadId } = await prisma.message.findUniqueOrThrow({ where: { id: part } })
    await prisma.popLedger.updateMany({ where: { messageId: part }, data: { sizeBytes: 5000n } })
    const limit = async (maxBytes: number | null) => {
      const { maildrop } = (await fixture.send('PATCH', `/accounts/${accountId}`, { retrieval: { maxBytes } })).json()
      const { headersOnlyBytes, fitting, beyond, coming } = maildrop
      return { headersOnlyBytes, fitting, beyond, coming }
    }
    const [none, one] = [
      { mails: 0, bytes: 0 },
      { mails: 1, bytes: 5000 },
    ]
    expect(await limit(4999)).toEqual({ headersOnlyBytes: 5000, fitting: none, beyond: one, coming: none })
    expect(await limit(null)).toEqual({ headersOnlyBytes: 5000, fitting: one, beyond: none, coming: none })
    const url = `/accounts/${accountId}/rests/fetch`
    const asked = await requests(accountId)
    expect((await ask('POST', url)).json()).toEqual(one)
    expect((await ask('POST', url)).json()).toEqual(none)
    expect(await requests(accountId)).toBe(asked + 1)
    const { maildrop } = (await ask('GET', `/accounts/${accountId}`)).json()
    expect(maildrop).toMatchObject({ headersOnly: 1, fitting: none, coming: one, came: none })
    // Whoever has it open is told, and need not ask again.
    const { id: streamId } = await prisma.stream.findUniqueOrThrow({ where: { accountId } })
    const changes = await prisma.change.findMany({ where: { streamId } })
    expect(changes.map(({ data }) => data)).toContainEqual({ kind: 'bodies', messageIds: [`${part}`] })
    expect((await ask('GET', `/threads/${threadId}`)).json().messages).toMatchObject([
      { isHeaderOnly: true, isRestComing: true },
    ])
    // Deleted for good here it is neither awaited nor shown as being here.
    await prisma.placement.deleteMany({ where: { messageId: part } })
    await commit(fixture.store, { kind: 'system' }, (unit) => releaseDeletedHere(unit, accountId, [part]))
    expect((await ask('GET', `/accounts/${accountId}`)).json().maildrop).toMatchObject({
      headersOnly: 0,
      coming: none,
      came: none,
      onlyThere: 1,
    })
  })

  it('asks for the rest of those above the limit too, but only when told so', async () => {
    const { accountId, part } = await makeDrop()
    const { prisma } = fixture.store
    await prisma.popLedger.updateMany({ where: { messageId: part }, data: { sizeBytes: 5000n } })
    await fixture.send('PATCH', `/accounts/${accountId}`, { retrieval: { maxBytes: 4999 } })
    const fetch = async (body?: object) =>
      (await fixture.send('POST', `/accounts/${accountId}/rests/fetch`, body)).json()
    expect([await fetch(), await fetch({})]).toEqual(Array(2).fill({ mails: 0, bytes: 0 }))
    expect(await fetch({ isBeyondLimit: true })).toEqual({ mails: 1, bytes: 5000 })
    const { maildrop } = (await ask('GET', `/accounts/${accountId}`)).json()
    expect(maildrop).toMatchObject({ beyond: { mails: 0 }, coming: { mails: 1, bytes: 5000 } })
  })

  it('says of which mails nobody else has a copy, while the account is connected and afterwards', async () => {
    const { accountId } = await makeDrop()
    const { prisma } = fixture.store
    const [, only] = await fixture.placements(accountId)
    await prisma.message.update({ where: { id: only?.messageId ?? 0n }, data: { sizeBytes: 7000n } })
    const counted = async () => {
      const { mails, bytes } = (await ask('GET', `/accounts/${accountId}/switch`)).json()
      return { mails, bytes }
    }
    expect(await counted()).toEqual({ mails: 1, bytes: 7000 })
    await prisma.popLedger.updateMany({ where: { accountId, isWhole: false }, data: { missingSince: new Date() } })
    const two = await counted()
    expect(two.mails).toBe(2)
    await prisma.stream.create({ data: { userId: fixture.userId } })
    await prisma.accountLease.create({ data: { accountId, expiresAt: new Date(0) } })
    expect((await ask('DELETE', `/accounts/${accountId}?mode=disconnect`)).statusCode).toBe(204)
    const kept = async () => (await ask('GET', '/disconnected-accounts')).json().accounts.at(-1)
    expect(await kept()).toMatchObject({ id: `${accountId}`, mails: 3, onlyHere: two })
    await prisma.account.update({ where: { id: accountId }, data: { kind: 'imap' } })
    expect(await kept()).toMatchObject({ id: `${accountId}`, onlyHere: null })
  })

  it('is told how a look that was asked for ended, and at once when there will be none', async () => {
    const { accountId } = await makeDrop()
    const { prisma } = fixture.store
    const url = `/accounts/${accountId}/sync`
    const open = { state: 'running', arrived: null, completed: null, removed: null, waitsUntil: null, problem: null }
    const asked = (await ask('POST', url)).json()
    expect(asked).toEqual({ id: expect.any(String), ...open })
    const at = `${url}s/${asked.id}`
    const end = (state: string, result: object) =>
      prisma.engineRequest.update({ where: { id: BigInt(asked.id) }, data: { state, result } })
    expect((await ask('GET', at)).json()).toEqual(asked)
    await end('done', { arrived: 3, completed: 1, removed: 2 })
    expect((await ask('GET', at)).json()).toEqual({ ...asked, state: 'done', arrived: 3, completed: 1, removed: 2 })
    const problem = { code: 'connect.refused', message: 'No.', hint: 'Try again.' }
    await end('failed', { error: problem })
    expect((await ask('GET', at)).json()).toEqual({ ...asked, state: 'failed', problem })
    const other = await makeDrop()
    expect((await ask('GET', `/accounts/${other.accountId}/syncs/${asked.id}`)).statusCode).toBe(404)
    await prisma.account.update({ where: { id: accountId }, data: { isPaused: true } })
    expect((await ask('POST', url)).json()).toMatchObject({ error: { code: 'account.not_ready' } })
    expect(await requests(accountId)).toBe(1)
  })

  it('tells how many mails a policy would remove now, from the ledger, and changes nothing', async () => {
    const { accountId } = await makeDrop()
    const plan = async (policy: object) =>
      (await fixture.send('POST', `/accounts/${accountId}/removal-plan`, { policy })).json()
    expect(await plan({ kind: 'afterDownload' })).toEqual({ mails: 0, bytes: 0 })
    // Not what is here in part, nor what went away; a copy goes only on the person's word.
    const others = ['a', 'b', 'away'].map((key) => ({ key, missingSince: key === 'away' ? new Date() : null }))
    await fixture.store.prisma.popLedger.createMany({
      data: others.map((row) => ({
        ...row,
        accountId,
        sizeBytes: 1000n,
        state: 'fetched',
        isWhole: true,
        fetchedAt: new Date(),
        receivedAt: new Date(0),
      })),
    })
    expect(await plan({ kind: 'afterDownload' })).toEqual({ mails: 2, bytes: 2000 })
    expect(await plan({ kind: 'afterDays', days: 1 })).toEqual({ mails: 0, bytes: 0 })
    expect(await plan({ kind: 'newest', count: 4 })).toEqual({ mails: 1, bytes: 1000 })
    expect((await ledger(accountId)).every(({ state }) => state === 'fetched')).toBe(true)
    expect(await requests(accountId)).toBe(0)
  })

  it('asks for nothing of anybody else', async () => {
    const { accountId, part } = await makeDrop()
    const stranger = await openTestSession(fixture.store, (await fixture.makeUser('stranger@example.org')).id)
    for (const url of [
      `/accounts/${accountId}/copies/remove`,
      `/accounts/${accountId}/rests/fetch`,
      `/messages/${part}/rest`,
    ])
      expect((await ask('POST', url, stranger)).statusCode).toBe(404)
    const plan = { policy: { kind: 'keep' } }
    expect((await fixture.send('POST', `/accounts/${accountId}/removal-plan`, plan, stranger)).statusCode).toBe(404)
    expect(await requests(accountId)).toBe(0)
  })
})
