import type { AccountState } from '@postern/shared/accounts.ts'
import { backoffMs } from '#platform/backoff.ts'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { storeAccountFacts, storeAccountState } from '#store/account-state.ts'
import { type ConnectableAccount, loadForEngine } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { settleRequest, takeRequests } from '#store/engine-requests.ts'
import { type Lease, requireLease } from '#store/lease.ts'
import { accountTransitions, planAfterFailure } from './account-states.ts'
import { BodyFill } from './body-fill.ts'
import { type AccountWake, liveConnected } from './connected-account.ts'
import type { EngineDeps } from './engine-deps.ts'
import { openAccountSession } from './open-account-session.ts'
import { InteractiveSession } from './serve-requests.ts'
import { WakeSignal } from './wake-signal.ts'

/**
 * One worker owns one account's sessions, from lease to release. Its machine is in account-states.ts; `#setState` is the
 * only way to change it. Whatever happens here stays here: `ended` never rejects.
 */
const backoff = { baseMs: 1000, capMs: 5 * 60_000 }
/** A fault that is over before anybody could read it is not worth showing. */
const quietFailures = 1

export class AccountWorker {
  readonly lease: Lease
  readonly ended: Promise<void>
  readonly #deps: EngineDeps
  readonly #stop = new AbortController()
  readonly #wake = new WakeSignal<AccountWake>()
  readonly #retry = new WakeSignal<'now'>()
  readonly #bodies: BodyFill
  readonly #interactive: InteractiveSession
  #isPresent = false
  #state: AccountState = 'connecting'
  #failures = 0

  constructor(deps: EngineDeps, lease: Lease) {
    this.#deps = deps
    this.lease = lease
    this.#bodies = new BodyFill(deps, lease, this.#stop.signal)
    this.#interactive = new InteractiveSession(deps, lease, this.#stop.signal)
    this.ended = this.#run()
  }

  /** Ends the sessions; resolves when nothing of this worker runs any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.ended
    await this.#bodies.settled()
    await this.#interactive.settled()
  }

  /** Somebody left something to do: commands, requests, an edited account. */
  async notice(): Promise<void> {
    this.#wake.mark('commands')
    for (const { id, body } of await takeRequests(this.#deps.store, this.lease.accountId)) {
      if (body.kind === 'sync' || body.kind === 'resync') {
        this.#wake.mark(body.kind === 'sync' ? 'tree' : 'compare')
        this.#retry.mark('now')
        await settleRequest(this.#deps.store, id, 'done', {})
      } else if (body.kind === 'focus') {
        const [mailboxId] = body.mailboxIds
        if (mailboxId !== undefined) this.#interactive.focus(BigInt(mailboxId))
        await settleRequest(this.#deps.store, id, 'done', {})
      } else this.#interactive.ask({ id, body })
    }
  }

  /** Whether somebody has this account on a screen: then every mailbox is looked at more often. */
  setPresent(isPresent: boolean): void {
    if (isPresent === this.#isPresent) return
    this.#isPresent = isPresent
    if (isPresent) this.#wake.mark('present')
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let account: ConnectableAccount | null = null
      try {
        account = await this.#deps.store.readSystem((tx) =>
          loadForEngine(tx, this.#deps.masterKey, this.lease.accountId),
        )
        if (!account) return
        await this.#connectAndLive(account)
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (!(await this.#afterFailure(error, account))) return
      }
    }
  }

  async #connectAndLive(account: ConnectableAccount): Promise<void> {
    await this.#setState('connecting', null, null)
    const session = await openAccountSession(this.#deps, account, () => requireLease(this.lease))
    const onStop = () => session.destroy()
    this.#stop.signal.addEventListener('abort', onStop, { once: true })
    try {
      const { idle, condstore, move } = session.capabilities
      await this.#store({
        lastLoginAt: this.#deps.clock.now(),
        loginFailures: 0,
        capabilities: { ...asRecord(account.row.capabilities), idle, condstore, move, keywords: true },
      })
      await this.#setState('syncing', null, null)
      await liveConnected({
        deps: this.#deps,
        lease: this.lease,
        account,
        session,
        wake: this.#wake,
        signal: this.#stop.signal,
        isPresent: () => this.#isPresent,
        onSettled: async () => {
          // Only a finished sync proves the way to the server.
          this.#failures = 0
          if (this.#state !== 'watching') await this.#setState('watching', null, null)
          this.#bodies.request()
        },
      })
    } finally {
      this.#stop.signal.removeEventListener('abort', onStop)
      await session.logout()
    }
  }

  /** False when the worker is to end. */
  async #afterFailure(error: unknown, account: ConnectableAccount | null): Promise<boolean> {
    const known = toSessionError(error)
    if (known.code === 'connect.protocol' || known.code === 'internal')
      this.#deps.logger.warn(
        { err: error, accountId: this.lease.accountId.toString() },
        'a worker met something unexpected',
      )
    this.#failures++
    const loginFailures = (account?.row.loginFailures ?? 0) + (known.code === 'login.failed' ? 1 : 0)
    const plan = planAfterFailure(known, {
      hasWorked: account?.row.lastLoginAt != null,
      loginFailures,
      backoffMs: backoffMs(this.#failures, backoff),
    })
    if (plan.kind === 'leave') return false
    try {
      if (known.code === 'login.failed') await this.#store({ loginFailures })
      const retryAt = plan.kind === 'retry' ? new Date(this.#deps.clock.now().getTime() + plan.delayMs) : null
      await this.#setState(plan.kind === 'retry' ? 'waiting' : 'needs_person', known, retryAt)
    } catch (writeError) {
      if (toSessionError(writeError).code === 'lease.lost') return false
      // The database is away: wait as planned and say so when it is back.
    }
    await this.#retry.sleep(plan.kind === 'retry' ? plan.delayMs : 24 * 3_600_000, this.#stop.signal)
    this.#retry.take('now')
    return true
  }

  async #store(facts: Parameters<typeof storeAccountFacts>[2]): Promise<void> {
    await commit(this.#deps.store, { kind: 'engine', ...this.lease }, (unit) =>
      storeAccountFacts(unit, this.lease.accountId, facts),
    )
  }

  async #setState(next: AccountState, error: AppError | null, retryAt: Date | null): Promise<void> {
    if (!accountTransitions[this.#state].includes(next))
      throw new AppError('internal', `An account cannot go from ${this.#state} to ${next}.`)
    const from = this.#state
    this.#state = next
    const isQuiet = next === 'waiting' && this.#failures <= quietFailures
    const problem =
      error && !isQuiet
        ? {
            code: error.code,
            message: error.message,
            hint: error.detail.hint ?? null,
            serverText: error.detail.serverText ?? null,
            since: this.#deps.clock.now().toISOString(),
          }
        : null
    const event = from === next && !error ? null : { kind: next, text: error?.message ?? `${from} -> ${next}` }
    this.#deps.logger.debug(
      { accountId: this.lease.accountId.toString(), from, next, code: error?.code },
      'account state',
    )
    await commit(
      this.#deps.store,
      { kind: 'engine', ...this.lease },
      (unit) => storeAccountState(unit, this.lease.accountId, { state: next, problem, retryAt }, event),
      { isVital: true },
    )
  }
}

const asRecord = (value: unknown): Record<string, boolean> =>
  typeof value === 'object' && value !== null ? (value as Record<string, boolean>) : {} // written by us only, as booleans
