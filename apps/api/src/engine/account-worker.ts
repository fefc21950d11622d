import type { AccountState } from '@postern/shared/accounts.ts'
import { backoffMs } from '#platform/backoff.ts'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { type AccountFacts, type AccountProblem, storeAccountFacts, storeAccountState } from '#store/account-state.ts'
import { type ConnectableAccount, loadForEngine } from '#store/accounts.ts'
import { commit, commitBulk } from '#store/commit.ts'
import { failureOf, retakeSyncs, settleRequest, takeRequests } from '#store/engine-requests.ts'
import type { Lease } from '#store/lease.ts'
import type { AccountLife, AccountMachine, LookEnd, Restriction, Shown } from './account-life.ts'
import { accountTransitions, planAfterFailure } from './account-states.ts'
import type { EngineDeps } from './engine-deps.ts'
import { ImapLife } from './imap-life.ts'
import { OutgoingMail } from './outgoing-mail.ts'
import { PolledLife } from './polled-life.ts'
import type { EngineTiming } from './timing.ts'
import { WakeSignal } from './wake-signal.ts'

/**
 * One worker owns one account, from lease to release. What it does depends on the kind of its server (account-life.ts); its
 * machine is in account-states.ts, and `#setState` is the only way to change it. Whatever happens here stays here: `ended`
 * never rejects.
 */
/** A fault that is over before anybody could read it is not worth showing. */
const quietFailures = 1
/** Other programs hold a maildrop for minutes while they fetch from it. */
const quietWhileInUse = 5
const healthy: AccountState[] = ['connecting', 'syncing', 'watching']

export class AccountWorker {
  readonly lease: Lease
  readonly ended: Promise<void>
  readonly #deps: EngineDeps
  readonly #stop = new AbortController()
  readonly #retry = new WakeSignal<'now'>()
  readonly #restrictions = new Map<Restriction, AppError>()
  /** Known once the account was read. */
  #life: AccountLife | undefined
  #outgoing: OutgoingMail | undefined
  /** There was no room to write, and nothing was written since: every try in between keeps saying so. */
  #noRoom: AccountProblem | null = null
  #isPresent = false
  #state: AccountState = 'connecting'
  #failures = 0

  constructor(deps: EngineDeps, lease: Lease) {
    this.#deps = deps
    this.lease = lease
    this.ended = this.#run().finally(() => {
      this.#stop.abort()
      return Promise.all([this.#life?.settled(), this.#outgoing?.settled()]).then(() => undefined)
    })
  }

  /** Ends the sessions; resolves when nothing of this worker runs any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    // Nobody waits for a connection any more.
    this.#life?.noteFault(new AppError('account.not_ready', 'The account is being disconnected.'))
    await this.ended
  }

  /** The owner's relay is another one, or gone. */
  noticeRelay(): void {
    this.#outgoing?.noticeRelay()
  }

  /** There is mail that could leave by now, whoever accepted it told of it or not. */
  noticeMail(): void {
    this.#outgoing?.noticeMail()
  }

  /** Somebody left something to do: commands, requests, an edited account. */
  async notice(): Promise<void> {
    const life = this.#life
    // What nobody takes waits for the next worker.
    if (!life || this.#stop.signal.aborted) return
    life.noticeCommands()
    this.#outgoing?.notice()
    for (const { id, body } of await takeRequests(this.#deps.store, this.lease.accountId)) {
      if (body.kind === 'sync' || body.kind === 'resync') {
        void this.#answerLook(id, life.look(body.kind === 'resync'))
        this.#retry.mark('now')
      } else if (body.kind === 'focus') {
        life.focus(body.screen, body.mailboxIds.map(BigInt))
        await settleRequest(this.#deps.store, id, 'done', {})
      } else life.serve({ id, body })
    }
  }

  /** A look that does not end while this worker lives is the next one's to answer. */
  async #answerLook(id: bigint, look: Promise<LookEnd>): Promise<void> {
    const { store, logger } = this.#deps
    try {
      await settleRequest(store, id, 'done', await look)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      const { code, message, detail } = toSessionError(error)
      await settleRequest(store, id, 'failed', failureOf(code, message, detail.hint)).catch((failure: unknown) =>
        logger.debug({ err: failure }, 'nobody heard how a look ended'),
      )
    }
  }

  /**
   * Whether somebody has this account on a screen: then it is looked at more often, for the first time after `delayMs`.
   * True when they just came.
   */
  setPresent(isPresent: boolean, delayMs: number): boolean {
    if (isPresent === this.#isPresent) return false
    this.#isPresent = isPresent
    if (isPresent) void this.#deps.clock.sleep(delayMs, this.#stop.signal).then(() => this.#life?.notePresence())
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
        await this.#lifeOf(account).live(account)
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (!(await this.#afterFailure(error, account))) return
      }
    }
  }

  #lifeOf({ row }: ConnectableAccount): AccountLife {
    if (this.#life) return this.#life
    const machine: AccountMachine = {
      deps: this.#deps,
      lease: this.lease,
      signal: this.#stop.signal,
      isPresent: () => this.#isPresent,
      enter: (state, facts) => this.#setState(state, null, null, { facts: facts ?? null }),
      settle: (facts, shown) => this.#settle(facts, shown),
      restrict: (kind, reason) => this.#restrict(kind, reason),
    }
    // Between two looks nothing is open: such an account goes on as it was.
    if (row.kind === 'pop3' && row.state === 'watching') this.#state = 'watching'
    const life = row.kind === 'pop3' ? new PolledLife(machine) : new ImapLife(machine)
    this.#life = life
    // A paused account sends nothing; its worker is another one when it is resumed.
    if (!row.isPaused) this.#outgoing = new OutgoingMail(machine)
    // What was asked for before there was anybody to ask, or of a worker that ended before it came to that.
    const heard = retakeSyncs(this.#deps.store, this.lease.accountId).then(() => this.notice())
    heard.catch((error: unknown) => this.#deps.logger.debug({ err: error }, 'the next look takes what waits'))
    return life
  }

  async #settle(facts: AccountFacts | null, shown: Shown | null): Promise<void> {
    // One that found nothing wrote nothing.
    if (this.#noRoom) await this.#deps.store.requireRoom()
    this.#noRoom = null
    // Only a finished sync proves the way to the server.
    this.#failures = 0
    if (this.#state !== 'watching' || shown)
      return this.#setState('watching', null, null, { facts, event: shown?.event ?? null })
    const { accountId } = this.lease
    if (facts)
      await commitBulk(this.#deps.store, { kind: 'engine', ...this.lease }, (unit) =>
        storeAccountFacts(unit, accountId, facts),
      )
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
      backoffMs: waitAfter(known, this.#failures, timing),
      passwordRetryMs: timing.passwordRetryMs,
    })
    this.#life?.noteFault(known)
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
    { facts = null, event: told = null }: { facts?: AccountFacts | null } & Partial<Shown> = {},
  ): Promise<void> {
    if (!accountTransitions[this.#state].includes(next))
      throw new AppError('internal', `An account cannot go from ${this.#state} to ${next}.`)
    const from = this.#state
    this.#state = next
    const isToldAtOnce = error?.code === 'connect.limit' || error?.code === 'connect.throttled'
    const patience = error?.code === 'mailbox.in_use' ? quietWhileInUse : quietFailures
    const isQuiet = next === 'waiting' && this.#failures <= patience && !isToldAtOnce
    const problem = error === null ? this.#standing() : isQuiet ? this.#noRoom : this.#problemOf(error)
    if (problem?.code === 'storage.full') this.#noRoom = problem
    const isNews = from !== next || error !== null
    const event = told ?? (isNews ? { kind: next, text: error?.message ?? `${from} -> ${next}` } : null)
    const { accountId } = this.lease
    const noted = { accountId: accountId.toString(), code: error?.code }
    this.#deps.logger.debug({ ...noted, from, next }, 'account state')
    if (from === 'connecting' && next === 'syncing') this.#deps.logger.info(noted, 'an account signed in')
    if (from !== next && next === 'needs_person') this.#deps.logger.info(noted, 'an account needs its person')
    await commitBulk(
      this.#deps.store,
      { kind: 'engine', ...this.lease },
      async (unit) => {
        if (facts) await storeAccountFacts(unit, accountId, facts)
        await storeAccountState(unit, accountId, { state: next, problem, retryAt }, event)
      },
      { isVital: true },
    )
  }

  /** What is to be told of an account that is all right otherwise. */
  #standing(): AccountProblem | null {
    const restriction = this.#restrictions.values().next().value
    return this.#noRoom ?? (restriction ? this.#problemOf(restriction) : null)
  }

  #problemOf(error: AppError): AccountProblem {
    if (error.code === this.#noRoom?.code) return this.#noRoom
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
    const problem = this.#standing()
    const event = reason && { kind, text: reason.message }
    commit(this.#deps.store, { kind: 'engine', ...this.lease }, (unit) =>
      storeAccountState(unit, this.lease.accountId, { state: this.#state, problem, retryAt: null }, event),
    ).catch((error: unknown) => this.#deps.logger.debug({ err: error }, 'a restriction was not stored'))
  }
}

/** How long to wait after so many failures, the last of this kind. Who has a maildrop open is not asked every second. */
const waitAfter = ({ code }: AppError, failures: number, { throttled, inUse, backoff }: EngineTiming): number => {
  if (code === 'mailbox.in_use') return inUse.baseMs + backoffMs(failures, inUse)
  return backoffMs(failures, code === 'connect.throttled' ? throttled : backoff)
}
