import { AppError } from '#platform/errors.ts'
import { newSha256 } from '#platform/sha256.ts'
import { fetchSource, streamContent } from '#protocol/imap/fetch-content.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { idleUntil, listenToMailbox } from '#protocol/imap/watch-mailbox.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { appendChunk, createBlob, finishBlob } from '#store/blobs.ts'
import { type EngineRequestBody, failureOf, settleRequest } from '#store/engine-requests.ts'
import { findBodyPlace } from '#store/sync-bodies.ts'
import { isParsedPath, readParsedPart } from '#sync/read-body.ts'
import { syncOneBody } from '#sync/run-body-sync.ts'
import { type AccountShare, syncContextOf } from './account-share.ts'
import { findWatchable, lookAndListen } from './mailbox-watches.ts'
import { WakeSignal } from './wake-signal.ts'

type Content = Extract<EngineRequestBody, { kind: 'body' | 'part' | 'source' }>
type Job = { id: bigint; body: Content }

/** Stays open this long after the last request, so that a person reading along never waits for a login. */
const keepWarmMs = 60_000
const maxContentBytes = 128 * 1024 * 1024

/**
 * A session of its own for what people wait for: opening a body, a part, the source. In between it watches the mailbox
 * on the screen, so that changes there show at once. Where the provider allows no second connection, `onNoRoom` asks the
 * main session to serve the jobs (serveOn).
 */
export class InteractiveSession {
  readonly #share: AccountShare
  readonly #onNoRoom: () => void
  readonly #jobs: Job[] = []
  readonly #wake = new WakeSignal<'job' | 'mailbox' | 'flags' | 'focus'>()
  #focus: { mailboxId: bigint; until: number } | undefined
  #running: Promise<void> | undefined

  constructor(share: AccountShare, onNoRoom: () => void) {
    this.#share = share
    this.#onNoRoom = onNoRoom
  }

  ask(job: Job): void {
    this.#jobs.push(job)
    this.#wake.mark('job')
    this.#start()
  }

  /** The mailbox on somebody's screen; asked again now and then while it is there. */
  focus(mailboxId: bigint): void {
    const isSame = this.#focus?.mailboxId === mailboxId
    this.#focus = { mailboxId, until: this.#share.deps.clock.monotonicMs() + 3 * keepWarmMs }
    // What is watched already hears by itself.
    if (!isSame) this.#wake.mark('focus')
    this.#start()
  }

  async settled(): Promise<void> {
    await this.#running
  }

  /** Serves what waits on a session that was opened for something else. */
  async serveOn(session: ImapSession): Promise<void> {
    for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) await this.#serve(session, job)
  }

  #start(): void {
    if (this.#running || this.#share.signal.aborted) return
    this.#running = this.#live()
      .catch((error: unknown) => this.#afterFault(error))
      .finally(() => {
        this.#running = undefined
      })
  }

  async #afterFault(error: unknown): Promise<void> {
    const known = toSessionError(error)
    if (known.code === 'connect.limit') return this.#onNoRoom()
    for (const job of this.#jobs.splice(0)) await this.#refuse(job, known)
  }

  async #refuse(job: Job, error: AppError): Promise<void> {
    const isGone = error.code === 'message.gone' || error.code === 'mailbox.missing'
    const code = isGone ? 'message.gone' : error.code.startsWith('message.') ? error.code : 'message.unavailable'
    const message = isGone ? 'This message is no longer on the server.' : 'The mail server cannot give this right now.'
    const hint = error.code === 'account.not_ready' ? error.detail.hint : error.message
    await settleRequest(this.#share.deps.store, job.id, 'failed', failureOf(code, message, hint)).catch(() => undefined)
  }

  async #live(): Promise<void> {
    const { deps, sessions, signal } = this.#share
    const session = await sessions.open('interactive')
    const listener = listenToMailbox(session, (event) => this.#wake.mark(event === 'flags' ? 'flags' : 'mailbox'))
    let idleSince = deps.clock.monotonicMs()
    try {
      while (!signal.aborted && session.isOpen()) {
        this.#wake.take('job')
        const job = this.#jobs.shift()
        if (job) {
          await this.#serve(session, job)
          idleSince = deps.clock.monotonicMs()
          continue
        }
        const now = deps.clock.monotonicMs()
        const focused = this.#focus && this.#focus.until > now ? this.#focus : undefined
        if (!focused && now - idleSince > keepWarmMs) return
        await this.#watch(session, focused?.mailboxId)
      }
    } finally {
      listener.stop()
      await session.logout()
    }
    // It was cut off: whoever still waits gets another one.
    if (this.#jobs.length > 0 && !signal.aborted) await this.#live()
  }

  async #watch(session: ImapSession, mailboxId: bigint | undefined): Promise<void> {
    const { signal: stop } = this.#share
    this.#wake.take('focus')
    const mailbox = mailboxId === undefined ? null : await findWatchable(this.#share, mailboxId)
    if (mailbox) return await lookAndListen(this.#share, { session, mailbox, wake: this.#wake, ms: keepWarmMs, stop })
    // What is told here is the main session's to look at; kept, it would end every wait before it began.
    this.#wake.take('mailbox')
    this.#wake.take('flags')
    const { signal, end } = this.#wake.sleeper(keepWarmMs / 4, stop)
    try {
      await idleUntil(session, signal)
    } finally {
      end()
    }
  }

  async #serve(session: ImapSession, job: Job): Promise<void> {
    try {
      const messageId = BigInt(job.body.messageId)
      const { deps, lease } = this.#share
      const place = await deps.store.readSystem((tx) => findBodyPlace(tx, lease.accountId, messageId))
      if (!place) throw new AppError('message.gone', 'This message is no longer on the server.')
      const current = session.flow.mailbox
      if (!current || current.path !== place.path) await selectMailbox(session, place.path)
      if (job.body.kind === 'body') {
        await syncOneBody(syncContextOf(this.#share, session), place)
        await settleRequest(deps.store, job.id, 'done', {})
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
    const { store } = this.#share.deps
    const { accountId } = this.#share.lease
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
