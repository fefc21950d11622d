import { needsPerson } from '#outbox/plan-submission.ts'
import { recoverSubmissions, sendNextSubmission } from '#outbox/send-submissions.ts'
import { backoffMs } from '#platform/backoff.ts'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '#protocol/session-error.ts'
import type { SmtpSession } from '#protocol/smtp/open-session.ts'
import { loadForSending } from '#store/accounts.ts'
import { msToNextDue } from '#store/submissions.ts'
import type { AccountMachine } from './account-life.ts'
import { openSubmissionSession } from './open-account-session.ts'
import { WakeSignal } from './wake-signal.ts'

/** A mark wakes at once; this is for one that was lost with a crash elsewhere. */
const lookEveryMs = 10 * 60_000
/** Somebody who writes one mail writes another: the session stays open for so long. */
const keepOpenMs = 15_000

/**
 * The mail of an account on its way out, whether its incoming server can be reached or not. One at a time, over one session. A
 * refused login parks all of it until the account is edited, or an hour has passed: asked again and again, providers lock people out.
 */
export class OutgoingMail {
  readonly #machine: AccountMachine
  readonly #wake = new WakeSignal<'waiting'>()
  readonly #ended: Promise<void>
  #session: SmtpSession | undefined
  #closing: NodeJS.Timeout | undefined
  /** Monotonic. */
  #parkedUntil = 0

  constructor(machine: AccountMachine) {
    this.#machine = machine
    this.#ended = this.#run()
  }

  notice(): void {
    this.#wake.mark('waiting')
  }

  async settled(): Promise<void> {
    await this.#ended
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { deps, signal, lease } = this.#machine
    const onStop = () => this.#session?.destroy()
    signal.addEventListener('abort', onStop, { once: true })
    let isRecovered = false
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (!isRecovered) await recoverSubmissions({ store: deps.store, lease })
        isRecovered = true
        this.#wake.take('waiting')
        while (!signal.aborted && !this.#isParked && (await this.#sendNext()));
        failures = 0
        await this.#wake.sleep(await this.#waitMs(), signal)
      } catch (error) {
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
    const { store, clock } = deps
    return sendNextSubmission({ store, lease, clock, session: () => this.#open() })
  }

  async #waitMs(): Promise<number> {
    const { deps, lease } = this.#machine
    if (this.#isParked) return this.#parkedUntil - deps.clock.monotonicMs()
    const dueMs = await deps.store.readSystem((tx) => msToNextDue(tx, lease.accountId))
    return Math.min(lookEveryMs, Math.max(0, dueMs ?? lookEveryMs))
  }

  /** The one that is open, if its server still answers. */
  async #open(): Promise<SmtpSession> {
    const { deps, lease, restrict, signal } = this.#machine
    clearTimeout(this.#closing)
    if (!this.#session?.isOpen() || !(await this.#session.isAlive())) {
      this.#session?.destroy()
      this.#session = undefined
      const account = await deps.store.readSystem((tx) => loadForSending(tx, deps.masterKey, lease.accountId))
      if (!account)
        throw new AppError('account.not_ready', 'This account has no server to send with.', {
          hint: 'Enter one on the page of the account.',
        })
      try {
        this.#session = await openSubmissionSession(deps, account, signal)
      } catch (error) {
        // Given up by us: the next engine begins with it anew, at once.
        if (signal.aborted) throw new AppError('lease.lost', 'The engine is being stopped.')
        const known = toSessionError(error)
        if (needsPerson(known.code)) {
          this.#parkedUntil = deps.clock.monotonicMs() + deps.timing.sendingParkMs
          restrict('sending', known)
        }
        throw known
      }
      restrict('sending', null)
    }
    const session = this.#session
    this.#closing = setTimeout(() => void session.leave(), keepOpenMs)
    return session
  }
}
