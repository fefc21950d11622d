import type { Readable } from 'node:stream'
import { backoffMs } from '#platform/backoff.ts'
import { AppError } from '#platform/errors.ts'
import { fetchSource, streamContent } from '#protocol/imap/fetch-content.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { idleUntil, listenToMailbox } from '#protocol/imap/watch-mailbox.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { type EngineRequestBody, failureOf, settleRequest } from '#store/engine-requests.ts'
import { findBodyPlace } from '#store/sync-bodies.ts'
import type { MailboxRow } from '#store/sync-mailboxes.ts'
import { parsedPlace } from '#sync/read-body.ts'
import { maxSalvageBytes, syncOneBody } from '#sync/run-body-sync.ts'
import { type AccountShare, scopeOf, syncContextOf, syncInTurn } from './account-share.ts'
import { answerWithContent } from './answer-request.ts'
import { FocusedMailboxes } from './focused-mailboxes.ts'
import { findWatchable, lookAndListen, type MailboxWatches } from './mailbox-watches.ts'
import { WakeSignal } from './wake-signal.ts'

type Content = Extract<EngineRequestBody, { kind: 'body' | 'part' | 'source' }>
type Job = { id: bigint; body: Content }

/** Stays open this long after the last request, so that a person reading along never waits for a login. */
const keepWarmMs = 60_000
/** Without a change counter, the flags of larger mailboxes are too much to be read anew in every turn. */
const flagsPerTurn = 5000
/** What is larger is refused; cut off it would pass for the whole. */
const maxContentBytes = 128 * 1024 * 1024
/** Refused before anything was said to the server, or the main session does the work: it may be tried again soon. */
const costsNoLogin: ReadonlySet<string> = new Set(['connect.limit', 'account.not_ready'])

/**
 * A session of its own for what people wait for: opening a body, a part, the source. In between it watches the mailbox
 * on the screen, so that changes there show at once; further open ones get connections of their own (MailboxWatches), and
 * those for which there is none take turns here. Where the provider allows no second connection, `onNoRoom` asks the main
 * session to serve the jobs and to look at what is open (serveOn).
 */
export class InteractiveSession {
  readonly #share: AccountShare
  readonly #watches: MailboxWatches
  readonly #onNoRoom: () => void
  readonly #focused: FocusedMailboxes
  readonly #jobs: Job[] = []
  readonly #wake = new WakeSignal<'job' | 'mailbox' | 'flags' | 'focus'>()
  /** The open mailbox that has its turn on this session. */
  #at: MailboxRow | undefined
  #running: Promise<void> | undefined
  /** How many sessions one after the other came to nothing, and whether the last one did. */
  #failures = 0
  #hasWorked = false
  /** Until it ends no session is opened for what is open on a screen; a person who asks for something gets one. */
  #pause: Promise<void> | undefined

  constructor(share: AccountShare, watches: MailboxWatches, onNoRoom: () => void) {
    this.#share = share
    this.#watches = watches
    this.#onNoRoom = onNoRoom
    this.#focused = new FocusedMailboxes(share.deps.clock)
  }

  ask(job: Job): void {
    this.#jobs.push(job)
    this.#wake.mark('job')
    this.#start()
  }

  /** What one screen shows; said again now and then while it does. */
  focus(screen: string, mailboxIds: bigint[]): void {
    if (this.#focused.show(screen, mailboxIds)) this.#wake.mark('focus')
    if (this.#focused.open().length === 0) this.#watches.watchOpen([])
    else if (!this.#pause) this.#start()
  }

  /** Another mailbox is heard by a connection of its own, or no longer. */
  rethink(): void {
    if (this.#running) this.#wake.mark('focus')
  }

  /** As MailboxWatches does. */
  follow(mailboxes: MailboxRow[]): void {
    const at = this.#at
    if (at && mailboxes.some(({ id, path }) => id === at.id && path !== at.path)) this.#wake.mark('mailbox')
  }

  async settled(): Promise<void> {
    await this.#running
  }

  /** Serves what waits on a session that was opened for something else, and looks at what is open. */
  async serveOn(session: ImapSession): Promise<void> {
    for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) await this.#serve(session, job)
    for (const mailbox of await this.#watchable()) {
      // The sync that is making room for this may be its own.
      if (this.#share.turns.has(mailbox.id)) continue
      const areFlagsDue = mailbox.serverMessages <= flagsPerTurn
      const context = syncContextOf(this.#share, session)
      await this.#unlessRefused(session, mailbox, () =>
        syncInTurn(this.#share, context, mailbox, { isCompareDue: false, areFlagsDue }),
      )
    }
  }

  #start(): void {
    if (this.#running || this.#share.signal.aborted) return
    this.#pause = undefined
    this.#hasWorked = false
    this.#running = this.#live()
      .then(() => null)
      .catch((error: unknown) => this.#afterFault(error))
      .then((fault) => {
        this.#running = undefined
        // Whoever came while others were refused was not.
        if (this.#jobs.length > 0 && fault?.code !== 'connect.limit') this.#start()
        else this.#startLater(fault)
      })
  }

  /**
   * It was cut off, or there was no room for it: what is open on a screen is heard again in a while. Each session that comes to
   * nothing is a login, so after many of these the while is a long one.
   */
  #startLater(fault: AppError | null): void {
    const { clock, timing } = this.#share.deps
    const isFree = fault !== null && costsNoLogin.has(fault.code)
    if (this.#hasWorked) this.#failures = 0
    if (fault === null ? !this.#hasWorked : !isFree) this.#failures++
    if (fault === null && this.#focused.open().length === 0) return
    const limits = fault?.code === 'connect.throttled' ? timing.throttled : timing.backoff
    const isInTurn = isFree || this.#failures === 0
    const pauseMs = isInTurn ? 0 : Math.max(backoffMs(this.#failures, limits), fault?.detail.retryAfterMs ?? 0)
    const pause = clock.sleep(Math.max(timing.focusTurnMs, pauseMs), this.#share.signal)
    this.#pause = pause
    void pause.then(() => {
      if (this.#pause !== pause) return
      this.#pause = undefined
      if (this.#focused.open().length > 0) this.#start()
    })
  }

  async #afterFault(error: unknown): Promise<AppError> {
    const known = toSessionError(error)
    // The main session looks at what is open now; in a while there may be room, or it looks again.
    if (known.code === 'connect.limit') this.#onNoRoom()
    else for (const job of this.#jobs.splice(0)) await this.#refuse(job, known)
    return known
  }

  async #refuse(job: Job, error: AppError): Promise<void> {
    const { code, message, detail } = refusalOf(error)
    const result = failureOf(code, message, detail.hint)
    await settleRequest(this.#share.deps.store, job.id, 'failed', result).catch(() => undefined)
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
          this.#hasWorked = true
          idleSince = deps.clock.monotonicMs()
          continue
        }
        const isOver = deps.clock.monotonicMs() - idleSince > keepWarmMs
        if (isOver && this.#focused.open().length === 0) break
        await this.#watch(session)
        if (session.isOpen()) this.#hasWorked = true
      }
    } finally {
      listener.stop()
      await session.logout()
    }
    // It was cut off, or somebody came while it was being closed: whoever waits gets another one.
    if (this.#jobs.length > 0 && !signal.aborted) await this.#live()
  }

  async #watch(session: ImapSession): Promise<void> {
    const { signal: stop, deps } = this.#share
    this.#wake.take('focus')
    const open = await this.#watchable()
    // The first has its place here; while there is no connection for another one, it has turns here too.
    this.#watches.watchOpen(open.slice(1).map(({ id }) => id))
    const unheard = open.filter(({ id }) => !this.#watches.isHeard(id))
    const mailbox = this.#nextOf(unheard)
    this.#at = mailbox
    if (mailbox) {
      const isAlone = unheard.length === 1
      const ms = isAlone ? keepWarmMs : deps.timing.focusTurnMs
      const readsFlags = isAlone || mailbox.serverMessages <= flagsPerTurn
      return await this.#unlessRefused(session, mailbox, () =>
        lookAndListen(this.#share, { session, mailbox, wake: this.#wake, ms, stop, readsFlags }),
      )
    }
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

  /** What the server says of one mailbox concerns neither the others nor who waits for something else. */
  async #unlessRefused(session: ImapSession, { id }: MailboxRow, look: () => Promise<void>): Promise<void> {
    try {
      await look()
      this.#focused.takeBack(id)
    } catch (error) {
      if (!session.isOpen() || !toSessionError(error).code.startsWith('mailbox.')) throw error
      this.#focused.setAside(id, this.#share.deps.timing.backoff)
    }
  }

  /** The open mailboxes; the inbox is not among them, as the main session has it. */
  async #watchable(): Promise<MailboxRow[]> {
    const rows = await Promise.all(this.#focused.wanted().map((id) => findWatchable(this.#share, id)))
    return rows.filter((row) => row !== null)
  }

  #nextOf(open: MailboxRow[]): MailboxRow | undefined {
    const at = open.findIndex(({ id }) => id === this.#at?.id)
    // What the server has just said is looked at before the turn goes on.
    if (at >= 0 && (this.#wake.has('mailbox') || this.#wake.has('flags'))) return open[at]
    return open[at + 1] ?? open[0]
  }

  async #serve(session: ImapSession, job: Job): Promise<void> {
    try {
      const messageId = BigInt(job.body.messageId)
      const { deps, lease } = this.#share
      const place = await deps.store.readSystem((tx) => findBodyPlace(tx, lease.accountId, messageId))
      if (!place) throw new AppError('message.gone', 'This message is no longer on the server.')
      if (session.selectedPath() !== place.path) await selectMailbox(session, place.path)
      if (job.body.kind === 'body') {
        await syncOneBody({ ...syncContextOf(this.#share, session), reader: deps.readers.waiting }, place)
        await settleRequest(deps.store, job.id, 'done', {})
      } else await this.#stream(session, job.id, job.body, Number(place.uid))
    } catch (error) {
      const known = toSessionError(error)
      await this.#refuse(job, known)
      if (!session.isOpen()) throw known
    }
  }

  /** A part of a mail whose structure the server could not give; such mails are small. */
  async #readParsed(session: ImapSession, uid: number, place: number): Promise<AsyncIterable<Uint8Array>> {
    const source = await fetchSource(session, uid, maxSalvageBytes)
    if (!source) throw partGone()
    return this.#share.deps.readers.waiting.readPart(place, pieces(source))
  }

  /** Size and parts are told before the first byte; a part comes without its encoding, so its own size may be less. */
  async #readStored(session: ImapSession, uid: number, path: string | null): Promise<Readable> {
    const { expectedBytes, content } = await streamContent(session, uid, path, maxContentBytes + 1)
    if (path !== null || expectedBytes === null || expectedBytes <= maxContentBytes) return content
    content.destroy()
    throw tooLarge()
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
    if (body.kind === 'part' && !part) throw partGone()
    const place = part && parsedPlace(part.path)
    const content =
      place === null
        ? await this.#readStored(session, uid, part?.path ?? null)
        : await this.#readParsed(session, uid, place)
    const use = part
      ? { kind: 'part' as const, partId: part.id }
      : { kind: 'source' as const, messageId: BigInt(body.messageId) }
    await answerWithContent(store, scopeOf(this.#share), { requestId, use }, bounded(content))
  }
}

async function* bounded(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0
  for await (const piece of content) {
    sizeBytes += piece.length
    if (sizeBytes > maxContentBytes) throw tooLarge()
    yield piece
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** What the person who waits is told. */
const refusalOf = (error: AppError): AppError => {
  if (error.code === 'message.too_large') return error
  const hint = error.code === 'account.not_ready' ? error.detail.hint : error.message
  const detail = hint === undefined ? {} : { hint }
  if (error.code === 'message.gone' || error.code === 'mailbox.missing')
    return new AppError('message.gone', 'This message is no longer on the server.', detail)
  const code = error.code.startsWith('message.') ? error.code : 'message.unavailable'
  return new AppError(code, 'The mail server cannot give this right now.', detail)
}

const partGone = () => new AppError('message.gone', 'This attachment is no longer there.')

const tooLarge = () =>
  new AppError(
    'message.too_large',
    `This is larger than ${maxContentBytes / 1024 / 1024} MB, too large to be fetched here.`,
  )
