import type pg from 'pg'

/**
 * What a row of `blob_chunk` holds at most. With its key it fills a page of the database, where it stays: what is longer
 * goes to a table beside it, in pieces of 2 KB with an index of their own (ADR 14). Rows that were written before are longer.
 */
export const chunkBytes = 8120

/** Octets of a blob, which are its rows from the `n`th on. */
export type Octets = { blobId: bigint; n: number; bytes: Uint8Array }

/** How many rows they are. None is a row as well: it says that nothing is missing. */
export const countChunks = (bytes: Uint8Array): number => Math.max(1, Math.ceil(bytes.length / chunkBytes))

/**
 * Writes octets by COPY. As parameters of a statement they are written together here first, and there copied four times
 * over into fresh memory, which costs more than storing them.
 */
export const copyChunks = (client: pg.ClientBase, contents: Octets[]): Promise<void> =>
  new Promise((done, fail) => {
    client.query(new CopyChunks(contents, done, fail))
  })

const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const trailer = Buffer.from([0xff, 0xff])
const copyDone = Buffer.from([0x63, 0, 0, 0, 4])
const frameBytes = 5
const rowBytes = 26

/** A query of the driver's that sends everything at once: nothing is left to be said when the server answers. */
class CopyChunks implements pg.Submittable {
  readonly #contents: Octets[]
  readonly #done: () => void
  readonly #fail: (error: Error) => void

  constructor(contents: Octets[], done: () => void, fail: (error: Error) => void) {
    this.#contents = contents
    this.#done = done
    this.#fail = fail
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection
    stream.cork()
    connection.query('COPY blob_chunk (blob_id, n, bytes) FROM STDIN (FORMAT binary)')
    for (const piece of binaryCopy(this.#contents)) stream.write(piece)
    stream.uncork()
  }

  handleCopyInResponse(): void {}

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#done()
  }

  /** Of what follows an error the server takes no notice. */
  handleError(error: Error): void {
    this.#fail(error)
  }
}

/** The octets themselves are not copied. */
function* binaryCopy(contents: Octets[]): Generator<Uint8Array, void, void> {
  yield frame(signature.length)
  yield signature
  for (const { blobId, n, bytes } of contents)
    for (let row = 0; row < countChunks(bytes); row++) {
      const chunk = bytes.subarray(row * chunkBytes, (row + 1) * chunkBytes)
      yield rowHead(blobId, n + row, chunk.length)
      yield chunk
    }
  yield frame(trailer.length)
  yield trailer
  yield copyDone
}

/** CopyData. */
const frame = (length: number, more = 0): Buffer => {
  const out = Buffer.allocUnsafe(frameBytes + more)
  out.writeInt32BE(4 + more + length, out.writeUInt8(0x64, 0))
  return out
}

/** Three fields, each behind its length, in one message with the octets that follow. */
const rowHead = (blobId: bigint, n: number, length: number): Buffer => {
  const out = frame(length, rowBytes)
  let at = out.writeInt16BE(3, frameBytes)
  at = out.writeInt32BE(8, at)
  at = out.writeBigInt64BE(blobId, at)
  at = out.writeInt32BE(4, at)
  at = out.writeInt32BE(n, at)
  out.writeInt32BE(length, at)
  return out
}
