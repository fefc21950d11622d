import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendOctets, createBlob, finishBlob } from '#store/blobs.ts'
import { toColumns } from '#store/body-columns.ts'
import { commitBulk } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { sweepOld } from '#store/retention.ts'
import { forgetRead, storeBodies } from '#store/sync-bodies.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { until } from '../support/until.ts'

describe('what an account keeps here', () => {
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

  const text = 'Grüße'
  const html = '<p>Grüße</p>'
  const textBytes = BigInt(Buffer.byteLength(text) + Buffer.byteLength(html))
  /** An account with one mail of which the text was read, at the cost of more than it is. */
  const makeAccount = async () => {
    const sealed = { dataKey: Buffer.of(1), credential: Buffer.of(1) }
    const { id: accountId } = await store.prisma.account.create({
      data: { userId: 1n, kind: 'imap', address: `${crypto.randomUUID()}@example.org`, incoming: {}, ...sealed },
    })
    await store.prisma.stream.create({ data: { accountId } })
    await store.prisma.accountLease.create({ data: { accountId, epoch: 1n, expiresAt: new Date(0) } })
    const { id: threadId } = await store.prisma.thread.create({ data: { accountId } })
    const { id: messageId } = await store.prisma.message.create({
      data: {
        accountId,
        threadId,
        identityKey: crypto.randomUUID(),
        subject: '',
        fromAddresses: [],
        replyTo: [],
        toAddresses: [],
        cc: [],
        bcc: [],
        receivedAt: new Date(),
        sizeBytes: 5000n,
      },
    })
    const scope = { kind: 'engine' as const, accountId, epoch: 1n }
    const facts = {
      messageId,
      receivedAt: new Date(),
      state: 'ready' as const,
      text,
      html,
      isTruncated: false,
      preview: text,
    }
    const columns = [toColumns([{ ...facts, vector: Buffer.alloc(4), parts: [], report: null }])]
    await commitBulk(store, scope, (unit) => storeBodies(unit, accountId, columns, 4000))
    const counted = async () => {
      const { storedBytes, bytesToday } = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
      return { storedBytes, bytesToday }
    }
    /** It goes for good, as what is in no mailbox any more does after a while. */
    const erase = async () => {
      await store.prisma.message.update({ where: { id: messageId }, data: { orphanedAt: new Date(0) } })
      await sweepOld(store)
      expect(await store.prisma.message.count({ where: { accountId } })).toBe(0)
    }
    return { accountId, messageId, scope, columns, counted, erase }
  }
  const keepSource = async ({ accountId, messageId, scope }: Awaited<ReturnType<typeof makeAccount>>) => {
    const bytes = Buffer.from('the source')
    const blobId = await createBlob(store, scope)
    await appendOctets(store, scope, { blobId, n: 0, bytes })
    const blob = { blobId, sha256: createHash('sha256').update(bytes).digest(), sizeBytes: bytes.length }
    await finishBlob(store, { ...scope, accountId }, blob, { kind: 'source', messageId })
    return BigInt(bytes.length)
  }

  it('is as much as its texts are, whatever it cost to fetch them, and nothing when they are gone', async () => {
    const { counted, erase } = await makeAccount()
    expect(await counted()).toEqual({ storedBytes: textBytes, bytesToday: 4000n })
    await erase()
    expect(await counted()).toMatchObject({ storedBytes: 0n })
  })

  it('is as much as the source of a mail as soon as that is here, and nothing when it is gone', async () => {
    const account = await makeAccount()
    const sourceBytes = await keepSource(account)
    expect(await account.counted()).toMatchObject({ storedBytes: sourceBytes })
    await account.erase()
    expect(await account.counted()).toMatchObject({ storedBytes: 0n })
  })

  it('is as much as the source, too, when that and the text come at the same time, whichever is first', async () => {
    for (const isTextFirst of [true, false]) {
      const account = await makeAccount()
      const { accountId, messageId, scope, columns, counted } = account
      await commitBulk(store, scope, (unit) => forgetRead(unit, accountId, [messageId]))
      const keepText = () => commitBulk(store, scope, (unit) => storeBodies(unit, accountId, columns, 0))
      const works = isTextFirst ? [keepText, () => keepSource(account)] : [() => keepSource(account), keepText]
      const begun: Promise<bigint>[] = []
      // As long as somebody else holds the account, neither comes to its end.
      await store.prisma.$transaction(async (tx) => {
        await tx.$executeRaw`SELECT 1 FROM account WHERE id = ${accountId} FOR NO KEY UPDATE`
        for (const work of works) {
          begun.push(work())
          await until(async () => {
            const waiting = await store.prisma.$queryRaw<unknown[]>`
              SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
            return waiting.length === begun.length
          })
        }
      })
      await Promise.all(begun)
      expect(await counted(), `${isTextFirst}`).toMatchObject({ storedBytes: BigInt('the source'.length) })
    }
  })

  it('is not more when a text is read once more', async () => {
    const { accountId, messageId, scope, columns, counted } = await makeAccount()
    await commitBulk(store, scope, (unit) => storeBodies(unit, accountId, columns, 0))
    expect(await counted()).toMatchObject({ storedBytes: textBytes })
    await commitBulk(store, scope, (unit) => forgetRead(unit, accountId, [messageId]))
    expect(await counted()).toMatchObject({ storedBytes: 0n })
    await commitBulk(store, scope, (unit) => storeBodies(unit, accountId, columns, 0))
    expect(await counted()).toMatchObject({ storedBytes: textBytes })
  })
})
