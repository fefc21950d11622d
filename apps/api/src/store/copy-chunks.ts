import type pg from 'pg'

/** A piece of a blob: a row of `blob_chunk`. */
export type Chunk = { blobId: bigint; n: number; bytes: Uint8Array }

/**
 * Writes octets by COPY. As parameters of a statement they are written together here first, and there copied four times
 * over into fresh memory, which costs more than storing them.
 */
export const copyChunks = (client: pg.ClientBase, chunks: Chunk[]): Promise<void> =>
  new Promise((done, fail) => {
    client.query(new CopyChunks(chunks, done, fail))
  })

/** What the server takes at a time: it keeps room for the largest. */
const messageBytes = 64 * 1024
const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const trailer = Buffer.from([0xff, 0xff])
const copyDone = Buffer.from([0x63, 0, 0, 0, 4])
const frameBytes = 5
const rowBytes = 26

/** A query of the driver's that sends everything at once: nothing is left to be said when the server answers. */
class CopyChunks implements pg.Submittable {
  readonly #chunks: Chunk[]
  readonly #done: () => void
  readonly #fail: (error: Error) => void

  constructor(chunks: Chunk[], done: () => void, fail: (error: Error) => void) {
    this.#chunks = chunks
    this.#done = done
    this.#fail = fail
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection
    stream.cork()
    connection.query('COPY blob_chunk (blob_id, n, bytes) FROM STDIN (FORMAT binary)')
    for (const piece of binaryCopy(this.#chunks)) stream.write(piece)
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
function* binaryCopy(chunks: Chunk[]): Generator<Uint8Array, void, void> {
  yield frame(signature.length)
  yield signature
  for (const { blobId, n, bytes } of chunks) {
    let to = Math.min(bytes.length, messageBytes)
    yield rowHead(blobId, n, bytes.length, to)
    yield bytes.subarray(0, to)
    for (let from = to; from < bytes.length; from = to) {
      to = Math.min(bytes.length, from + messageBytes)
      yield frame(to - from)
      yield bytes.subarray(from, to)
    }
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
const rowHead = (blobId: bigint, n: number, length: number, following: number): Buffer => {
  const out = frame(following, rowBytes)
  let at = out.writeInt16BE(3, frameBytes)
  at = out.writeInt32BE(8, at)
  at = out.writeBigInt64BE(blobId, at)
  at = out.writeInt32BE(4, at)
  at = out.writeInt32BE(n, at)
  out.writeInt32BE(length, at)
  return out
}
