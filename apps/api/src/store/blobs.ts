import { AppError } from '#platform/errors.ts'
import { forgetPassing } from '#platform/release-memory.ts'
import { ReusedMemory } from '#platform/reused-memory.ts'
import { newSha256 } from '#platform/sha256.ts'
import { commit, commitBulk, type EngineScope, type UserScope } from './commit.ts'
import { readOctets } from './copy-octets.ts'
import type { Store, Tx } from './open-store.ts'

/** Who writes bytes, and of which account they are. */
export type BlobScope = EngineScope | (UserScope & { accountId: bigint })

/** Bytes in chunks, so that a reader may begin before the writer has ended. About 256 KiB each. */
export const createBlob = (store: Store, scope: BlobScope): Promise<bigint> =>
  commitBulk(store, scope, async ({ tx }) => {
    const [row] = await tx.$queryRaw<{ id: bigint }[]>`
      INSERT INTO blob (account_id, sha256, size_bytes) VALUES (${scope.accountId}, '', 0) RETURNING id`
    if (!row) throw new Error('a row was not made')
    return row.id
  })

export const appendChunk = async (
  store: Store,
  scope: BlobScope,
  { blobId, n, bytes }: { blobId: bigint; n: number; bytes: Uint8Array },
): Promise<void> => {
  await commitBulk(
    store,
    scope,
    ({ tx }) => tx.$executeRaw`INSERT INTO blob_chunk (blob_id, n, bytes) VALUES (${blobId}, ${n}, ${bytes})`,
  )
}

export type WholeBlob = { blobId: bigint; sha256: Uint8Array; sizeBytes: number }

/** Marks a blob whole and ties it to its part or its message's source, in one transaction. */
export const finishBlob = (
  store: Store,
  scope: EngineScope,
  blob: WholeBlob,
  use: { kind: 'part'; partId: bigint } | { kind: 'source'; messageId: bigint },
): Promise<void> =>
  commit(store, scope, async ({ tx }) => {
    const { accountId } = scope
    await tx.blob.update({
      where: { id: blob.blobId },
      data: { sha256: new Uint8Array(blob.sha256), sizeBytes: BigInt(blob.sizeBytes), isWhole: true },
    })
    if (use.kind === 'part')
      await tx.part.updateMany({
        where: { id: use.partId, accountId },
        data: { blobId: blob.blobId, sizeBytes: BigInt(blob.sizeBytes) },
      })
    else
      await tx.rawSource.upsert({
        where: { messageId: use.messageId },
        create: { messageId: use.messageId, accountId, blobId: blob.blobId },
        update: { blobId: blob.blobId },
      })
    await tx.$executeRaw`UPDATE account SET stored_bytes = stored_bytes + ${blob.sizeBytes} WHERE id = ${accountId}`
  })

/** Blobs of one chunk each, all at once; what is missing is left out. */
export const readSmallBlobs = async (
  store: Store,
  blobIds: bigint[],
  into: ReusedMemory,
): Promise<Map<bigint, Uint8Array>> => {
  const found = new Map<bigint, Uint8Array>()
  await readOctets(store.pool, { blobIds, n: 0 }, (blobId, bytes) => {
    into.add(bytes)
    found.set(blobId, into.close())
  })
  return found
}

/** A whole blob, chunk by chunk; each has memory of its own. */
export async function* readChunks(store: Store, blobId: bigint): AsyncGenerator<Uint8Array> {
  for (let n = 0; ; n++) {
    let chunk: Uint8Array | undefined
    await readOctets(store.pool, { blobIds: [blobId], n }, (_, bytes) => {
      chunk = new Uint8Array(bytes)
    })
    if (!chunk) return
    yield chunk
  }
}

/** Reads back what was staged. Throws internal when it is not, byte for byte, what came. */
export const verifyBlob = async (
  store: Store,
  scope: EngineScope,
  { blobId, sha256, sizeBytes }: WholeBlob,
): Promise<void> => {
  const hash = newSha256()
  const forget = forgetPassing()
  let length = 0
  for await (const chunk of readChunks(store, blobId)) {
    hash.update(chunk)
    length += chunk.length
    forget(chunk.length)
  }
  if (length !== sizeBytes || Buffer.compare(hash.digest(), sha256) !== 0)
    throw new AppError('internal', 'The database gave back other bytes than it was given.')
  await commitBulk(
    store,
    scope,
    ({ tx }) =>
      tx.$executeRaw`UPDATE blob SET sha256 = ${sha256}, size_bytes = ${sizeBytes} WHERE id = ${blobId} AND account_id = ${scope.accountId}`,
  )
}

export const readChunk = async (tx: Tx, blobId: bigint, n: number): Promise<Uint8Array | null> => {
  const row = await tx.blobChunk.findUnique({ where: { blobId_n: { blobId, n } } })
  return row?.bytes ?? null
}

export const readBlobState = async (
  tx: Tx,
  blobId: bigint,
): Promise<{ isWhole: boolean; sizeBytes: number } | null> => {
  const row = await tx.blob.findUnique({ where: { id: blobId } })
  return row && { isWhole: row.isWhole, sizeBytes: Number(row.sizeBytes) }
}

/** Larger content goes into the database in pieces as it comes. */
export const smallBytes = 2 * 1024 * 1024
const pieceBytes = 256 * 1024

/** Content that was read to its end: in memory when it is small, else in pieces of a blob that nothing is tied to yet. */
export type StagedContent = {
  sha256: Buffer
  sizeBytes: number
  /** Its beginning; all of it when it is small. */
  head: Buffer
  /** Null: `head` is all there is. */
  blobId: bigint | null
}

/**
 * Small content is good until its memory is used again. A blob left behind by a fault is swept. Throws what the content
 * throws, and storage.*.
 */
export const stageContent = async (
  store: Store,
  scope: BlobScope,
  content: AsyncIterable<Buffer>,
  memory = new ReusedMemory(smallBytes),
): Promise<StagedContent> => {
  // One before it may have broken off.
  memory.drop()
  const hash = newSha256()
  let sizeBytes = 0
  let large: PieceWriter | undefined
  for await (const piece of content) {
    hash.update(piece)
    sizeBytes += piece.length
    if (large) await large.add(piece)
    else memory.add(piece)
    if (large || sizeBytes < smallBytes) continue
    large = new PieceWriter(store, scope, await createBlob(store, scope))
    await large.add(memory.opened)
    memory.drop()
  }
  const sha256 = Buffer.from(hash.digest())
  if (!large) return { sha256, sizeBytes, head: memory.close(), blobId: null }
  return { sha256, sizeBytes, ...(await large.finish()) }
}

/** Large content on its way, through one piece of memory. */
class PieceWriter {
  readonly #store: Store
  readonly #scope: BlobScope
  readonly #blobId: bigint
  readonly #piece = Buffer.allocUnsafeSlow(pieceBytes)
  readonly #forget = forgetPassing()
  #filled = 0
  #pieces = 0
  #head: Buffer | undefined

  constructor(store: Store, scope: BlobScope, blobId: bigint) {
    this.#store = store
    this.#scope = scope
    this.#blobId = blobId
  }

  async add(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.#piece, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled === this.#piece.length) await this.#flush()
    }
  }

  async finish(): Promise<{ head: Buffer; blobId: bigint }> {
    if (this.#filled > 0) await this.#flush()
    return { head: this.#head ?? Buffer.alloc(0), blobId: this.#blobId }
  }

  async #flush(): Promise<void> {
    const bytes = this.#piece.subarray(0, this.#filled)
    this.#head ??= Buffer.from(bytes)
    await appendChunk(this.#store, this.#scope, { blobId: this.#blobId, n: this.#pieces++, bytes })
    this.#forget(this.#filled)
    this.#filled = 0
  }
}

/** Blobs whose writer died. */
export const sweepBlobs = async (store: Store): Promise<void> => {
  await store.prisma.$executeRaw`
    WITH stale AS (DELETE FROM blob WHERE NOT is_whole AND created_at < now() - interval '1 day' RETURNING id)
    DELETE FROM blob_chunk WHERE blob_id IN (SELECT id FROM stale)`
}

/** Its beginning; null when it is not there. */
export const readBlobHead = async (tx: Tx, blobId: bigint): Promise<Uint8Array | null> => {
  const rows = await tx.$queryRaw<{ bytes: Uint8Array }[]>`
    SELECT substr(bytes, 1, 262144) AS bytes FROM blob_chunk WHERE blob_id = ${blobId} AND n = 0`
  return rows[0]?.bytes ?? null
}

export const readBlob = async (store: Store, blobId: bigint): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of readChunks(store, blobId)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
