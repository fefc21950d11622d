import { AppError } from '#platform/errors.ts'
import { newSha256 } from '#platform/sha256.ts'
import { fetchSource, streamContent } from '#protocol/imap/fetch-content.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { idleUntil, listenToMailbox } from '#protocol/imap/watch-mailbox.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { loadForEngine } from '#store/accounts.ts'
import { appendChunk, createBlob, finishBlob } from '#store/blobs.ts'
import { type EngineRequestBody, failureOf, settleRequest } from '#store/engine-requests.ts'
import type { Lease } from '#store/lease.ts'
import { findBodyPlace } from '#store/sync-bodies.ts'
import { isParsedPath, readParsedPart } from '#sync/read-body.ts'
import { syncOneBody } from '#sync/run-body-sync.ts'
import { syncMailbox } from '#sync/run-mailbox-sync.ts'
import type { SyncContext } from '#sync/sync-context.ts'
import type { EngineDeps } from './engine-deps.ts'
import { openAccountSession } from './open-account-session.ts'
import { WakeSignal } from './wake-signal.ts'

type Content = Extract<EngineRequestBody, { kind: 'body' | 'part' | 'source' }>
type Job = { id: bigint; body: Content }

/** Stays open this long after the last request, so that a person reading along never waits for a login. */
const keepWarmMs = 60_000
const maxContentBytes = 128 * 1024 * 1024

/**
 * A session of its own for what people wait for: opening a body, a part, the source. In between it watches the mailbox
 * on the screen, so that changes there show at once.
 */
export class InteractiveSession {
  readonly #deps: EngineDeps
  readonly #lease: Lease
  readonly #stop: AbortSignal
  readonly #jobs: Job[] = []
  readonly #wake = new WakeSignal<'job' | 'mailbox' | 'focus'>()
  #focus: { mailboxId: bigint; until: number } | undefined
  #running: Promise<void> | undefined

  constructor(deps: EngineDeps, lease: Lease, stop: AbortSignal) {
    this.#deps = deps
    this.#lease = lease
    this.#stop = stop
  }

  ask(job: Job): void {
    this.#jobs.push(job)
    this.#wake.mark('job')
    this.#start()
  }

  /** The mailbox on somebody's screen; asked again now and then while it is there. */
  focus(mailboxId: bigint): void {
    this.#focus = { mailboxId, until: this.#deps.clock.monotonicMs() + 3 * keepWarmMs }
    this.#wake.mark('focus')
    this.#start()
  }

  async settled(): Promise<void> {
    await this.#running
  }

  #start(): void {
    if (this.#running || this.#stop.aborted) return
    this.#running = this.#live()
      .catch((error: unknown) => this.#failAll(error))
      .finally(() => {
        this.#running = undefined
        if (this.#jobs.length > 0) this.#start()
      })
  }

  async #failAll(error: unknown): Promise<void> {
    const known = toSessionError(error)
    for (const job of this.#jobs.splice(0)) await this.#refuse(job, known)
  }

  async #refuse(job: Job, error: AppError): Promise<void> {
    const isGone = error.code === 'message.gone' || error.code === 'mailbox.missing'
    const code = isGone ? 'message.gone' : error.code.startsWith('message.') ? error.code : 'message.unavailable'
    const message = isGone ? 'This message is no longer on the server.' : 'The mail server cannot give this right now.'
    await settleRequest(this.#deps.store, job.id, 'failed', failureOf(code, message, error.message)).catch(
      () => undefined,
    )
  }

  async #live(): Promise<void> {
    const { store, masterKey, clock } = this.#deps
    const account = await store.readSystem((tx) => loadForEngine(tx, masterKey, this.#lease.accountId))
    if (!account) throw new AppError('message.unavailable', 'The account is paused.')
    const session = await openAccountSession(this.#deps, account)
    const listener = listenToMailbox(session, () => this.#wake.mark('mailbox'))
    let idleSince = clock.monotonicMs()
    try {
      while (!this.#stop.aborted && session.isOpen()) {
        this.#wake.take('job')
        const job = this.#jobs.shift()
        if (job) {
          await this.#serve(session, job)
          idleSince = clock.monotonicMs()
          continue
        }
        const focused = this.#focus && this.#focus.until > clock.monotonicMs() ? this.#focus : undefined
        if (!focused && clock.monotonicMs() - idleSince > keepWarmMs) return
        await this.#watch(session, focused?.mailboxId)
      }
    } finally {
      listener.stop()
      await session.logout()
    }
  }

  #context(session: ImapSession): SyncContext {
    const { store, clock, logger } = this.#deps
    const { accountId, epoch } = this.#lease
    return {
      store,
      session,
      accountId,
      scope: { kind: 'engine', accountId, epoch },
      clock,
      logger,
      signal: this.#stop,
      yieldToCommands: async () => undefined,
    }
  }

  async #watch(session: ImapSession, mailboxId: bigint | undefined): Promise<void> {
    this.#wake.take('focus')
    const mailbox =
      mailboxId === undefined
        ? null
        : await this.#deps.store.readSystem((tx) =>
            tx.mailbox.findFirst({
              where: { id: mailboxId, accountId: this.#lease.accountId, isSelectable: true, isSynced: true },
            }),
          )
    // The inbox has a watcher of its own.
    if (mailbox && mailbox.role !== 'inbox') {
      this.#wake.take('mailbox')
      await syncMailbox(this.#context(session), mailbox, {
        trustsModseq: session.capabilities.condstore,
        isCompareDue: false,
      })
    }
    const { signal, end } = this.#wake.sleeper(15_000, this.#stop)
    try {
      await idleUntil(session, signal)
    } finally {
      end()
    }
  }

  async #serve(session: ImapSession, job: Job): Promise<void> {
    try {
      const messageId = BigInt(job.body.messageId)
      const place = await this.#deps.store.readSystem((tx) => findBodyPlace(tx, this.#lease.accountId, messageId))
      if (!place) throw new AppError('message.gone', 'This message is no longer on the server.')
      const current = session.flow.mailbox
      if (!current || current.path !== place.path) await selectMailbox(session, place.path)
      if (job.body.kind === 'body') {
        await syncOneBody(this.#context(session), place)
        await settleRequest(this.#deps.store, job.id, 'done', {})
      } else await this.#stream(session, job.id, job.body, Number(place.uid))
    } catch (error) {
      const known = toSessionError(error)
      await this.#refuse(job, known)
      if (!session.isOpen()) throw known
    }
  }

  /** A part of a mail whose structure the server could not give; such mails are small. */
  async #readParsed(session: ImapSession, uid: number, path: string): Promise<Buffer[]> {
    const source = await fetchSource(session, uid)
    const bytes = source && (await readParsedPart(path, source))
    if (!bytes) throw new AppError('message.gone', 'This attachment is no longer there.')
    return [bytes]
  }

  async #stream(session: ImapSession, requestId: bigint, body: Content, uid: number): Promise<void> {
    const { store } = this.#deps
    const { accountId } = this.#lease
    const part =
      body.kind === 'part'
        ? await store.readSystem((tx) =>
            tx.part.findFirst({ where: { id: BigInt(body.partId), messageId: BigInt(body.messageId), accountId } }),
          )
        : null
    if (body.kind === 'part' && !part) throw new AppError('message.gone', 'This attachment is no longer there.')
    const content =
      part && isParsedPath(part.path)
        ? await this.#readParsed(session, uid, part.path)
        : (await streamContent(session, uid, part?.path ?? null, maxContentBytes)).content
    const blobId = await createBlob(store, accountId)
    await settleRequest(store, requestId, 'running', { blobId: blobId.toString() })
    const hash = newSha256()
    let n = 0
    let sizeBytes = 0
    for await (const chunk of content) {
      const bytes = chunk as Buffer // the library's streams carry buffers
      hash.update(bytes)
      sizeBytes += bytes.length
      await appendChunk(store, blobId, n++, bytes)
      await settleRequest(store, requestId, 'running', { blobId: blobId.toString() })
    }
    const whole = { blobId, accountId, sha256: hash.digest(), sizeBytes }
    await finishBlob(
      store,
      whole,
      part ? { kind: 'part', partId: part.id } : { kind: 'source', messageId: BigInt(body.messageId) },
    )
    await settleRequest(store, requestId, 'done', { blobId: blobId.toString() })
  }
}
