import { maildrop, type Retrieval, retrieval } from '@postern/shared/retrieval.ts'
import { z } from 'zod'
import type { Capabilities } from '#protocol/pop3/capabilities.ts'
import type { Pop3Session } from '#protocol/pop3/open-session.ts'
import { leaveSession } from '#protocol/pop3/quit-session.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { storeProgress } from '#store/account-state.ts'
import type { ConnectableAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { lookAtMaildrop, type MaildropLook } from '#sync/run-maildrop.ts'
import type { AccountLife, AccountMachine, ContentJob, LookEnd } from './account-life.ts'
import { KeptHere } from './kept-here.ts'
import { openMaildropSession } from './open-account-session.ts'
import { placeOf, planNextLook } from './plan-next-look.ts'
import { WakeSignal } from './wake-signal.ts'

/** When it became what it is, while it meets its mails. */
const changed = z.object({ since: z.coerce.date() })

/** From so many new mails on a look is shown as work under way. */
const showsFrom = 20
const tellEveryMs = 500
/** A look that is over sooner is read afterwards: side by side both take longer than one after the other. */
const readsFromMs = 5000
/** A gateway that was away has every maildrop due at once: they are spread over this. */
const catchUpMs = 30_000
/** Any time will do. */
const pausedMs = 24 * 3_600_000

/**
 * An account whose maildrop is looked at now and then. Between two looks nothing is open; when the next one comes is
 * stored (next_poll_at), so that restarts neither hurry nor forget it. What is kept here is served all the while, and so it
 * is while the account is paused.
 */
export class PolledLife implements AccountLife {
  readonly #machine: AccountMachine
  readonly #here: KeptHere
  readonly #wake = new WakeSignal<'look' | 'present' | 'removal'>()
  /** Monotonic. */
  readonly #catchUpAt: number
  /** Somebody wants a look now, and who is told how the next one ends. */
  #isAsked = false
  #asking: PromiseWithResolvers<LookEnd>[] = []
  /** Mails are to be removed at the provider, or met there: the next look is no later than this. Monotonic. */
  #lookBy = Number.POSITIVE_INFINITY
  /** No login before this, whoever asks: the server says so, or another program has the maildrop. Monotonic. */
  #notBefore = 0
  /** The last look brought mail that this one is to remove. */
  #isClearing = false
  #inboxId: bigint | undefined
  #hasLived = false

  constructor(machine: AccountMachine) {
    this.#machine = machine
    this.#here = new KeptHere(machine, () => this.#noticeReleased())
    this.#catchUpAt = machine.deps.clock.monotonicMs() + Math.random() * catchUpMs
  }

  /** Waits, or looks; in between the account is read anew, as its owner may have changed it. */
  async live(account: ConnectableAccount): Promise<void> {
    const { signal, deps } = this.#machine
    if (!this.#hasLived) this.#rememberLogin(account)
    this.#hasLived = true
    if (this.#wake.take('look')) this.#isAsked = true
    this.#wake.take('present')
    this.#wake.take('removal')
    // To resume it starts another worker.
    if (account.row.isPaused) return this.#wake.sleep(pausedMs, signal)
    const waitMs = this.#waitMs(account)
    if (waitMs > 0) {
      const waitsUntil = new Date(deps.clock.now().getTime() + waitMs).toISOString()
      for (const { resolve } of this.#asking.splice(0)) resolve({ waitsUntil })
      return this.#wake.sleep(waitMs, signal)
    }
    this.#isAsked = false
    this.#lookBy = Number.POSITIVE_INFINITY
    await this.#lookFor(account, this.#asking.splice(0))
  }

  async #lookFor(account: ConnectableAccount, asking: PromiseWithResolvers<LookEnd>[]): Promise<void> {
    try {
      const { stored, completed, removed } = await this.#look(account)
      for (const { resolve } of asking) resolve({ arrived: stored, completed, removed })
    } catch (error) {
      for (const { reject } of asking) reject(error)
      throw error
    }
  }

  noticeCommands(): void {
    this.#here.noticeCommands()
  }

  look(): Promise<LookEnd> {
    const asking = Promise.withResolvers<LookEnd>()
    this.#asking.push(asking)
    this.#wake.mark('look')
    return asking.promise
  }

  notePresence(): void {
    this.#wake.mark('present')
  }

  /** Nothing here changes unseen: every screen is told as it happens. */
  focus(): void {}

  serve(job: ContentJob): void {
    this.#here.serve(job)
  }

  /** What is kept here needs no server. */
  noteFault(): void {}

  async settled(): Promise<void> {
    await this.#here.settled()
  }

  #noticeReleased(): void {
    const { clock, timing } = this.#machine.deps
    this.#lookBy = Math.min(this.#lookBy, clock.monotonicMs() + timing.removalLookMs)
    this.#wake.mark('removal')
  }

  #waitMs({ row }: ConnectableAccount): number {
    const { deps, isPresent } = this.#machine
    const refusedMs = this.#notBefore - deps.clock.monotonicMs()
    // Anything else than `watching` is new, was cut off, or has waited long enough.
    if (this.#isAsked || row.state !== 'watching' || row.nextPollAt === null) return refusedMs
    const sinceLastMs = deps.clock.now().getTime() - (row.lastSyncedAt?.getTime() ?? 0)
    const plannedMs = row.nextPollAt.getTime() - deps.clock.now().getTime()
    const dueMs = isPresent()
      ? Math.min(plannedMs, presentMs(row.retrieval) - sinceLastMs)
      : Math.max(plannedMs, this.#catchUpAt - deps.clock.monotonicMs())
    return Math.max(refusedMs, Math.min(dueMs, this.#lookBy - deps.clock.monotonicMs()))
  }

  async #look(account: ConnectableAccount): Promise<MaildropLook> {
    const { deps, lease, signal, enter } = this.#machine
    // A look that finds nothing passes quietly.
    const isQuiet = account.row.state === 'watching'
    if (!isQuiet) await enter('connecting')
    const session = await this.#open(account)
    const onStop = () => session.destroy()
    signal.addEventListener('abort', onStop, { once: true })
    try {
      if (!isQuiet) await enter('syncing', { lastLoginAt: deps.clock.now(), loginFailures: 0 })
      const inboxId = await this.#findInbox()
      const wishes = retrieval.parse(account.row.retrieval ?? {})
      const { store, clock, logger } = deps
      const scope = { kind: 'engine' as const, ...lease }
      const context = {
        store,
        session,
        accountId: lease.accountId,
        inboxId,
        scope,
        retrieval: wishes,
        isMeeting: account.row.switching !== null,
        newsSince: changed.safeParse(account.row.switching).data?.since ?? null,
        isFirst: account.row.lastSyncedAt === null,
        clock,
        logger,
        signal,
      }
      const found = await lookAtMaildrop(context, this.#progress(isQuiet))
      await this.#settle(wishes, found, session.capabilities)
      return found
    } finally {
      signal.removeEventListener('abort', onStop)
      await leaveSession(session)
      this.#here.readNew()
    }
  }

  /** A restart, or another engine, hurries no login that the server wants later. */
  #rememberLogin({ row }: ConnectableAccount): void {
    const { clock } = this.#machine.deps
    const delaySeconds = maildrop.safeParse(row.maildrop).data?.loginDelaySeconds ?? null
    if (delaySeconds === null || row.lastLoginAt === null) return
    const sinceMs = Math.max(0, clock.now().getTime() - row.lastLoginAt.getTime())
    this.#notBefore = clock.monotonicMs() + delaySeconds * 1000 - sinceMs
  }

  /** The inbox of a maildrop is the same as long as the account lives. */
  async #findInbox(): Promise<bigint> {
    const { deps, lease } = this.#machine
    this.#inboxId ??= await deps.store.readSystem(async (tx) => {
      const where = { accountId: lease.accountId, role: 'inbox' }
      return (await tx.mailbox.findFirstOrThrow({ where, select: { id: true } })).id
    })
    return this.#inboxId
  }

  async #open(account: ConnectableAccount): Promise<Pop3Session> {
    const { deps, lease } = this.#machine
    try {
      return await openMaildropSession(deps, account, lease)
    } catch (error) {
      const known = toSessionError(error)
      const isRefused = known.code === 'mailbox.in_use' || known.code === 'connect.throttled'
      if (isRefused)
        this.#notBefore = deps.clock.monotonicMs() + (known.detail.retryAfterMs ?? deps.timing.inUse.baseMs)
      throw known
    }
  }

  async #settle(wishes: Retrieval, found: MaildropLook, { loginDelay }: Capabilities): Promise<void> {
    const { deps, lease, isPresent, settle } = this.#machine
    const now = deps.clock.now()
    const loginDelayMs = loginDelay === null ? null : loginDelay.seconds * 1000
    if (loginDelayMs !== null) this.#notBefore = deps.clock.monotonicMs() + loginDelayMs
    if (found.isMeeting) this.#lookBy = deps.clock.monotonicMs() + deps.timing.meetingLookMs
    // One look for that: what it could not remove, or what came meanwhile, has its turn as usual.
    const clears =
      !this.#isClearing && !wishes.isOnHold && found.facts.waiting > 0 && found.stored + found.completed > 0
    const { delayMs } = planNextLook({
      everyMs: wishes.everyMinutes * 60_000,
      hasArrived: found.stored > 0 || this.#isClearing,
      isPresent: isPresent(),
      hour: now.getHours(),
      loginDelayMs,
      removalMs: clears ? deps.timing.removalLookMs : null,
      now,
      place: placeOf(lease.accountId),
    })
    this.#isClearing = clears
    if (clears) this.#lookBy = Math.min(this.#lookBy, deps.clock.monotonicMs() + deps.timing.removalLookMs)
    const nextPollAt = new Date(now.getTime() + delayMs)
    const { listedAt } = found.facts
    const facts = { lastLoginAt: now, loginFailures: 0, lastSyncedAt: now, nextPollAt, listedAt }
    await settle(facts, { event: lineOf(found) })
  }

  /** Tells how far a look is; what came is read while the rest comes. */
  #progress(isQuiet: boolean): (done: number, total: number) => Promise<void> {
    const { deps, lease, enter } = this.#machine
    const startedAt = deps.clock.monotonicMs()
    let toldAt = Number.NEGATIVE_INFINITY
    let isShown = !isQuiet
    return async (done, total) => {
      const now = deps.clock.monotonicMs()
      if (now - startedAt > readsFromMs) this.#here.readNew()
      if (total < showsFrom || now - toldAt < tellEveryMs) return
      toldAt = now
      if (!isShown) await enter('syncing')
      isShown = true
      const perSecond = Math.round((done * 1000) / Math.max(1, now - startedAt))
      await commit(deps.store, { kind: 'engine', ...lease }, (unit) =>
        storeProgress(unit, lease.accountId, { phase: 'envelopes', done, total, perSecond }),
      )
    }
  }
}

/** While a person is there, this long after a look the next one is due. */
const presentMs = (stored: unknown): number => {
  const { everyMinutes } = retrieval.parse(stored ?? {})
  const everyMs = everyMinutes * 60_000
  const facts = {
    everyMs,
    hasArrived: false,
    isPresent: true,
    hour: 12,
    loginDelayMs: null,
    removalMs: null,
    now: new Date(0),
    place: null,
  }
  return planNextLook(facts).delayMs
}

/** For the health timeline: what a look did, when it did something. */
const lineOf = (look: MaildropLook): { kind: string; text: string } | null => {
  const { stored, completed, copies, removed, goneElsewhere } = look
  const parts = [
    stored > 0 ? `${count(stored, 'mail')} came in` : '',
    completed > 0 ? `the rest of ${count(completed, 'mail')} came` : '',
    copies > 0 ? `${count(copies, 'copy', 'copies')} of what is here found` : '',
    removed > 0 ? `${count(removed, 'mail')} removed at the provider` : '',
    goneElsewhere > 0 ? `${count(goneElsewhere, 'mail')} removed at the provider by somebody else` : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? null : { kind: 'look', text: `${capital(parts.join(', '))}.` }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`
