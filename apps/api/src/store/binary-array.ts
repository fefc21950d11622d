/**
 * Array parameters in PostgreSQL's binary form (array_recv). As text every element would be escaped here and read
 * character by character there, which costs more than storing it when elements are whole mails.
 */
const textOid = 25
const tsvectorOid = 3614
const byteaOid = 17
const headerBytes = 20

/** One dimension from 1 on: dimensions, "may hold null", element type, length, lower bound. */
const header = (out: Buffer, oid: number, length: number): number => {
  let at = out.writeInt32BE(length === 0 ? 0 : 1, 0)
  at = out.writeInt32BE(1, at)
  at = out.writeInt32BE(oid, at)
  if (length === 0) return at
  at = out.writeInt32BE(length, at)
  return out.writeInt32BE(1, at)
}

/** Grows by doubling; a whole batch of mails fits after a few. */
const firstBytes = 64 * 1024

/**
 * An array of one dimension, written as its elements come: what they were made from need not be kept until the last is
 * there.
 */
export class ArrayWriter {
  readonly #oid: number
  #out = Buffer.allocUnsafeSlow(firstBytes)
  #at = headerBytes
  #length = 0

  constructor(type: 'text' | 'tsvector') {
    this.#oid = type === 'text' ? textOid : tsvectorOid
  }

  add(value: string | Buffer | null): void {
    this.#length++
    // A character is at most three bytes.
    this.#reserve(4 + (value === null ? 0 : typeof value === 'string' ? 3 * value.length : value.length))
    const to = this.#at + 4
    const bytes =
      value === null ? -1 : typeof value === 'string' ? this.#out.write(value, to) : value.copy(this.#out, to)
    this.#out.writeInt32BE(bytes, this.#at)
    this.#at = to + Math.max(0, bytes)
  }

  /** The array so far; it is one's own, and shares no memory. */
  finish(): Buffer {
    const at = this.#length === 0 ? header(this.#out, this.#oid, 0) : this.#at
    header(this.#out, this.#oid, this.#length)
    return Buffer.from(this.#out.buffer.slice(0, at))
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#out.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#out.length, this.#at + more))
    this.#out.copy(larger, 0, 0, this.#at)
    this.#out = larger
  }
}

/** For `${...}::text[]`; also the cheapest way to send many numbers and dates, cast on the other side. */
export const textArray = (values: readonly (string | null)[]): Buffer => {
  const writer = new ArrayWriter('text')
  for (const value of values) writer.add(value)
  return writer.finish()
}

/** For `${...}::bytea[]`: one copy of all of it, of just the size it needs. */
export const byteaArray = (values: readonly Buffer[]): Buffer => {
  const out = Buffer.allocUnsafeSlow(values.reduce((size, { length }) => size + 4 + length, headerBytes))
  let at = header(out, byteaOid, values.length)
  for (const value of values) {
    at = out.writeInt32BE(value.length, at)
    at += value.copy(out, at)
  }
  return out.subarray(0, at)
}
