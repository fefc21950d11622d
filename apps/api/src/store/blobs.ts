import { AppError } from '#platform/errors.ts'
import { forgetPassing } from '#platform/release-memory.ts'
import { ReusedMemory } from '#platform/reused-memory.ts'
import { newSha256 } from '#platform/sha256.ts'
import type { RawTx } from './bare-tx.ts'
import { commit, commitBulk, type EngineScope, type UserScope } from './commit.ts'
import { chunkBytes, countChunks, type Octets } from './copy-chunks.ts'
import { readOctets } from './copy-octets.ts'
import type { Store, Tx } from './open-store.ts'
import { uncountTexts } from './stored-texts.ts'

/** Who writes bytes, and of which account they are. */
export type BlobScope = EngineScope | (UserScope & { accountId: bigint })

/** For bytes that are appended piece by piece, so that a reader may begin before the writer has ended. */
export const createBlob = (store: Store, scope: BlobScope): Promise<bigint> =>
  commitBulk(store, scope, async ({ tx }) => {
    const [row] = await tx.$queryRaw<{ id: bigint }[]>`
      INSERT INTO blob (account_id, sha256, size_bytes) VALUES (${scope.accountId}, '', 0) RETURNING id`
    if (!row) throw new Error('a row was not made')
    return row.id
  })

/** A piece behind the `n` rows that are there. Answers how many there are then. */
export const appendOctets = async (store: Store, scope: BlobScope, piece: Octets): Promise<number> => {
  await commitBulk(store, scope, ({ tx }) => tx.putChunks([piece]))
  return piece.n + countChunks(piece.bytes)
}

/** What goes into the database, or comes from it, at a time: about 256 KiB, of what was stored before up to 8 MiB. */
const pieceRows = 32
const pieceBytes = pieceRows * chunkBytes
const allRows = 2 ** 30

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
    else {
      await uncountTexts(tx, accountId, [use.messageId])
      await tx.rawSource.upsert({
        where: { messageId: use.messageId },
        create: { messageId: use.messageId, accountId, blobId: blob.blobId },
        update: { blobId: blob.blobId },
      })
    }
    await tx.$executeRaw`UPDATE account SET stored_bytes = stored_bytes + ${blob.sizeBytes} WHERE id = ${accountId}`
  })

/** Whole blobs that fit into memory together; what is missing is left out. */
export const readSmallBlobs = async (
  store: Store,
  blobIds: bigint[],
  into: ReusedMemory,
): Promise<Map<bigint, Uint8Array>> => {
  const found = new Map<bigint, Uint8Array>()
  let openId: bigint | undefined
  const close = () => {
    if (openId !== undefined) found.set(openId, into.close())
  }
  await readOctets(store.pool, { blobIds, n: 0, rows: allRows }, (blobId, bytes) => {
    if (blobId !== openId) close()
    openId = blobId
    into.add(bytes)
  })
  close()
  return found
}

/** What is there of a blob behind its first `n` rows, about a piece of it, in memory of its own; and how many rows that is. */
export const readPiece = async (
  store: Store,
  blobId: bigint,
  n: number,
): Promise<{ bytes: Uint8Array; rows: number }> => {
  const rows: Uint8Array[] = []
  await readOctets(store.pool, { blobIds: [blobId], n, rows: pieceRows }, (_, bytes) =>
    rows.push(new Uint8Array(bytes)),
  )
  const [only] = rows
  return { bytes: only && rows.length === 1 ? only : joined(rows), rows: rows.length }
}

const joined = (rows: Uint8Array[]): Uint8Array => {
  const whole = Buffer.allocUnsafeSlow(rows.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const row of rows) {
    whole.set(row, at)
    at += row.length
  }
  return whole
}

/** A whole blob, piece by piece; each has memory of its own. */
export async function* readPieces(store: Store, blobId: bigint): AsyncGenerator<Uint8Array> {
  for (let n = 0; ; n += pieceRows) {
    const { bytes, rows } = await readPiece(store, blobId, n)
    if (bytes.length > 0) yield bytes
    if (rows < pieceRows) return
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
  for await (const piece of readPieces(store, blobId)) {
    hash.update(piece)
    length += piece.length
    forget(piece.length)
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

export const readBlobState = async (
  tx: Tx,
  blobId: bigint,
): Promise<{ isWhole: boolean; sizeBytes: number } | null> => {
  const row = await tx.blob.findUnique({ where: { id: blobId } })
  return row && { isWhole: row.isWhole, sizeBytes: Number(row.sizeBytes) }
}

/** Larger content goes into the database in pieces as it comes. */
export const smallBytes = 2 * 1024 * 1024

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
  #rows = 0
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
    this.#rows = await appendOctets(this.#store, this.#scope, { blobId: this.#blobId, n: this.#rows, bytes })
    this.#forget(this.#filled)
    this.#filled = 0
  }
}

/** Octets of messages that are let go: they count as stored no longer. Locks the row of each account that had one. */
export const dropOctets = async (tx: RawTx, blobIds: bigint[]): Promise<void> => {
  if (blobIds.length === 0) return
  await tx.$executeRaw`
    WITH b AS (DELETE FROM blob WHERE id = ANY (${blobIds}::bigint[]) RETURNING account_id, size_bytes),
      g AS (SELECT account_id, sum(size_bytes) AS bytes FROM b GROUP BY account_id),
      a AS (UPDATE account SET stored_bytes = greatest(0, stored_bytes - g.bytes) FROM g WHERE account.id = g.account_id)
    DELETE FROM blob_chunk WHERE blob_id = ANY (${blobIds}::bigint[])`
}

/** Blobs whose writer died. */
export const sweepBlobs = async (store: Store): Promise<void> => {
  await store.prisma.$executeRaw`
    WITH stale AS (DELETE FROM blob WHERE NOT is_whole AND created_at < now() - interval '1 day' RETURNING id)
    DELETE FROM blob_chunk WHERE blob_id IN (SELECT id FROM stale)`
}

/** Its beginning, enough for any header; null when it is not there. */
export const readBlobHead = async (tx: Tx, blobId: bigint): Promise<Uint8Array | null> => {
  const rows = await tx.$queryRaw<{ bytes: Uint8Array | null }[]>`SELECT blob_head(${blobId}) AS bytes`
  return rows[0]?.bytes ?? null
}

export const readBlob = async (store: Store, blobId: bigint): Promise<Buffer> => {
  const pieces: Uint8Array[] = []
  for await (const piece of readPieces(store, blobId)) pieces.push(piece)
  return Buffer.concat(pieces)
}
