import type { AccountState } from '@postern/shared/accounts.ts'
import { backoffMs } from '#platform/backoff.ts'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { type AccountFacts, type AccountProblem, storeAccountFacts, storeAccountState } from '#store/account-state.ts'
import { type ConnectableAccount, loadForEngine } from '#store/accounts.ts'
import { commit, commitBulk } from '#store/commit.ts'
import { settleRequest, takeRequests } from '#store/engine-requests.ts'
import type { Lease } from '#store/lease.ts'
import { AccountSessions } from './account-sessions.ts'
import { type AccountShare, scopeOf } from './account-share.ts'
import { accountTransitions, planAfterFailure } from './account-states.ts'
import { BodyFill } from './body-fill.ts'
import { type AccountWake, liveConnected } from './connected-account.ts'
import type { EngineDeps } from './engine-deps.ts'
import { MailboxWatches } from './mailbox-watches.ts'
import { InteractiveSession } from './serve-requests.ts'
import { WakeSignal } from './wake-signal.ts'

/**
 * One worker owns one account's sessions, from lease to release. Its machine is in account-states.ts; `#setState` is the
 * only way to change it. Whatever happens here stays here: `ended` never rejects.
 */
/** A fault that is over before anybody could read it is not worth showing. */
const quietFailures = 1
const healthy: AccountState[] = ['connecting', 'syncing', 'watching']
/** What an account can do only in part, although it is connected. The first of these is shown. */
type Restriction = 'bodies' | 'connections'

export class AccountWorker {
  readonly lease: Lease
  readonly ended: Promise<void>
  readonly #deps: EngineDeps
  readonly #stop = new AbortController()
  readonly #wake = new WakeSignal<AccountWake>()
  readonly #retry = new WakeSignal<'now'>()
  readonly #share: AccountShare
  readonly #bodies: BodyFill
  readonly #interactive: InteractiveSession
  readonly #watches: MailboxWatches
  readonly #restrictions = new Map<Restriction, AppError>()
  #isPresent = false
  #state: AccountState = 'connecting'
  #failures = 0

  constructor(deps: EngineDeps, lease: Lease) {
    this.#deps = deps
    this.lease = lease
    this.#share = {
      deps,
      lease,
      signal: this.#stop.signal,
      sessions: new AccountSessions(deps, lease, (limit) =>
        this.#restrict('connections', limit === null ? null : tooFew(limit)),
      ),
      turns: new Map(),
      isDistrusted: false,
      facts: null,
    }
    this.#bodies = new BodyFill(this.#share, {
      onNoRoom: () => this.#wake.mark('bodies'),
      onHeldBack: (reason) => this.#restrict('bodies', reason),
    })
    this.#watches = new MailboxWatches(this.#share, () => this.#interactive.rethink())
    this.#interactive = new InteractiveSession(this.#share, this.#watches, () => this.#wake.mark('jobs'))
    this.ended = this.#run()
  }

  /** Ends the sessions; resolves when nothing of this worker runs any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    // Nobody waits for a main session any more.
    this.#share.sessions.noteFault(new AppError('account.not_ready', 'The account is being disconnected.'))
    await this.ended
    await Promise.all([this.#bodies.settled(), this.#interactive.settled(), this.#watches.settled()])
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
        this.#interactive.focus(body.screen, body.mailboxIds.map(BigInt))
        await settleRequest(this.#deps.store, id, 'done', {})
      } else this.#interactive.ask({ id, body })
    }
  }

  /**
   * Whether somebody has this account on a screen: then every mailbox is looked at more often, for the first time after
   * `delayMs`. True when they just came.
   */
  setPresent(isPresent: boolean, delayMs: number): boolean {
    if (isPresent === this.#isPresent) return false
    this.#isPresent = isPresent
    if (isPresent) void this.#deps.clock.sleep(delayMs, this.#stop.signal).then(() => this.#wake.mark('present'))
    return isPresent
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
    this.#share.isDistrusted = 'condstoreDistrust' in asRecord(account.row.capabilities)
    const session = await this.#share.sessions.open('main', account)
    const onStop = () => session.destroy()
    this.#stop.signal.addEventListener('abort', onStop, { once: true })
    try {
      const { idle, condstore, move } = session.capabilities
      await this.#setState('syncing', null, null, {
        lastLoginAt: this.#deps.clock.now(),
        loginFailures: 0,
        capabilities: { ...asRecord(account.row.capabilities), idle, condstore, move, keywords: true },
      })
      await liveConnected({
        share: this.#share,
        session,
        wake: this.#wake,
        isPresent: () => this.#isPresent,
        lastFullCompareAt: account.row.lastFullCompareAt,
        onSettled: async () => {
          // Only a finished sync proves the way to the server.
          this.#failures = 0
          await this.#noteSettled()
          this.#bodies.request()
        },
        onTree: (mailboxes) =>
          this.#watches.watch(
            mailboxes
              .filter(({ isWatched, isSynced, role }) => isWatched && isSynced && role !== 'inbox')
              .map(({ id }) => id),
          ),
        serveJobs: (on) => this.#interactive.serveOn(on),
        fillBodies: (on, isEnough) => this.#bodies.runOn(on, isEnough),
      })
    } finally {
      this.#stop.signal.removeEventListener('abort', onStop)
      await session.logout()
    }
  }

  async #noteSettled(): Promise<void> {
    const { facts } = this.#share
    this.#share.facts = null
    if (this.#state !== 'watching') return this.#setState('watching', null, null, facts)
    const { accountId } = this.lease
    if (facts)
      await commitBulk(this.#deps.store, scopeOf(this.#share), (unit) => storeAccountFacts(unit, accountId, facts))
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
    const { timing } = this.#deps
    const plan = planAfterFailure(known, {
      hasWorked: account?.row.lastLoginAt != null,
      loginFailures,
      backoffMs: backoffMs(this.#failures, known.code === 'connect.throttled' ? timing.throttled : timing.backoff),
      passwordRetryMs: timing.passwordRetryMs,
    })
    this.#share.sessions.noteFault(known)
    if (plan.kind === 'leave') return false
    try {
      if (known.code === 'login.failed') await this.#storeLoginFailures(loginFailures)
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

  /** Survives a crash of the database: a password is not tried more often than promised. */
  async #storeLoginFailures(loginFailures: number): Promise<void> {
    await commit(this.#deps.store, { kind: 'engine', ...this.lease }, (unit) =>
      storeAccountFacts(unit, this.lease.accountId, { loginFailures }),
    )
  }

  async #setState(
    next: AccountState,
    error: AppError | null,
    retryAt: Date | null,
    facts: AccountFacts | null = null,
  ): Promise<void> {
    if (!accountTransitions[this.#state].includes(next))
      throw new AppError('internal', `An account cannot go from ${this.#state} to ${next}.`)
    const from = this.#state
    this.#state = next
    const isToldAtOnce = error?.code === 'connect.limit' || error?.code === 'connect.throttled'
    const isQuiet = next === 'waiting' && this.#failures <= quietFailures && !isToldAtOnce
    const shown = error === null ? this.#restriction() : isQuiet ? null : error
    const event = from === next && !error ? null : { kind: next, text: error?.message ?? `${from} -> ${next}` }
    this.#deps.logger.debug(
      { accountId: this.lease.accountId.toString(), from, next, code: error?.code },
      'account state',
    )
    const { accountId } = this.lease
    await commitBulk(
      this.#deps.store,
      { kind: 'engine', ...this.lease },
      async (unit) => {
        if (facts) await storeAccountFacts(unit, accountId, facts)
        await storeAccountState(unit, accountId, { state: next, problem: this.#problemOf(shown), retryAt }, event)
      },
      { isVital: true },
    )
  }

  #restriction(): AppError | null {
    return this.#restrictions.values().next().value ?? null
  }

  #problemOf(error: AppError | null): AccountProblem | null {
    if (error === null) return null
    const { code, message, detail } = error
    const since = this.#deps.clock.now().toISOString()
    return { code, message, hint: detail.hint ?? null, serverText: detail.serverText ?? null, since }
  }

  /** Something works only in part, or fully again; told once, as long as the account is connected. */
  #restrict(kind: Restriction, reason: AppError | null): void {
    if (this.#restrictions.get(kind)?.message === reason?.message) return
    if (reason) this.#restrictions.set(kind, reason)
    else this.#restrictions.delete(kind)
    if (!healthy.includes(this.#state) || this.#stop.signal.aborted) return
    const problem = this.#problemOf(this.#restriction())
    const event = reason && { kind, text: reason.message }
    commit(this.#deps.store, { kind: 'engine', ...this.lease }, (unit) =>
      storeAccountState(unit, this.lease.accountId, { state: this.#state, problem, retryAt: null }, event),
    ).catch((error: unknown) => this.#deps.logger.debug({ err: error }, 'a restriction was not stored'))
  }
}

const tooFew = (connections: number) =>
  new AppError(
    'connect.limit',
    `The provider allows only ${connections === 1 ? 'one connection' : `${connections} connections`} to this account right now.`,
    {
      hint: 'Postern makes do with that, a little more slowly. Other mail programs that are open use connections too.',
    },
  )

const asRecord = (value: unknown): Record<string, boolean> =>
  typeof value === 'object' && value !== null ? (value as Record<string, boolean>) : {} // written by us only, as booleans
