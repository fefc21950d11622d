const firstBytes = 64 * 1024
/** Seen by all threads without being copied or moved. */
export const allocateShared = (bytes: number): Buffer => Buffer.from(new SharedArrayBuffer(bytes))
/** Few steps: what was outgrown lies about until it is collected. */
const growth = 16

/**
 * Memory in which contents are put together one behind the other, and which is used again once all of them are done with.
 * Memory of their own would lie outside the heap until V8 has it collected, which it does with everything else, each time
 * some 64 MB have gathered.
 */
export class ReusedMemory {
  readonly #mostBytes: number
  readonly #allocate: (bytes: number) => Buffer
  #block: Buffer = Buffer.alloc(0)
  #from = 0
  #at = 0

  /** `mostBytes`: what is put together before it is used again, as far as it is known. */
  constructor(mostBytes: number, allocate: (bytes: number) => Buffer = Buffer.allocUnsafeSlow) {
    this.#mostBytes = mostBytes
    this.#allocate = allocate
  }

  /** A further piece of the content that is open. */
  add(piece: Uint8Array): void {
    if (this.#at + piece.length > this.#block.length) this.#grow(piece.length)
    this.#block.set(piece, this.#at)
    this.#at += piece.length
  }

  /** What is open so far. */
  get opened(): Buffer {
    return this.#block.subarray(this.#from, this.#at)
  }

  /** The content that was open: good until `reuse`. */
  close(): Buffer {
    const content = this.opened
    this.#from = this.#at
    return content
  }

  /** What is open is not wanted any more. */
  drop(): void {
    this.#at = this.#from
  }

  /** All that was closed may be overwritten. */
  reuse(): void {
    this.#from = 0
    this.#at = 0
  }

  /** What is closed stays where it is. */
  #grow(more: number): void {
    const { opened } = this
    const wanted = Math.min(this.#mostBytes, Math.max(firstBytes, growth * this.#block.length))
    const larger = this.#allocate(Math.max(wanted, opened.length + more))
    larger.set(opened)
    this.#block = larger
    this.#from = 0
    this.#at = opened.length
  }
}
