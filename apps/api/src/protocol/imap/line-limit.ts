import type { Socket } from 'node:net'
import { AppError } from '#platform/errors.ts'

/**
 * Counts the lines a server says while something that takes few is under way: the library keeps whatever a LIST is
 * answered with, up to a million mailboxes, which is too much for one process of many accounts. The socket of a session
 * may change under way (STARTTLS).
 */
export class LineLimit {
  readonly #onTooMany: () => void
  readonly #count = (bytes: Buffer): void => {
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) this.#lines++
    if (this.#lines > this.#most) this.#onTooMany()
  }
  #socket: Socket | undefined
  #isCounting = false
  #lines = 0
  #most = 0

  constructor(onTooMany: () => void) {
    this.#onTooMany = onTooMany
  }

  follow(socket: Socket): void {
    if (this.#isCounting) this.#socket?.off('data', this.#count)
    this.#socket = socket
    if (this.#isCounting) socket.on('data', this.#count)
  }

  /** Throws connect.protocol when `work` made the server say more than `most` lines. */
  async within<T>(most: number, work: () => Promise<T>): Promise<T> {
    this.#lines = 0
    this.#most = most
    this.#isCounting = true
    this.#socket?.on('data', this.#count)
    try {
      return await work()
    } catch (error) {
      if (this.#lines <= most) throw error
      throw new AppError('connect.protocol', 'The server says far more than any mail server should.', { cause: error })
    } finally {
      this.#isCounting = false
      this.#socket?.off('data', this.#count)
    }
  }
}
