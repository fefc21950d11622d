import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { textArray } from '#store/binary-array.ts'
import { checkDatabase } from '#store/check-database.ts'
import { commit, commitBulk } from '#store/commit.ts'
import { startEmbeddedPostgres } from '#store/embedded-postgres.ts'
import { releaseLeases, renewLeases, takeLeases } from '#store/lease.ts'
import { migrate } from '#store/migrate.ts'
import { changeChannel } from '#store/notify.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { findStreamEnd, readChanges } from '#store/read-changes.ts'
import { sweepOld } from '#store/retention.ts'
import { freshDatabase } from '../support/fresh-database.ts'

const migrationsDir = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url))

describe('the store', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 10 })
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  const makeAccount = async (): Promise<bigint> => {
    const account = await store.prisma.account.create({
      data: {
        userId: 1n,
        kind: 'imap',
        address: 'a@example.org',
        incoming: {},
        dataKey: Buffer.of(1),
        credential: Buffer.of(1),
      },
    })
    await store.prisma.stream.create({ data: { accountId: account.id } })
    await store.prisma.accountLease.create({ data: { accountId: account.id, expiresAt: new Date(0) } })
    return account.id
  }

  it('gives forty concurrent writers of one stream numbers without gaps', async () => {
    const accountId = await makeAccount()
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        commit(store, { kind: 'system' }, async (unit) => {
          unit.log({ accountId }, { kind: 'bodies', messageIds: [String(n)] })
        }),
      ),
    )
    const end = await findStreamEnd(store.prisma, { accountId })
    const page = await readChanges(store.readTogether, end?.streamId ?? 0n, 0n, 1000)
    expect(page.seq).toBe(40n)
    expect(page.facts).toHaveLength(40)
    expect(new Set(page.facts.map((fact) => JSON.stringify(fact))).size).toBe(40)
  })

  it('answers a reset for a place the log no longer reaches, and for one from another life', async () => {
    const accountId = await makeAccount()
    for (const n of [1, 2, 3])
      await commit(store, { kind: 'system' }, async (unit) =>
        unit.log({ accountId }, { kind: 'bodies', messageIds: [String(n)] }),
      )
    const end = await findStreamEnd(store.prisma, { accountId })
    const streamId = end?.streamId ?? 0n
    await store.prisma.change.deleteMany({ where: { streamId, seq: { lt: 3n } } })
    expect((await readChanges(store.readTogether, streamId, 0n, 10)).isReset).toBe(true)
    expect((await readChanges(store.readTogether, streamId, 2n, 10)).facts).toHaveLength(1)
    expect((await readChanges(store.readTogether, streamId, 3n, 10)).isReset).toBe(false)
    expect((await readChanges(store.readTogether, streamId, 99n, 10)).isReset).toBe(true)
  })

  it('tells listeners of a stream after the commit, not before', async () => {
    const accountId = await makeAccount()
    const heard = new Promise<bigint>((done) => {
      store.notifier.listen(
        changeChannel,
        async (payload) => {
          if (payload === `account:${accountId}`) done((await findStreamEnd(store.prisma, { accountId }))?.seq ?? -1n)
        },
        () => undefined,
      )
    })
    await commit(store, { kind: 'system' }, async (unit) =>
      unit.log({ accountId }, { kind: 'account', accountId: String(accountId) }),
    )
    expect(await heard).toBe(1n)
  })

  it('refuses writes of a worker whose lease was taken over', async () => {
    const accountId = await makeAccount()
    const [first] = (await takeLeases(store, 'one', 100)).filter((lease) => lease.accountId === accountId)
    if (!first) throw new Error('no lease')
    const write = () =>
      commit(store, { kind: 'engine', ...first }, async ({ tx }) =>
        tx.account.update({ where: { id: accountId }, data: { name: 'x' } }),
      )
    await write()
    expect(await takeLeases(store, 'two', 100)).toEqual([])
    await store.prisma.accountLease.update({ where: { accountId }, data: { expiresAt: new Date(0) } })
    const [second] = await takeLeases(store, 'two', 100)
    expect(second?.epoch).toBe(first.epoch + 1n)
    await expect(write()).rejects.toMatchObject({ code: 'lease.lost' })
    const writeBulk = () =>
      commitBulk(
        store,
        { kind: 'engine', ...first },
        ({ tx }) => tx.$executeRaw`UPDATE account SET name = 'y' WHERE id = ${accountId}`,
      )
    await expect(writeBulk()).rejects.toMatchObject({ code: 'lease.lost' })
    expect(await renewLeases(store, [first])).toEqual([])
    await releaseLeases(store, [second ?? first])
  })

  it('writes in bulk all or nothing, with the log, and goes on after a failure', async () => {
    const accountId = await makeAccount()
    const [lease] = await takeLeases(store, 'bulk', 100)
    if (lease?.accountId !== accountId) throw new Error('there is no lease')
    const scope = { kind: 'engine', ...lease } as const
    const rename = (name: string, then: () => void) =>
      commitBulk(store, scope, async (unit) => {
        await unit.tx.$executeRaw`UPDATE account SET name = ${name} WHERE id = ${accountId}`
        unit.log({ accountId }, { kind: 'account', accountId: String(accountId) })
        then()
      })
    // More often than there are connections: a failed transaction gives its own back.
    for (let n = 0; n < 12; n++)
      await expect(
        rename('never', () => {
          throw new Error('stop')
        }),
      ).rejects.toThrow('stop')
    await rename('bulk', () => undefined)
    expect(await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).toMatchObject({ name: 'bulk' })
    expect((await findStreamEnd(store.prisma, { accountId }))?.seq).toBe(1n)
    const [found] = await commitBulk(
      store,
      scope,
      ({ tx }) =>
        tx.$queryRaw<{ id: bigint; texts: string[] }[]>`
        SELECT id, ${textArray(['ä', null, '', 'a"b\\\n'])}::text[] AS texts FROM account WHERE id = ${accountId}`,
    )
    expect(found).toEqual({ id: accountId, texts: ['ä', null, '', 'a"b\\\n'] })
    await releaseLeases(store, [lease])
  })

  it('forgets failed sign-ins and sessions when they no longer count', async () => {
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000)
    await store.prisma.authFailure.createMany({
      data: [
        { key: 'old', failures: 9, lastAt: hoursAgo(2) },
        { key: 'new', failures: 9, lastAt: hoursAgo(0) },
      ],
    })
    const session = (n: number, expiresAt: Date, lastSeenAt: Date) => ({
      userId: 1n,
      tokenHash: Buffer.of(n),
      expiresAt,
      lastSeenAt,
    })
    await store.prisma.session.createMany({
      data: [
        session(1, hoursAgo(1), hoursAgo(0)),
        session(2, hoursAgo(-1), hoursAgo(31 * 24)),
        session(3, hoursAgo(-1), hoursAgo(0)),
      ],
    })
    await sweepOld(store)
    expect((await store.prisma.authFailure.findMany()).map(({ key }) => key)).toEqual(['new'])
    expect((await store.prisma.session.findMany()).map(({ tokenHash }) => tokenHash[0])).toEqual([3])
  })

  it('keeps conversation rows and mailbox counts equal to a recount under random concurrent writes', async () => {
    const accountId = await makeAccount()
    const boxes = await Promise.all(
      ['A', 'B'].map((path) => store.prisma.mailbox.create({ data: { accountId, path, name: path } })),
    )
    const threads = await Promise.all(
      Array.from({ length: 6 }, () => store.prisma.thread.create({ data: { accountId } })),
    )
    const pick = <T>(list: T[], n: number): T => list[n % list.length] as T // lists are never empty here
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        commit(store, { kind: 'system' }, async (unit) => {
          const thread = pick(threads, n * 7)
          const receivedAt = new Date(Date.UTC(2026, 0, 1, 0, n))
          const message = await unit.tx.message.create({
            data: {
              accountId,
              threadId: thread.id,
              identityKey: crypto.randomUUID(),
              subject: `${n}`,
              fromAddresses: [],
              replyTo: [],
              toAddresses: [],
              cc: [],
              bcc: [],
              receivedAt,
              sizeBytes: 10n,
            },
          })
          await unit.tx.placement.create({
            data: {
              accountId,
              mailboxId: pick(boxes, n).id,
              uid: BigInt(n + 1),
              messageId: message.id,
              threadId: thread.id,
              shownMailboxId: n % 9 === 0 ? null : pick(boxes, n >> 1).id,
              shownFlags: n % 3 === 0 ? 1 : 0,
              receivedAt,
            },
          })
          unit.touchThreads(accountId, [thread.id])
        }),
      ),
    )
    const [recount, kept] = await Promise.all([
      store.prisma
        .$queryRaw`SELECT shown_mailbox_id AS id, count(*)::int AS messages, (count(*) FILTER (WHERE shown_flags & 1 = 0))::int AS unread,
        count(DISTINCT thread_id)::int AS conversations, (count(DISTINCT thread_id) FILTER (WHERE shown_flags & 1 = 0))::int AS unread_conversations
        FROM placement WHERE account_id = ${accountId} AND shown_mailbox_id IS NOT NULL GROUP BY 1 ORDER BY 1`,
      store.prisma
        .$queryRaw`SELECT id, messages, unread_messages AS unread, conversations, unread_conversations FROM mailbox WHERE account_id = ${accountId} ORDER BY id`,
    ])
    expect(kept).toEqual(recount)
  })

  it('accepts its own database as fit and migrates it only once', async () => {
    await checkDatabase(database.databaseUrl)
    expect(await migrate(database.databaseUrl, migrationsDir)).toEqual([])
  })

  it('refuses data of a newer version and edited migrations', async () => {
    const own = await freshDatabase()
    const other = await openStore({ databaseUrl: own.databaseUrl, poolSize: 2 })
    await other.prisma
      .$executeRaw`INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'y', '29990101000000_later', now())`
    await expect(migrate(own.databaseUrl, migrationsDir)).rejects.toMatchObject({ code: 'config.invalid' })
    await other.prisma.$executeRaw`DELETE FROM _prisma_migrations WHERE id = 'x'`
    await other.prisma.$executeRaw`UPDATE _prisma_migrations SET checksum = 'edited'`
    await expect(migrate(own.databaseUrl, migrationsDir)).rejects.toThrow(/changed after it had been applied/)
    await other.close()
    await own.drop()
  })
})

describe('the embedded PostgreSQL', () => {
  it('survives kill -9 of itself with a stale lock file, and is adopted when only Postern died', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'postern-embedded-'))
    try {
      const first = await startEmbeddedPostgres({ dataDir })
      const again = await startEmbeddedPostgres({ dataDir })
      expect(again.pid).toBe(first.pid)
      process.kill(-first.pid, 'SIGKILL')
      const lock = join(dataDir, 'postgres/cluster/postmaster.pid')
      expect(await readFile(lock, 'utf8')).toContain(String(first.pid))
      const third = await startEmbeddedPostgres({ dataDir })
      expect(third.pid).not.toBe(first.pid)
      const store = await openStore({ databaseUrl: third.databaseUrl, poolSize: 1 })
      expect(
        await store.prisma.$queryRaw`SELECT lower('Ä') AS low, current_setting('server_encoding') AS encoding`,
      ).toEqual([{ low: 'ä', encoding: 'UTF8' }])
      await store.close()
      await third.stop()
      expect(() => process.kill(third.pid, 0)).toThrow()
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})
