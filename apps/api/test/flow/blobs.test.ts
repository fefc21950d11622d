import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ReusedMemory } from '#platform/reused-memory.ts'
import { readBlob, readBlobHead, readSmallBlobs, stageContent } from '#store/blobs.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { freshDatabase } from '../support/fresh-database.ts'

describe('octets that are kept', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 2 })
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  const everyOctet = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))
  const scope = { kind: 'user' as const, userId: 1n, accountId: 1n }

  it('come back as they went in, whatever they are, under ids of any size', async () => {
    const kept = new Map<bigint, Buffer>()
    for (const id of [127n, 128n, 200n, 255n, 32_768n, 0xff_ff_ff_ffn, 0x80_80_80_80_80_80n]) {
      const bytes = Buffer.concat([everyOctet, randomBytes(5000)])
      await store.prisma.blobChunk.create({ data: { blobId: id, n: 0, bytes: new Uint8Array(bytes) } })
      kept.set(id, bytes)
    }
    const together = await readSmallBlobs(store, [...kept.keys()], new ReusedMemory(1024))
    expect([...together.keys()].sort()).toEqual([...kept.keys()].sort())
    for (const [id, bytes] of kept) {
      expect(Buffer.from(together.get(id) ?? []).equals(bytes), `${id} among others`).toBe(true)
      expect((await readBlob(store, id)).equals(bytes), `${id} alone`).toBe(true)
      const head = await store.readSystem((tx) => readBlobHead(tx, id))
      expect(Buffer.from(head ?? []).equals(bytes), `the beginning of ${id}`).toBe(true)
    }
  })

  it('of a large mail too, which goes in piece by piece', async () => {
    const large = Buffer.concat([everyOctet, randomBytes(3 * 1024 * 1024)])
    const { blobId } = await stageContent(
      store,
      scope,
      (async function* () {
        for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000)
      })(),
    )
    expect(blobId).not.toBeNull()
    expect((await readBlob(store, blobId ?? 0n)).equals(large)).toBe(true)
  })
})
