import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ReusedMemory } from '#platform/reused-memory.ts'
import { appendOctets, createBlob, readBlob, readBlobHead, readSmallBlobs, stageContent } from '#store/blobs.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { freshDatabase } from '../support/fresh-database.ts'

const rowsFillAPage = readFileSync(
  new URL('../../../../prisma/migrations/20261129041700_rows_fill_a_page/migration.sql', import.meta.url),
  'utf8',
)
const headBytes = 256 * 1024

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

  it('are read in the longer rows, too, in which they were stored before', async () => {
    await store.prisma.$executeRaw`DROP FUNCTION blob_head`
    await store.prisma.$executeRaw`ALTER TABLE blob_chunk RESET (toast_tuple_target)`
    const small = randomBytes(1_900_000)
    const large = randomBytes(40 * headBytes + 5)
    const piecesOf = (bytes: Buffer, length: number) =>
      Array.from({ length: Math.ceil(bytes.length / length) }, (_, n) => bytes.subarray(n * length, (n + 1) * length))
    const rows = [
      { blobId: 501n, n: 0, bytes: new Uint8Array(small) },
      ...piecesOf(large, headBytes).map((bytes, n) => ({ blobId: 502n, n, bytes: new Uint8Array(bytes) })),
      // As an attachment came from its server.
      ...piecesOf(small, 30_000).map((bytes, n) => ({ blobId: 503n, n, bytes: new Uint8Array(bytes) })),
    ]
    await store.prisma.blobChunk.createMany({ data: rows })
    for (const statement of rowsFillAPage.split(/;\n(?=\n)/)) await store.prisma.$executeRawUnsafe(statement)
    const together = await readSmallBlobs(store, [503n, 501n], new ReusedMemory(1024))
    for (const [id, bytes] of [
      [501n, small],
      [502n, large],
      [503n, small],
    ] as const) {
      expect((await readBlob(store, id)).equals(bytes), `${id}`).toBe(true)
      const head = await store.readSystem((tx) => readBlobHead(tx, id))
      expect(bytes.subarray(0, headBytes).equals(head ?? Buffer.alloc(0)), `the beginning of ${id}`).toBe(true)
      if (bytes === small) expect(bytes.equals(together.get(id) ?? Buffer.alloc(0)), `${id} among others`).toBe(true)
    }
  })

  it('are appended in pieces of any size, and read while they come', async () => {
    const blobId = await createBlob(store, scope)
    const pieces = [1, 10_000, 300_000, 8120, 200_000].map((length) => randomBytes(length))
    let n = 0
    for (const [at, bytes] of pieces.entries()) {
      n = await appendOctets(store, scope, { blobId, n, bytes })
      const sofar = Buffer.concat(pieces.slice(0, at + 1))
      expect((await readBlob(store, blobId)).equals(sofar)).toBe(true)
      const head = await store.readSystem((tx) => readBlobHead(tx, blobId))
      expect(sofar.subarray(0, headBytes).equals(head ?? Buffer.alloc(0))).toBe(true)
    }
    expect(await store.readSystem((tx) => readBlobHead(tx, 999n))).toBeNull()
  })
})
