const cr = 13
const lf = 10
const dot = 46
const nothing = Buffer.alloc(0)
const heldCr = Buffer.from('\r')
const dottedLine = Buffer.from('\r\n.')

/**
 * Takes the dots out of a multi-line answer and finds its end, whatever pieces it comes in. RFC 1939 3.
 *
 *   lineStart --"."--> dot --CR--> dotCr --LF--> ended
 *       ^               +--other--+   +--other--> line: the dot was stuffing and is gone
 *       +------------- CR LF ------------------ line
 *
 * Only CR LF ends a line. A bare LF before a dot ends nothing: a mail that holds one could otherwise end its own answer
 * and speak in the server's name.
 */
export class MultiLineDecoder {
  #state: 'lineStart' | 'dot' | 'dotCr' | 'line' | 'ended' = 'lineStart'
  #lastWasCr = false

  get isEnded(): boolean {
    return this.#state === 'ended'
  }

  /** What `chunk` holds of the content, mostly as a view on it, and how many of its bytes belong to this answer. */
  push(chunk: Buffer): { content: Buffer; used: number } {
    const pieces: Buffer[] = []
    let from = 0
    let at = 0
    while (at < chunk.length && this.#state !== 'ended') {
      if (this.#state === 'lineStart') {
        if (chunk[at] === dot) {
          if (at > from) pieces.push(chunk.subarray(from, at))
          from = ++at
          this.#state = 'dot'
        } else this.#state = 'line'
      } else if (this.#state === 'dot') {
        if (chunk[at] === cr) {
          from = ++at
          this.#state = 'dotCr'
        } else this.#state = 'line'
      } else if (this.#state === 'dotCr') {
        if (chunk[at] === lf) {
          from = ++at
          this.#state = 'ended'
        } else {
          pieces.push(heldCr)
          this.#state = 'line'
        }
      } else at = this.#skipLines(chunk, at)
    }
    if (at > from) pieces.push(chunk.subarray(from, at))
    if (chunk.length > 0) this.#lastWasCr = chunk[chunk.length - 1] === cr
    return { content: pieces.length > 1 ? Buffer.concat(pieces) : (pieces[0] ?? nothing), used: at }
  }

  /** To the next line that begins with a dot, or behind the chunk: all others are content as they are. */
  #skipLines(chunk: Buffer, at: number): number {
    // The line break that the last chunk began.
    if (at === 0 && this.#lastWasCr && chunk[0] === lf) {
      this.#state = 'lineStart'
      return 1
    }
    const next = chunk.indexOf(dottedLine, at)
    if (next >= 0) {
      this.#state = 'lineStart'
      return next + 2
    }
    const end = chunk.length
    if (chunk[end - 1] === lf && chunk[end - 2] === cr) this.#state = 'lineStart'
    return end
  }
}
