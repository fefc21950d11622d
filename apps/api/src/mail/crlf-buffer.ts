const LF = 10
const CR = 13

/**
 * The one place where line ends become CRLF, as mail has them (RFC 5322 2.1): a line feed that stands alone gets its
 * carriage return, everything else stays. Pieces may be cut anywhere.
 */
export class CrlfBuffer {
  #buffer = Buffer.allocUnsafe(64 * 1024)
  #last = 0
  size = 0

  push(bytes: Buffer): void {
    let from = 0
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
      const before = at > 0 ? bytes[at - 1] : this.#last
      if (before === CR) continue
      this.#copy(bytes, from, at)
      this.#reserve(1)
      this.#buffer[this.size++] = CR
      from = at
    }
    this.#copy(bytes, from, bytes.length)
    this.#last = bytes.at(-1) ?? this.#last
  }

  /** What has been collected; it is the caller's from now on. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.size))
    this.size = 0
    return taken
  }

  #copy(bytes: Buffer, from: number, to: number): void {
    this.#reserve(to - from)
    this.size += bytes.copy(this.#buffer, this.size, from, to)
  }

  #reserve(more: number): void {
    if (this.size + more <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(2 * (this.size + more))
    this.#buffer.copy(larger, 0, 0, this.size)
    this.#buffer = larger
  }
}

/** Content whose every line ends with CRLF. */
export async function* withCrlf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const lines = new CrlfBuffer()
  for await (const piece of content) {
    lines.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))
    yield lines.take()
  }
}
