import type { Duplex } from 'node:stream'
import { displayLine } from '#mail/storable-text.ts'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'
import { MultiLineDecoder } from './multi-line.ts'
import { parseReply, type Reply, type Status } from './status-line.ts'

/** RFC 2449 4 allows 512 octets, RFC 5034 4 challenges of 12,288. */
const maxLineBytes = 16_384
/** What is read ahead of whoever takes it; then the server has to wait. */
const maxBufferedBytes = 256 * 1024
const maxBufferedChunks = 64
/**
 * Then it is the turn of whoever else waits in this process. A server that is quick keeps its socket ready, and Node reads
 * 2 MB from one before it looks at the next: every answer of the database would come that much later.
 */
const turnBytes = 128 * 1024

/**
 * The byte layer of a session: commands go out, answers come back in their order and are taken from here piece by piece.
 * It holds what makes POP3 dangerous: nothing but our own lines is sent, an answer that was not read to its end, or that
 * nobody asked for, ends the session, and every wait for the server has its limit.
 */
export class Channel {
  /** Resolves once, when the connection is over for whatever reason. */
  readonly closed: Promise<void>
  readonly #stream: Duplex
  readonly #silenceMs: number
  #chunks: Buffer[] = []
  #bufferedBytes = 0
  #fault: AppError | null = null
  #isOver = false
  #isBusy = false
  #isInBody = false
  /** Of bodies, in this turn. */
  #turnBytes = 0
  /** Answers still to come. */
  #owed = 0
  #wake: () => void = () => undefined

  /** `silenceMs`: how long a server may need for one line, or for the next bytes of something longer. */
  constructor(stream: Duplex, silenceMs: number) {
    this.#stream = stream
    this.#silenceMs = silenceMs
    this.#isOver = stream.destroyed
    this.closed = stream.destroyed ? Promise.resolve() : new Promise((done) => stream.once('close', done))
    stream.on('data', this.#onData).on('error', this.#onError).on('end', this.#onOver).on('close', this.#onOver)
  }

  get isOpen(): boolean {
    return !this.#isOver && this.#fault === null
  }

  /** Takes the session for one operation; the answer ends it. One at a time, as answers have nothing but their order. */
  begin(): () => void {
    if (this.#isBusy) throw new AppError('internal', 'The session is busy with another operation.')
    this.#isBusy = true
    return () => {
      this.#isBusy = false
      if (this.#owed > 0 || this.#isInBody) this.fail(leftInTheMiddle())
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    const end = this.begin()
    try {
      return await work()
    } finally {
      end()
    }
  }

  /** Each command is owed one answer. Throws request.invalid before anything is sent. */
  send(...commands: string[]): void {
    for (const command of commands) refuseBreaks(command)
    if (this.#fault) throw this.#fault
    if (this.#owed === 0 && this.#bufferedBytes > 0) throw this.fail(this.#spokenOutOfTurn())
    this.#owed += commands.length
    this.#stream.write(commands.map((command) => `${command}\r\n`).join(''))
  }

  /** The next line of a dialogue that one command began. RFC 5034 4. */
  respond(line: string): void {
    refuseBreaks(line)
    this.#stream.write(`${line}\r\n`)
  }

  /** The greeting, or the next line of such a dialogue. */
  async readReply(withinMs = this.#silenceMs): Promise<Reply> {
    if (this.#isInBody) throw this.fail(leftInTheMiddle())
    const line = await this.#readLine(withinMs)
    const reply = parseReply(line)
    if (reply === null) throw this.fail(notUnderstood(line))
    if (reply.kind !== 'challenge' && this.#owed > 0) this.#owed--
    return reply
  }

  async readStatus(): Promise<Status> {
    const reply = await this.readReply()
    if (reply.kind === 'challenge') throw this.fail(notUnderstood(Buffer.from(`+ ${reply.text}`)))
    return reply
  }

  /** The exact octets behind a status line, as views on what was received. It has to be read to its end. */
  readBody(maxBytes: number, tooMany: () => AppError): AsyncGenerator<Buffer, void, void> {
    this.#isInBody = true
    return this.#readBody(maxBytes, tooMany)
  }

  async *#readBody(maxBytes: number, tooMany: () => AppError): AsyncGenerator<Buffer, void, void> {
    const decoder = new MultiLineDecoder()
    let bytes = 0
    try {
      while (!decoder.isEnded) {
        const chunk = this.#take() ?? (await this.#awaitChunk(this.#silenceMs))
        if (this.#turnBytes >= turnBytes) await this.#giveTurn()
        const { content, used } = decoder.push(chunk)
        this.#turnBytes += used
        if (decoder.isEnded) {
          this.#putBack(chunk.subarray(used))
          this.#isInBody = false
        }
        bytes += content.length
        if (bytes > maxBytes) throw this.fail(tooMany())
        if (content.length > 0) yield content
      }
    } finally {
      if (!decoder.isEnded) this.fail(leftInTheMiddle())
    }
  }

  /**
   * Lets go of the stream, for TLS. Bytes behind the answer to STLS came in clear and are never taken for what was said
   * under TLS. Throws tls.handshake.
   */
  detach(): void {
    if (this.#bufferedBytes > 0 || this.#stream.readableLength > 0)
      throw this.fail(
        new AppError('tls.handshake', 'The server spoke out of turn while encryption was set up.', {
          hint: 'Somebody may be tampering with the connection; try TLS at once (port 995).',
        }),
      )
    const stream = this.#stream
    stream.off('data', this.#onData).off('error', this.#onError).off('end', this.#onOver).off('close', this.#onOver)
    stream.pause()
  }

  /** Cuts the connection; the first reason stays the reason. Answers it. */
  fail(reason: AppError): AppError {
    this.#fault ??= reason
    this.#chunks = []
    this.#bufferedBytes = 0
    this.#stream.destroy()
    this.#wake()
    return this.#fault
  }

  /** Closes what was ended by both sides. */
  end(): void {
    this.#fault ??= new AppError('connect.closed', 'The session is over.')
    this.#stream.end(() => this.#stream.destroy())
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk)
    this.#bufferedBytes += chunk.length
    if (this.#bufferedBytes > maxBufferedBytes || this.#chunks.length > maxBufferedChunks) this.#stream.pause()
    this.#wake()
  }

  readonly #onError = (error: Error): void => {
    this.#fault ??= toSessionError(error)
    this.#wake()
  }

  readonly #onOver = (): void => {
    this.#isOver = true
    this.#wake()
  }

  #take(): Buffer | undefined {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) return undefined
    this.#bufferedBytes -= chunk.length
    if (this.#stream.isPaused() && this.#bufferedBytes < maxBufferedBytes / 4) this.#stream.resume()
    return chunk
  }

  async #giveTurn(): Promise<void> {
    this.#turnBytes = 0
    await new Promise(setImmediate)
  }

  #putBack(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.unshift(chunk)
    this.#bufferedBytes += chunk.length
  }

  /** What came before a fault is still given out: only then it is known that nothing follows. */
  async #awaitChunk(withinMs: number): Promise<Buffer> {
    const until = performance.now() + withinMs
    for (;;) {
      const chunk = this.#take()
      if (chunk) return chunk
      if (this.#fault) throw this.#fault
      if (this.#isOver) throw this.fail(closedByServer())
      const leftMs = until - performance.now()
      if (leftMs <= 0) throw this.fail(silent())
      await new Promise<void>((wake) => {
        const timer = setTimeout(wake, leftMs)
        this.#wake = () => {
          clearTimeout(timer)
          wake()
        }
      })
    }
  }

  /** Without its end. A whole line has to come in time, so that nobody keeps a session waiting byte by byte. */
  async #readLine(withinMs: number): Promise<Buffer> {
    const until = performance.now() + withinMs
    let line = this.#take() ?? (await this.#awaitChunk(withinMs))
    let from = 0
    for (;;) {
      const end = line.indexOf(10, from)
      if (end >= 0) {
        this.#putBack(line.subarray(end + 1))
        if (end > maxLineBytes) throw this.fail(notUnderstood(line))
        return line.subarray(0, end > 0 && line[end - 1] === 13 ? end - 1 : end)
      }
      if (line.length > maxLineBytes) throw this.fail(notUnderstood(line))
      from = line.length
      line = Buffer.concat([line, this.#take() ?? (await this.#awaitChunk(until - performance.now()))])
    }
  }

  /** Some servers say why they end a session that nobody used. */
  #spokenOutOfTurn(): AppError {
    const said = Buffer.concat(this.#chunks)
    if (!said.toString('latin1', 0, 4).startsWith('-ERR')) return notUnderstood(said)
    return new AppError('connect.closed', 'The server ended the session.', {
      hint: 'We connect again by ourselves.',
      serverText: displayLine(said.toString('latin1', 4, 500)),
    })
  }
}

/** A line break in an argument would be a command of somebody else's. */
export const refuseBreaks = (line: string): void => {
  if (/[\r\n\0]/.test(line))
    throw new AppError('request.invalid', 'Names and passwords cannot hold line breaks.', {
      hint: 'Type it again; something invisible may have been pasted along.',
    })
}

const leftInTheMiddle = () =>
  new AppError('connect.closed', 'An answer was left in the middle, so the session was ended.')
const closedByServer = () =>
  new AppError('connect.closed', 'The server closed the connection.', { hint: 'We connect again by ourselves.' })
const silent = () =>
  new AppError('connect.timeout', 'The server stopped answering.', { hint: 'We connect again by ourselves.' })
const notUnderstood = (said: Buffer) =>
  new AppError('connect.protocol', 'The server answered in a way we do not understand.', {
    serverText: displayLine(said.toString('latin1', 0, 500)),
  })
