import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toArrivalEnvelope } from '#mail/arrival-envelope.ts'
import { commitBulk } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { addListed, findVerified, markLedger, markMissing, readLedger, readStoredMails } from '#store/pop-ledger.ts'
import { sweepOld } from '#store/retention.ts'
import { type Arrival, storeArrivals } from '#store/store-arrivals.ts'
import { freshDatabase } from '../support/fresh-database.ts'

describe('mails out of a maildrop', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 4 })
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  const makeAccount = async () => {
    const bytes = new Uint8Array()
    const { id: accountId } = await store.prisma.account.create({
      data: { userId: 1n, kind: 'pop3', address: 'a@example.org', incoming: {}, dataKey: bytes, credential: bytes },
    })
    await store.prisma.stream.create({ data: { accountId } })
    await store.prisma.accountLease.create({ data: { accountId, epoch: 1n, expiresAt: new Date(0) } })
    const inbox = await store.prisma.mailbox.create({
      data: { accountId, path: 'INBOX', name: 'INBOX', role: 'inbox', uidValidity: 1n, uidNext: 1n, fillUid: 1n },
    })
    const work = <T>(run: Parameters<typeof commitBulk<T>>[2]) =>
      commitBulk(store, { kind: 'engine', accountId, epoch: 1n }, run)
    /** Lists mails under these keys and stores them, as one look does. */
    const arrive = async (...mails: [key: string, text: string][]) => {
      const ids = await work((unit) =>
        addListed(
          unit,
          accountId,
          mails.map(([key, text]) => ({ key, sizeBytes: text.length })),
        ),
      )
      const arrivals: Arrival[] = []
      for (const [n, [, text]] of mails.entries()) {
        const raw = Buffer.from(`Subject: hello\r\nMessage-ID: <same@example.org>\r\n\r\n${text}`, 'latin1')
        const rawHash = createHash('sha256').update(raw).digest()
        arrivals.push({
          ledgerId: ids[n] ?? 0n,
          envelope: await toArrivalEnvelope(raw, { rawHash, sizeBytes: raw.length, now: new Date() }),
          rawHash,
          isWhole: true,
          isRest: false,
          source: { kind: 'bytes', bytes: raw },
        })
      }
      const stored = await work(async (unit) => {
        const result = await storeArrivals(unit, { accountId, mailboxId: inbox.id }, arrivals)
        unit.touchThreads(accountId, result.threadIds)
        return result
      })
      return { ids, stored }
    }
    const ledger = () => store.prisma.popLedger.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
    const places = () => store.prisma.placement.findMany({ where: { accountId }, orderBy: { uid: 'asc' } })
    const away = (ids: bigint[]) => work((unit) => markMissing(unit, accountId, ids, true))
    return { accountId, inbox, work, arrive, ledger, places, away }
  }

  it('become visible with their ledger rows, each with its own source', async () => {
    const { accountId, inbox, arrive, ledger, places } = await makeAccount()
    const { ids, stored } = await arrive(['a', 'one'], ['b', 'two'], ['c', 'three'])
    expect(stored).toMatchObject({ uids: [1n, 2n, 3n], copies: 0 })
    expect((await places()).map(({ uid }) => uid)).toEqual([1n, 2n, 3n])
    expect(await ledger()).toMatchObject(ids.map((id) => ({ id, state: 'fetched', isWhole: true, isCopy: false })))
    expect(await store.prisma.mailbox.findUnique({ where: { id: inbox.id } })).toMatchObject({
      messages: 3,
      uidNext: 4n,
    })
    const verified = await store.readSystem((tx) => findVerified(tx, accountId, ids))
    expect(verified.sort()).toEqual(ids)
    const blobs = await store.prisma.blob.findMany({ where: { accountId } })
    const { storedBytes } = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    expect(storedBytes).toBe(blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n))
  })

  it('are compared by their headers, which is all that is read of them', async () => {
    const { accountId, arrive } = await makeAccount()
    const { ids } = await arrive(['a', 'long '.repeat(20_000)], ['b', ''], ['c', 'its source is gone'])
    const gone = await store.prisma.popLedger.findUniqueOrThrow({ where: { id: ids[2] ?? 0n } })
    await store.prisma.rawSource.deleteMany({ where: { messageId: gone.messageId ?? 0n } })
    const read = await store.readSystem((tx) => readStoredMails(tx, accountId, ids))
    const headers = ids.map((id) => read.get(id)?.header).map((octets) => octets && Buffer.from(octets).toString())
    const header = 'Subject: hello\r\nMessage-ID: <same@example.org>\r\n\r\n'
    expect(headers).toEqual([header, header, null])
  })

  it('that share a header and a Message-ID are two mails when their texts differ', async () => {
    const { arrive, places } = await makeAccount()
    await arrive(['a', 'one'], ['b', 'two'])
    expect(new Set((await places()).map(({ messageId }) => messageId)).size).toBe(2)
  })

  it('that are the same to the byte and listed side by side have a place each', async () => {
    const { arrive, places, ledger } = await makeAccount()
    await arrive(['a', 'one'], ['b', 'one'])
    await arrive(['c', 'one'])
    expect(new Set((await places()).map(({ messageId }) => messageId)).size).toBe(1)
    expect(await places()).toHaveLength(3)
    expect((await ledger()).some(({ isCopy }) => isCopy)).toBe(false)
  })

  it('that come again under other keys are shown once, and known for copies', async () => {
    const { arrive, away, places, ledger } = await makeAccount()
    const { ids } = await arrive(['a', 'one'], ['b', 'two'], ['c', 'two'])
    await away(ids)
    const { stored } = await arrive(['x', 'one'], ['y', 'two'], ['z', 'two'], ['w', 'three'])
    expect(stored).toMatchObject({ copies: 3 })
    expect(stored.uids).toHaveLength(1)
    expect(await places()).toHaveLength(4)
    const rows = await ledger()
    expect(rows.slice(3).map(({ isCopy }) => isCopy)).toEqual([true, true, true, false])
    expect(rows[3]?.messageId).toBe(rows[0]?.messageId)
    // A third of the same two is a mail nobody had.
    expect((await arrive(['v', 'two'])).stored).toMatchObject({ copies: 0 })
    expect(await places()).toHaveLength(5)
  })

  it('that were removed at the server and are back there are copies too', async () => {
    const { accountId, work, arrive, places } = await makeAccount()
    const { ids } = await arrive(['a', 'one'])
    await work((unit) => markLedger(unit, accountId, ids, { from: ['fetched'], to: 'gone' }))
    expect((await arrive(['a', 'one'])).stored).toMatchObject({ copies: 1, uids: [] })
    expect(await places()).toHaveLength(1)
  })

  it('are verified by what is stored, not by what was noted', async () => {
    const { accountId, arrive } = await makeAccount()
    const { ids } = await arrive(['a', 'one'], ['b', 'two'], ['c', 'three'])
    const sourceOf = async (n: number) => {
      const row = await store.prisma.popLedger.findUniqueOrThrow({ where: { id: ids[n] ?? 0n } })
      return store.prisma.rawSource.findUniqueOrThrow({ where: { messageId: row.messageId ?? 0n } })
    }
    const { blobId } = await sourceOf(0)
    await store.prisma.blobChunk.updateMany({ where: { blobId }, data: { bytes: Buffer.from('Subject: hallo\r\n') } })
    await store.prisma.blobChunk.deleteMany({ where: { blobId: (await sourceOf(1)).blobId } })
    expect(await store.readSystem((tx) => findVerified(tx, accountId, ids))).toEqual([ids[2]])
  })

  it('stay here, though deleted, until they are gone at the provider', async () => {
    const { accountId, arrive } = await makeAccount()
    const { ids } = await arrive(['a', 'one'], ['b', 'two'], ['c', 'three'])
    const [listed = 0n, gone = 0n] = ids
    await store.prisma.popLedger.update({ where: { id: gone }, data: { state: 'gone' } })
    await store.prisma.placement.deleteMany({ where: { accountId } })
    await store.prisma.message.updateMany({ where: { accountId }, data: { orphanedAt: new Date(0) } })
    const policy = (kind: string) =>
      store.prisma.account.update({
        where: { id: accountId },
        data: { retrieval: { policy: kind === 'afterDays' ? { kind, days: 30 } : { kind } } },
      })
    const here = () => store.prisma.message.count({ where: { accountId } })
    const stored = async () => (await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).storedBytes
    const before = await stored()
    await policy('afterDays')
    await sweepOld(store)
    expect(await here()).toBe(2)
    const { _sum: left } = await store.prisma.blob.aggregate({ where: { accountId }, _sum: { sizeBytes: true } })
    expect(await stored()).toBe(left.sizeBytes)
    expect(await stored()).toBeLessThan(before)
    await policy('whenDeletedHere')
    await store.prisma.popLedger.update({ where: { id: listed }, data: { state: 'to_delete' } })
    await sweepOld(store)
    expect(await here()).toBe(1)
    expect(await store.read(1n, (tx) => findVerified(tx, accountId, ids))).toEqual([listed])
    const removable = async () =>
      (await readLedger(store, accountId)).rows.flatMap(({ id, fetchedAt }) => (fetchedAt === null ? [] : [id]))
    expect(await removable()).toEqual([listed])
    // Nothing is removed there any more, so nothing has to be kept for it.
    await policy('keep')
    await sweepOld(store)
    expect([await here(), await removable(), await stored()]).toEqual([0, [], 0n])
  })
})
