import { randomUUID } from 'node:crypto'
import { copyFile, mkdtemp, open as openFile, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accountSettings } from '@postern/shared/accounts.ts'
import { retrieval } from '@postern/shared/retrieval.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { renewMark } from '#store/restore-mark.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { type FreshDatabase, freshDatabase } from '../support/fresh-database.ts'
import { attachMaildrop } from './maildrop-fixture.ts'

const mail = (n: number) => `From: ann@example.org\r\nSubject: Letter ${n}\r\n\r\nHello ${n}\r\n`

describe('a restored backup', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  const databases: FreshDatabase[] = []
  const homes: string[] = []
  const stores: Store[] = []
  beforeAll(async () => {
    dovecot = await startDovecot()
    proxy = await startFaultProxy(dovecot.pop3Port)
  })
  afterAll(async () => {
    for (const store of stores) await store.close()
    for (const database of databases) await database.drop()
    for (const home of homes) await rm(home, { recursive: true })
    await proxy.stop()
    await dovecot.stop()
  })

  const makeHome = async () => {
    const home = await mkdtemp(join(tmpdir(), 'postern-mark-'))
    homes.push(home)
    return { directory: home, name: 'master' }
  }
  /** A database as it is restored from a dump: another one, with the same rows. */
  const restore = async (from?: FreshDatabase) => {
    const database = await freshDatabase(from)
    databases.push(database)
    return database
  }
  const open = async ({ databaseUrl }: FreshDatabase) => {
    const store = await openStore({ databaseUrl, poolSize: 6 })
    stores.push(store)
    return store
  }
  const close = async (store: Store) => {
    stores.splice(stores.indexOf(store), 1)
    await store.close()
  }
  const addAccount = async (store: Store, user: string): Promise<bigint> => {
    const { id: userId } = await store.prisma.appUser.create({
      data: { address: `${user}@example.org`, name: 'Owner', role: 'owner', passwordHash: '-' },
    })
    await store.prisma.stream.create({ data: { userId } })
    const settings = accountSettings.parse({
      address: `${user}@example.org`,
      kind: 'pop3',
      incoming: { host: 'localhost', port: proxy.port, security: 'plain', username: user },
      retrieval: { policy: { kind: 'afterDownload' } },
    })
    const secrets = { password: 'secret', outgoingPassword: null, masterKey: Buffer.alloc(32), isPrivateHost: true }
    const made = await commit(store, { kind: 'user', userId }, (unit) =>
      createAccount(unit, { userId, settings, ...secrets }),
    )
    return made ?? 0n
  }
  const wishes = async (store: Store, id: bigint) =>
    retrieval.parse((await store.prisma.account.findUniqueOrThrow({ where: { id } })).retrieval)
  const found = async (store: Store, place: Awaited<ReturnType<typeof makeHome>>) => {
    const { plan, held } = await renewMark(store, place)
    return [plan.reason, held]
  }
  const deles = () => proxy.said('toServer').match(/^DELE/gm)?.length ?? 0
  const onServer = (user: string) => dovecot.count(user, 'INBOX')

  it('removes nothing at the provider until the person says so, and loses nothing then', async () => {
    dovecot.addUser('held', 'secret')
    for (const n of [1, 2, 3]) dovecot.deliver('held', 'INBOX', mail(n))
    const place = await makeHome()
    const live = await restore()
    let store = await open(live)
    expect(await found(store, place)).toEqual(['new', 0])
    const accountId = await addAccount(store, 'held')
    const look = async () => {
      const drop = await attachMaildrop(store, accountId, 'held', proxy.port)
      return drop.look({ settings: await wishes(store, accountId) })
    }
    expect(await look()).toMatchObject({ stored: 3, removed: 0 })
    await close(store)
    const backup = await restore(live)
    // Life goes on: mails go at the provider, others come.
    store = await open(live)
    expect(await found(store, place)).toEqual(['as it was left', 0])
    dovecot.deliver('held', 'INBOX', mail(4))
    expect(await look()).toMatchObject({ stored: 1, removed: 3 })
    dovecot.deliver('held', 'INBOX', mail(5))
    await close(store)

    const before = deles()
    store = await open(backup)
    expect(await found(store, place)).toEqual(['unknown', 1])
    expect(await wishes(store, accountId)).toMatchObject({ isOnHold: true, policy: { kind: 'afterDownload' } })
    expect(await store.prisma.syncEvent.findMany({ where: { accountId } })).toMatchObject([{ kind: 'hold' }])
    expect(await look()).toMatchObject({ stored: 2, removed: 0, facts: { messages: 2, waiting: 2 } })
    expect(await look()).toMatchObject({ stored: 0, removed: 0, facts: { waiting: 2 } })
    // A further start changes nothing of that.
    expect(await found(store, place)).toEqual(['as it was left', 0])
    expect([deles() - before, onServer('held')]).toEqual([0, 2])
    await store.prisma.account.update({
      where: { id: accountId },
      data: { retrieval: { ...(await wishes(store, accountId)), isOnHold: false } },
    })
    expect(await found(store, place)).toEqual(['as it was left', 0])
    expect(await look()).toMatchObject({ removed: 2, facts: { messages: 0, waiting: 0 } })
    const drop = await attachMaildrop(store, accountId, 'held', proxy.port)
    expect([onServer('held'), await drop.shown()]).toEqual([0, [1, 2, 3, 4, 5].map((n) => `Letter ${n}`)])
    expect((await drop.sources()).get('Letter 5')?.toString()).toBe(mail(5))
  })

  it('is noticed in its old place', async () => {
    const place = await makeHome()
    const store = await open(await restore())
    await addAccount(store, 'older')
    const marks = () => store.prisma.installationSetting.findMany({ where: { key: { startsWith: 'mark:' } } })
    expect(await found(store, place)).toEqual(['new', 0])
    const [dumped] = await marks()
    if (!dumped) throw new Error('no mark')
    expect(await found(store, place)).toEqual(['as it was left', 0])
    const { key, value } = dumped
    await store.prisma.installationSetting.update({ where: { key }, data: { value: value ?? '' } })
    // One that was disconnected may be added anew.
    const { id } = await store.prisma.account.findFirstOrThrow({ where: { kind: 'pop3' } })
    await store.prisma.account.update({ where: { id }, data: { disconnectedAt: new Date(), state: 'disconnected' } })
    expect(await found(store, place)).toEqual(['older', 1])
    expect(await found(store, place)).toEqual(['as it was left', 0])
  })

  it('is not suspected after an end between the writes of the file and of the database', async () => {
    const place = await makeHome()
    const store = await open(await restore())
    await addAccount(store, 'between')
    const key = { startsWith: 'mark:' }
    for (const isFirst of [true, false]) {
      await store.prisma
        .$executeRaw`ALTER TABLE installation_setting ADD CONSTRAINT cut CHECK (key NOT LIKE 'mark:%') NOT VALID`
      expect((await renewMark(store, place)).fault).toMatchObject({ constraint: 'cut' })
      await store.prisma.$executeRaw`ALTER TABLE installation_setting DROP CONSTRAINT cut`
      expect(await store.prisma.installationSetting.count({ where: { key } })).toBe(isFirst ? 0 : 1)
      expect(await found(store, place)).toEqual(['as it was left', 0])
    }
    // The same end a step later: the database has what the file calls the next one.
    const path = join(place.directory, (await readdir(place.directory))[0] ?? '')
    const next = randomUUID()
    const { token, ...rest } = z.looseObject({ token: z.uuid() }).parse(JSON.parse(await readFile(path, 'utf8')))
    const file = await openFile(path, 'r+')
    await file.write(JSON.stringify({ ...rest, token, next }).padEnd(512), 0)
    await file.close()
    await store.prisma.installationSetting.updateMany({ where: { key }, data: { value: next } })
    expect(await found(store, place)).toEqual(['as it was left', 0])
  })

  it('is noticed when the data was copied with all that lies beside the key; the original goes on', async () => {
    const place = await makeHome()
    const copy = await makeHome()
    const store = await open(await restore())
    await addAccount(store, 'copied')
    await found(store, place)
    const [file = ''] = await readdir(place.directory)
    await copyFile(join(place.directory, file), join(copy.directory, file))
    expect(await found(store, place)).toEqual(['as it was left', 0])
    expect(await found(store, copy)).toEqual(['copied', 1])
    expect(await found(store, place)).toEqual(['as it was left', 0])
    // What was only renamed is the same file.
    const moved = await makeHome()
    await rename(join(place.directory, file), join(moved.directory, file))
    expect(await found(store, moved)).toEqual(['as it was left', 0])
  })

  it('is not suspected of a second machine that joins, nor of engines that begin at once', async () => {
    const database = await restore()
    const store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 6, sessionName: 'postern-engine-one' })
    stores.push(store)
    const accountId = await addAccount(store, 'joined')
    const place = await makeHome()
    await found(store, place)
    await store.prisma.accountLease.update({
      where: { accountId },
      data: { owner: 'postern-engine-one', expiresAt: new Date(Date.now() + 30_000) },
    })
    expect(await found(store, await makeHome())).toEqual(['joined', 0])
    const many = await Promise.all(Array.from({ length: 5 }, () => found(store, place)))
    expect(many).toEqual(Array.from({ length: 5 }, () => ['as it was left', 0]))
  })
})
