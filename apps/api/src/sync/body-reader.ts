import { Worker } from 'node:worker_threads'
import { maxSourceText } from '#mail/parse-message.ts'
import { AppError } from '#platform/errors.ts'
import type { Logger } from '#platform/logger.ts'
import { forgetPassing } from '#platform/release-memory.ts'
import { type BodyColumns, toColumns } from '#store/body-columns.ts'
import type { ReadAnswer, ReadJob } from './body-thread.ts'
import { type MailFacts, type PartsToRead, type SourceToRead, unparsableBody } from './read-body.ts'

/**
 * Reads mails in a thread of its own, so that whatever is in them the engine goes on. A mail that takes longer or more
 * memory than any honest one is given up together with the thread; the next job starts another.
 *
 *   none --first job--> running --nothing to do for a while--> none
 *                          +------ a mail overran, closed ----> none
 */
export type ReadLimits = {
  /** A mail is given up when this many looks in a row find it still being read. Looks, not time: a stopped process takes none. */
  looks: number
  lookEveryMs: number
  /** Of the JavaScript heap. What mails bring along is bounded where they are fetched. */
  heapMb: number
  /** The thread ends after this long without a job. */
  restMs: number
}
export const readLimits: ReadLimits = { looks: 20, lookEveryMs: 250, heapMb: 256, restMs: 10_000 }

/** Short-lived strings are most of what reading makes: with room for them they are never moved. */
const youngMb = 48

export type ReadParts = {
  columns: BodyColumns
  /** The server's view of them gave nothing: their source may. */
  unread: PartsToRead[]
  /** Took too long or too much memory. */
  overran: PartsToRead[]
}

/** The mail at this place of the job was too much. */
class Overrun extends Error {
  readonly at: number
  constructor(at: number, cause?: unknown) {
    super('a mail took too long or too much memory', { cause })
    this.at = at
  }
}

type Thread = { worker: Worker; progress: Int32Array }

export class BodyReader {
  readonly #logger: Logger
  readonly #limits: ReadLimits
  #thread: Thread | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #rest: NodeJS.Timeout | undefined

  constructor(logger: Logger, limits: ReadLimits = readLimits) {
    this.#logger = logger
    this.#limits = limits
  }

  async readParts(mails: PartsToRead[]): Promise<ReadParts> {
    const overran: PartsToRead[] = []
    for (let open = mails; ; ) {
      try {
        const { columns, unread } = await this.#columns(partsJob(open))
        return { columns, unread: open.filter((_, index) => unread.includes(index)), overran }
      } catch (error) {
        const culprit = error instanceof Overrun ? open[error.at] : undefined
        if (!culprit) throw error
        overran.push(culprit)
        open = open.filter((mail) => mail !== culprit)
      }
    }
  }

  /** What our own parser, else what the beginning of the source gives; the placeholder if even that is too much. */
  async readSource(mail: MailFacts, source: Buffer, isParsed: boolean): Promise<BodyColumns> {
    for (const kind of isParsed ? (['source', 'start'] as const) : (['start'] as const)) {
      try {
        const { columns, unread } = await this.#columns({ kind, mail, source: new Uint8Array(source) })
        if (unread.length === 0) return columns
      } catch (error) {
        if (!(error instanceof Overrun)) throw error
      }
    }
    return toColumns([unparsableBody(mail)])
  }

  /** Whole mails as they came, best in shared memory: it is read where it is. What is poison or too much is shown from its beginning. */
  async readSources(mails: SourceToRead[]): Promise<BodyColumns[]> {
    const columns: BodyColumns[] = []
    for (let open = mails; open.length > 0; ) {
      let culprits: SourceToRead[] = []
      let rest: SourceToRead[] = []
      try {
        const answer = await this.#columns({ kind: 'sources', mails: open })
        columns.push(answer.columns)
        culprits = answer.unread.flatMap((at) => open[at] ?? [])
      } catch (error) {
        const culprit = error instanceof Overrun ? open[error.at] : undefined
        if (!culprit) throw error
        culprits = [culprit]
        rest = open.filter((mail) => mail !== culprit)
      }
      for (const { facts, source } of culprits) columns.push(await this.readSource(facts, Buffer.from(source), false))
      open = rest
    }
    return columns
  }

  /** One mail of any size, piece by piece; what is poison or too much is shown from its beginning. */
  async readPieces(mail: MailFacts, pieces: AsyncIterable<Uint8Array>): Promise<BodyColumns> {
    let start = Buffer.alloc(0)
    const forget = forgetPassing()
    const columns = await this.#alone(async () => {
      try {
        await this.#ask({ kind: 'open', part: null })
        for await (const piece of pieces) {
          if (start.length < maxSourceText) start = Buffer.concat([start, piece])
          await this.#ask({ kind: 'feed', bytes: new Uint8Array(piece) })
          forget(piece.length)
        }
        const answer = await this.#ask({ kind: 'close', mail })
        return answer.kind === 'columns' && answer.unread.length === 0 ? answer.columns : null
      } catch (error) {
        if (!(error instanceof Overrun)) throw error
        return null
      }
    })
    return columns ?? (await this.readSource(mail, start, false))
  }

  /**
   * The bytes of the part at this place (parsedPlace) while its mail is fed to the parser, so that neither is ever in memory
   * whole. Throws message.unparsable, maybe at the very end, when it cannot be had.
   */
  async *readPart(place: number, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    const endTurn = await this.#takeTurn()
    try {
      await this.#ask({ kind: 'open', part: place })
      for await (const piece of pieces) {
        const { bytes, isPartWhole } = await this.#feed({ kind: 'feed', bytes: new Uint8Array(piece) })
        if (bytes.length > 0) yield bytes
        if (isPartWhole) return
      }
      const { bytes, isPartWhole } = await this.#feed({ kind: 'drain' })
      if (bytes.length > 0) yield bytes
      if (!isPartWhole) throw unreadablePart()
    } catch (error) {
      throw error instanceof Overrun ? unreadablePart(error) : error
    } finally {
      endTurn()
    }
  }

  get isRunning(): boolean {
    return this.#thread !== undefined
  }

  async close(): Promise<void> {
    await this.#turn
    await this.#end()
  }

  async #columns(job: ReadJob): Promise<Extract<ReadAnswer, { kind: 'columns' }>> {
    const answer = await this.#inTurn(job)
    if (answer.kind === 'columns') return answer
    throw new AppError('internal', 'The reading thread answered something else.')
  }

  #inTurn(job: ReadJob): Promise<ReadAnswer> {
    return this.#alone(() => this.#ask(job))
  }

  async #feed(job: ReadJob): Promise<Extract<ReadAnswer, { kind: 'fed' }>> {
    const answer = await this.#ask(job)
    if (answer.kind === 'fed') return answer
    throw new AppError('internal', 'The reading thread answered something else.')
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const endTurn = await this.#takeTurn()
    try {
      return await work()
    } finally {
      endTurn()
    }
  }

  /** Resolves when nobody else uses the thread; the answer lets the next one. */
  async #takeTurn(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#turn
    this.#turn = promise
    await before
    return resolve
  }

  async #ask(job: ReadJob): Promise<ReadAnswer> {
    clearTimeout(this.#rest)
    this.#thread ??= this.#start()
    try {
      return await exchange(this.#thread, job, this.#limits)
    } catch (error) {
      if (error instanceof Overrun)
        this.#logger.warn({ err: error }, 'a mail was given up; it is shown from its source')
      await this.#end()
      throw error
    } finally {
      this.#rest = setTimeout(() => void this.#inTurnEnd(), this.#limits.restMs)
      this.#rest.unref()
    }
  }

  #start(): Thread {
    const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    const worker = new Worker(new URL('./body-thread.ts', import.meta.url), {
      name: 'reading',
      workerData: { progress: shared },
      // It needs nothing of the outside, and what it reads shall find nothing.
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMb, maxYoungGenerationSizeMb: youngMb },
    })
    // While it rests nobody listens, and a fault of its own ends the thread, never the process.
    worker.on('error', () => undefined)
    const thread = { worker, progress: new Int32Array(shared) }
    worker.once('exit', () => {
      if (this.#thread === thread) this.#thread = undefined
    })
    return thread
  }

  /** When it is its turn: a job may have come in meanwhile. */
  #inTurnEnd(): Promise<void> {
    const rest = this.#rest
    const turn = this.#turn.then(() => (this.#rest === rest ? this.#end() : undefined))
    this.#turn = turn
    return turn
  }

  async #end(): Promise<void> {
    clearTimeout(this.#rest)
    const thread = this.#thread
    this.#thread = undefined
    await thread?.worker.terminate()
  }
}

const unreadablePart = (cause?: unknown): AppError =>
  new AppError('message.unparsable', 'This attachment cannot be read.', {
    hint: 'Download the whole mail instead.',
    cause,
  })

const exchange = ({ worker, progress }: Thread, job: ReadJob, limits: ReadLimits): Promise<ReadAnswer> => {
  Atomics.store(progress, 0, 0)
  const at = () => Atomics.load(progress, 0) - 1
  let lastAt = -1
  let looks = 0
  let onAnswer = (_: ReadAnswer): void => undefined
  let onError = (_: unknown): void => undefined
  let onExit = (): void => undefined
  let timer: NodeJS.Timeout | undefined
  return new Promise<ReadAnswer>((done, fail) => {
    // Before the first mail it is only starting.
    const failAt = (cause?: unknown) =>
      fail(
        at() < 0 ? new AppError('internal', 'The reading thread did not start.', { cause }) : new Overrun(at(), cause),
      )
    timer = setInterval(() => {
      const now = at()
      looks = now >= 0 && now === lastAt ? looks + 1 : 0
      lastAt = now
      if (looks >= limits.looks) failAt()
    }, limits.lookEveryMs)
    onAnswer = done
    onError = failAt
    onExit = () => failAt()
    worker.on('message', onAnswer).on('error', onError).on('exit', onExit)
    worker.postMessage(job, memoryOf(job))
  }).finally(() => {
    clearInterval(timer)
    worker.off('message', onAnswer).off('error', onError).off('exit', onExit)
  })
}

/** A copy of all bytes side by side, which moves to the thread: what came from the network may share memory with others. */
const partsJob = (mails: PartsToRead[]): ReadJob => {
  let size = 0
  for (const { parts } of mails) for (const bytes of parts.values()) size += bytes.length
  const memory = new Uint8Array(size)
  let to = 0
  const copy = (bytes: Uint8Array): Uint8Array => {
    memory.set(bytes, to)
    to += bytes.length
    return memory.subarray(to - bytes.length, to)
  }
  return {
    kind: 'parts',
    mails: mails.map((mail) => ({
      ...mail,
      parts: new Map([...mail.parts].map(([path, bytes]) => [path, copy(bytes)])),
    })),
  }
}

/** What moves over instead of being copied: all of it was made for this job. */
const memoryOf = (job: ReadJob): ArrayBuffer[] => {
  const made = (bytes: Uint8Array) => bytes.buffer as ArrayBuffer // made by new Uint8Array
  switch (job.kind) {
    case 'parts':
      // One for all: partsJob.
      for (const { parts } of job.mails) for (const bytes of parts.values()) return [made(bytes)]
      return []
    case 'feed':
      return [made(job.bytes)]
    case 'source':
    case 'start':
      return [made(job.source)]
    default:
      return []
  }
}
