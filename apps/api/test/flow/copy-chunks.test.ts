import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBlob, readBlob } from '#store/blobs.ts'
import { commitBulk } from '#store/commit.ts'
import { chunkBytes } from '#store/copy-chunks.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { freshDatabase } from '../support/fresh-database.ts'

describe('octets that go into the database by COPY', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let scope: { kind: 'engine'; accountId: bigint; epoch: bigint }
  beforeAll(async () => {
    database = await freshDatabase()
    // One connection: what follows a fault meets the same.
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 1 })
    const bytes = new Uint8Array()
    const { id: accountId } = await store.prisma.account.create({
      data: { userId: 1n, kind: 'pop3', address: 'a@example.org', incoming: {}, dataKey: bytes, credential: bytes },
    })
    await store.prisma.accountLease.create({ data: { accountId, epoch: 1n, expiresAt: new Date(0) } })
    scope = { kind: 'engine', accountId, epoch: 1n }
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  it('come back as they were, whatever their size', async () => {
    const sizes = [
      0,
      1,
      ...[1, 2, 32, 33].flatMap((rows) => [-1, 0, 1].map((more) => rows * chunkBytes + more)),
      3_000_000,
    ]
    const chunks = await Promise.all(
      sizes.map(async (size, at) => ({
        blobId: await createBlob(store, scope),
        n: 0,
        bytes: Buffer.alloc(size, Buffer.from([at, 0, 255, 13, 10])),
      })),
    )
    await commitBulk(store, scope, ({ tx }) => tx.putChunks(chunks))
    for (const { blobId, bytes } of chunks) {
      const back = await readBlob(store, blobId)
      expect([bytes.length, back.length, back.equals(bytes)]).toEqual([bytes.length, bytes.length, true])
    }
  })

  it('fill a page with each row and stay in it', async () => {
    const rows = 40
    const countAside = async () => {
      const [found] = await store.prisma.$queryRaw<{ bytes: number }[]>`
        SELECT pg_relation_size(reltoastrelid)::int AS bytes FROM pg_class WHERE oid = 'blob_chunk'::regclass`
      return found?.bytes
    }
    const contents = [{ blobId: await createBlob(store, scope), n: 0, bytes: Buffer.alloc(rows * chunkBytes, 'x') }]
    await store.prisma.$executeRaw`TRUNCATE blob_chunk`
    await commitBulk(store, scope, ({ tx }) => tx.putChunks(contents))
    const [used] = await store.prisma.$queryRaw<{ pages: number; most: number }[]>`
      SELECT count(DISTINCT (ctid::text::point)[0])::int AS pages, max(octet_length(bytes)) AS most FROM blob_chunk`
    expect([used, await countAside()]).toEqual([{ pages: rows, most: chunkBytes }, 0])
    // One octet more in a row would not stay.
    await store.prisma.blobChunk.create({ data: { blobId: 1n, n: 0, bytes: new Uint8Array(chunkBytes + 1) } })
    expect(await countAside()).toBeGreaterThan(0)
  })

  it('are refused whole, and the connection goes on', async () => {
    const blobId = await createBlob(store, scope)
    const put = (...texts: string[]) =>
      commitBulk(store, scope, async ({ tx }) => {
        await tx.putChunks(texts.map((text) => ({ blobId, n: 0, bytes: Buffer.from(text) })))
      })
    await expect(put('one', 'another of that number')).rejects.toMatchObject({ code: '23505' })
    await put('the only one')
    expect(`${await readBlob(store, blobId)}`).toBe('the only one')
  })

  it('are in no transaction that came to nothing', async () => {
    const blobId = await createBlob(store, scope)
    const fails = commitBulk(store, scope, async ({ tx }) => {
      await tx.putChunks([{ blobId, n: 0, bytes: Buffer.from('half of it') }])
      throw new Error('something else broke')
    })
    await expect(fails).rejects.toThrow('something else broke')
    expect(await readBlob(store, blobId)).toHaveLength(0)
  })
})
