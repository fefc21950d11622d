import type pg from 'pg'
import { toStoreError } from './store-error.ts'

/** Of each of these blobs the rows from the `n`th on, at most so many. */
export type WantedChunks = { blobIds: bigint[]; n: number; rows: number }
/** Told of each row, blob by blob and in order. `bytes` are a view on what the driver overwrites next. */
type Take = (blobId: bigint, bytes: Buffer) => void

/**
 * Octets out of the database by COPY: of the driver's ways the only one on which they are not taken for text. Whatever
 * format a statement asks for, it reads each value as UTF-8, which is not what was stored wherever a mail is 8-bit.
 * Throws storage.*.
 */
export const readOctets = async (pool: pg.Pool, wanted: WantedChunks, take: Take): Promise<void> => {
  if (wanted.blobIds.length === 0) return
  let client: pg.PoolClient | undefined
  let isSound = false
  try {
    client = await pool.connect()
    await copyOut(client, wanted, take)
    isSound = true
  } catch (error) {
    throw toStoreError(error)
  } finally {
    client?.release(!isSound)
  }
}

const copyOut = (client: pg.PoolClient, wanted: WantedChunks, take: Take): Promise<void> =>
  new Promise((done, fail) => {
    client.query(new CopyOctets(wanted, take, done, fail))
  })

const headerBytes = 19
const noMoreRows = -1

class CopyOctets implements pg.Submittable {
  readonly #sql: string
  readonly #take: Take
  readonly #done: () => void
  readonly #fail: (error: Error) => void
  #isBegun = false

  constructor({ blobIds, n, rows }: WantedChunks, take: Take, done: () => void, fail: (error: Error) => void) {
    // COPY takes no parameters; these are numbers.
    const isWanted = `blob_id IN (${blobIds.join()}) AND n >= ${n} AND n < ${n + rows}`
    this.#sql = `COPY (SELECT blob_id, bytes FROM blob_chunk WHERE ${isWanted} ORDER BY blob_id, n) TO STDOUT (FORMAT binary)`
    this.#take = take
    this.#done = done
    this.#fail = fail
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#sql)
  }

  /** The server sends each row in a message of its own, the first behind a header. */
  handleCopyData({ chunk }: { chunk: Buffer }): void {
    let at = this.#isBegun ? 0 : headerBytes
    this.#isBegun = true
    if (at >= chunk.length || chunk.readInt16BE(at) === noMoreRows) return
    at += 2 + 4
    const blobId = chunk.readBigInt64BE(at)
    at += 8
    const length = chunk.readInt32BE(at)
    this.#take(blobId, chunk.subarray(at + 4, at + 4 + length))
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#done()
  }

  handleError(error: Error): void {
    this.#fail(error)
  }
}
