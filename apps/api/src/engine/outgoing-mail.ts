import { followNextSent } from '#outbox/follow-submission.ts'
import { needsPerson, retryDelayMs, stopsAll, tellAfterMs } from '#outbox/plan-submission.ts'
import { lookAtDoubts, recoverSubmissions, sendNextSubmission } from '#outbox/send-submissions.ts'
import { backoffMs } from '#platform/backoff.ts'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '#protocol/session-error.ts'
import type { SmtpSession } from '#protocol/smtp/open-session.ts'
import { loadForSending, type SubmissionServer, storeMaxMessageBytes } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { engineChannel, relayNotice } from '#store/notify.ts'
import { noteRelayProblem, type RelayRow } from '#store/relay.ts'
import { msToNextCopy } from '#store/sent-copies.ts'
import { type DueBatch, msToLate, msToNextDue, tellLate } from '#store/submissions.ts'
import type { AccountMachine } from './account-life.ts'
import { openSubmissionSession } from './open-account-session.ts'
import { noRelay, requirePassage, toRelayFault } from './relay-passage.ts'
import { WakeSignal } from './wake-signal.ts'

/** A mark wakes at once; this is for one that was lost with a crash elsewhere. */
const lookEveryMs = 10 * 60_000
/** For the answer to a mail whose end has left, when the engine is stopped. */
const stopGraceMs = 4000

/**
 * The mail of an account on its way out, whether its incoming server can be reached or not. One at a time, over one session. A
 * refused login parks all of it until the account is edited, or the relay is, or an hour has passed: asked again and again, providers lock people out.
 */
export class OutgoingMail {
  readonly #machine: AccountMachine
  readonly #wake = new WakeSignal<'waiting'>()
  readonly #ended: Promise<void>
  #session: SmtpSession | undefined
  /** Servers that were asked how much they take. */
  readonly #askedForLimit = new Set<string>()
  #closing: NodeJS.Timeout | undefined
  /** By which the session goes; null: it is the account's own server. */
  #relay: RelayRow | null = null
  /** Monotonic. */
  #parkedUntil = 0
  #waitsForRelay = false

  constructor(machine: AccountMachine) {
    this.#machine = machine
    this.#ended = this.#run()
  }

  notice(): void {
    this.#wake.mark('waiting')
  }

  /** The same said again and again: what waits for the way to be open is not looked at for that. */
  noticeMail(): void {
    if (!this.#isParked) this.notice()
  }

  /** It is another one, or gone. What is in the middle of a mail goes on; the next one looks. */
  noticeRelay(): void {
    if (this.#waitsForRelay) {
      this.#parkedUntil = 0
      this.#waitsForRelay = false
      this.#machine.restrict('sending', null)
    }
    this.notice()
  }

  async settled(): Promise<void> {
    await this.#ended
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { deps, signal, lease } = this.#machine
    // An answer that is awaited is all that is missing: without it, somebody has to be asked what became of the mail.
    const onStop = () => {
      if (this.#session?.awaitsEnd) this.#closing = setTimeout(() => this.#session?.destroy(), stopGraceMs)
      else this.#session?.destroy()
    }
    signal.addEventListener('abort', onStop, { once: true })
    let isRecovered = false
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (!isRecovered) await recoverSubmissions({ store: deps.store, lease })
        isRecovered = true
        this.#wake.take('waiting')
        await lookAtDoubts({ store: deps.store, lease })
        await this.#tellLate()
        while (!signal.aborted && !this.#isParked && (await this.#sendNext())) await this.#follow()
        await this.#follow()
        failures = 0
        await this.#wake.sleep(await this.#waitMs(), signal)
      } catch (error) {
        // What was under way has nobody who is at work on it any more.
        isRecovered = false
        const { code } = toSessionError(error)
        if (signal.aborted || code === 'lease.lost') break
        deps.logger.warn({ err: error, accountId: lease.accountId.toString() }, 'mail that is to be sent has to wait')
        await deps.clock.sleep(backoffMs(++failures, deps.timing.backoff), signal)
      }
    }
    clearTimeout(this.#closing)
    signal.removeEventListener('abort', onStop)
    await this.#session?.leave()
  }

  get #isParked(): boolean {
    return this.#machine.deps.clock.monotonicMs() < this.#parkedUntil
  }

  async #sendNext(): Promise<boolean> {
    const { deps, lease } = this.#machine
    let isAsked = false
    const open = (mail: DueBatch) => {
      isAsked = true
      return this.#open(mail)
    }
    try {
      return await sendNextSubmission({ store: deps.store, lease, session: open })
    } finally {
      // Never in the middle of a mail, however long that takes: a QUIT would stand in it. One that was not used for it goes too.
      const session = this.#session
      if (isAsked && session?.isOpen())
        this.#closing = setTimeout(() => void session.leave(), deps.timing.submissionKeepMs)
    }
  }

  /** What was sent has its consequences before the next mail goes: a kill leaves few of them for later. */
  async #follow(): Promise<void> {
    const { deps, lease, signal } = this.#machine
    const { store, logger } = deps
    while (!signal.aborted && (await followNextSent({ store, lease, logger })));
  }

  async #tellLate(): Promise<void> {
    const { deps, lease } = this.#machine
    const lateMs = await deps.store.readSystem((tx) => msToLate(tx, lease.accountId, tellAfterMs))
    if (lateMs !== null && lateMs <= 0)
      await commit(deps.store, { kind: 'engine', ...lease }, (unit) => tellLate(unit, lease.accountId, tellAfterMs))
  }

  async #waitMs(): Promise<number> {
    const { deps, lease } = this.#machine
    const { accountId } = lease
    const { store, clock } = deps
    const [dueMs, lateMs, copyMs] = await store.readSystem(async (tx) => [
      await msToNextDue(tx, accountId),
      await msToLate(tx, accountId, tellAfterMs),
      await msToNextCopy(tx, accountId),
    ])
    const sendMs = this.#isParked ? this.#parkedUntil - clock.monotonicMs() : dueMs
    return Math.max(0, Math.min(...[sendMs, lateMs, copyMs].map((ms) => ms ?? lookEveryMs), lookEveryMs))
  }

  /** The one that is open, if its server still answers, and is still the one to send by. */
  async #open(mail: DueBatch): Promise<SmtpSession> {
    const { deps, lease } = this.#machine
    clearTimeout(this.#closing)
    const isOpen = this.#session?.isOpen() === true && (await this.#session.isAlive())
    if (isOpen && this.#session && this.#relay === null) return this.#session
    let isByRelay = false
    try {
      const server = await deps.store.readSystem((tx) => loadForSending(tx, deps.masterKey, lease.accountId))
      if (server === 'no_relay') throw noRelay()
      if (!server)
        throw new AppError('account.not_ready', 'This account has no server to send with.', {
          hint: 'Enter one on the page of the account.',
        })
      const { relay, userId } = server
      isByRelay = relay !== null
      if (relay) await requirePassage(deps, { relay, userId }, mail)
      if (isOpen && this.#session && relay?.changedAt.getTime() === this.#relay?.changedAt.getTime())
        return this.#session
      return await this.#openAnew(server)
    } catch (error) {
      if (error instanceof AppError) this.#park(error, { mail, isByRelay })
      throw error
    }
  }

  async #openAnew(server: SubmissionServer): Promise<SmtpSession> {
    const { deps, restrict, signal } = this.#machine
    const { relay } = server
    this.#session?.destroy()
    this.#session = undefined
    // What is open is ended with more care (onStop).
    const opening = new AbortController()
    const giveUp = () => opening.abort()
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    const open = () => openSubmissionSession(deps, server, opening.signal)
    let maxBytes: number | null | undefined
    try {
      this.#session = await open()
      maxBytes = await this.#learnLimit(server, this.#session)
      if (!this.#session.isOpen()) this.#session = await open()
    } catch (error) {
      // Given up by us: the next engine begins with it anew, at once.
      if (signal.aborted) throw new AppError('lease.lost', 'The engine is being stopped.')
      const known = toSessionError(error)
      throw relay ? await toRelayFault(deps, relay, known) : known
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
    this.#relay = relay
    if (relay?.problem) await this.#letIn(relay)
    restrict('sending', null)
    await this.#noteLimit(server, maxBytes)
    return this.#session
  }

  /** The others wait for that: they look at once, not when their time has come. */
  async #letIn({ changedAt }: RelayRow): Promise<void> {
    const { store } = this.#machine.deps
    if (await noteRelayProblem(store, changedAt, null)) store.notifier.notify(engineChannel, relayNotice)
  }

  /** Only what waits for a person is told. */
  #park(error: AppError, { mail, isByRelay }: { mail: DueBatch; isByRelay: boolean }): void {
    const { deps, restrict } = this.#machine
    const { code, detail } = error
    if (!stopsAll(code)) return
    const isForPerson = needsPerson(code)
    const usualMs = isForPerson ? deps.timing.sendingParkMs : retryDelayMs(mail.attempts + 1, Math.random())
    this.#parkedUntil = deps.clock.monotonicMs() + (detail.retryAfterMs ?? usualMs)
    this.#waitsForRelay = isByRelay || code.startsWith('relay.')
    if (isForPerson) restrict('sending', error)
  }

  /**
   * How much the server takes; undefined: that is not known. One that does not say it by itself is asked once, as some end the
   * session over that.
   */
  async #learnLimit(
    { server: { host, port } }: SubmissionServer,
    session: SmtpSession,
  ): Promise<number | null | undefined> {
    if (session.maxBytes !== null) return session.maxBytes
    const name = `${host}:${port}`
    if (this.#askedForLimit.has(name)) return undefined
    this.#askedForLimit.add(name)
    return await session.learnMaxBytes().catch(() => {
      session.destroy()
      return undefined
    })
  }

  /** Whoever writes is to know before they attach too much. */
  async #noteLimit({ maxMessageBytes }: SubmissionServer, maxBytes: number | null | undefined): Promise<void> {
    const { deps, lease } = this.#machine
    if (maxBytes === undefined || maxBytes === maxMessageBytes) return
    await commit(deps.store, { kind: 'engine', ...lease }, (unit) =>
      storeMaxMessageBytes(unit, lease.accountId, maxBytes),
    )
  }
}
