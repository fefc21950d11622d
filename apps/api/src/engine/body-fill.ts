import { backoffMs } from '#platform/backoff.ts'
import { AppError } from '#platform/errors.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { countBytes, storeProgress } from '#store/account-state.ts'
import { commit } from '#store/commit.ts'
import { refreshSearchIndex } from '#store/retention.ts'
import { countBodies } from '#store/sync-bodies.ts'
import { syncBodies } from '#sync/run-body-sync.ts'
import { type AccountShare, scopeOf, syncContextOf } from './account-share.ts'

/** From so many new bodies on the planner is told of them. */
const refreshFrom = 1000

type Missing = { stored: number; total: number; budget: bigint | null; bytesLeft: bigint | null }

/** What keeps bodies from coming, for the person to read; null when nothing does. */
export type OnHeldBack = (reason: AppError | null) => void

/**
 * Fetches missing bodies on a session of its own, so that the watching one hears new mail meanwhile; closes it when
 * nothing is left. One run at a time; asked again while running, it looks once more. Where the provider allows no second
 * connection, `onNoRoom` asks the main session to do it while it has nothing else to do (runOn).
 */
export class BodyFill {
  readonly #share: AccountShare
  readonly #onNoRoom: () => void
  readonly #onHeldBack: OnHeldBack
  #running: Promise<void> | undefined
  #isAskedAgain = false
  #failures = 0
  /** A provider that asked us to slow down is left alone until then. */
  #notBefore = 0

  constructor(share: AccountShare, { onNoRoom, onHeldBack }: { onNoRoom: () => void; onHeldBack: OnHeldBack }) {
    this.#share = share
    this.#onNoRoom = onNoRoom
    this.#onHeldBack = onHeldBack
  }

  /** Starts or extends a run; never throws: a failed run is tried again with the next sync. */
  request(): void {
    const { signal, deps } = this.#share
    if (this.#running) {
      this.#isAskedAgain = true
      return
    }
    if (signal.aborted || deps.clock.monotonicMs() < this.#notBefore) return
    this.#running = this.#run()
      .then(() => this.#afterRun(null))
      .catch((error: unknown) => this.#afterRun(toSessionError(error)))
      .finally(() => {
        this.#running = undefined
        if (this.#isAskedAgain && !signal.aborted) {
          this.#isAskedAgain = false
          this.request()
        }
      })
  }

  async settled(): Promise<void> {
    await this.#running
  }

  /** Fetches on a session that was opened for something else, until `isEnough`; false when something is left. */
  async runOn(session: ImapSession, isEnough: () => boolean): Promise<boolean> {
    const missing = await this.#missing()
    return missing === null || (await this.#fill(session, missing, isEnough))
  }

  #afterRun(fault: AppError | null): void {
    const { deps, lease, signal } = this.#share
    if (fault === null) {
      this.#failures = 0
      return
    }
    if (fault.code === 'connect.limit') {
      this.#onNoRoom()
      return
    }
    this.#failures++
    const { backoff, throttled } = deps.timing
    const isThrottled = fault.code === 'connect.throttled'
    const waitMs = Math.max(
      backoffMs(this.#failures, isThrottled ? throttled : backoff),
      fault.detail.retryAfterMs ?? 0,
    )
    this.#notBefore = deps.clock.monotonicMs() + waitMs
    if (isThrottled) this.#onHeldBack(fault)
    void deps.clock.sleep(waitMs, signal).then(() => {
      this.#notBefore = 0
      this.request()
    })
    deps.logger.info(
      { accountId: lease.accountId.toString(), code: fault.code, waitMs },
      'bodies wait for the next sync',
    )
  }

  async #run(): Promise<void> {
    const missing = await this.#missing()
    if (missing === null) return
    const session = await this.#share.sessions.open('bodies')
    try {
      await this.#fill(session, missing, () => false)
    } finally {
      await session.logout()
    }
  }

  /** Null when there is nothing to do, or nothing may be done today. */
  async #missing(): Promise<Missing | null> {
    const { deps, lease } = this.#share
    const [counted, account] = await deps.store.readSystem(async (tx) => [
      await countBodies(tx, lease.accountId),
      await tx.account.findUnique({ where: { id: lease.accountId }, select: { dailyByteBudget: true } }),
    ])
    const isDone = counted.stored === counted.total
    const budget = account?.dailyByteBudget ?? null
    const bytesLeft = isDone || budget === null ? null : budget - (await this.#bytesToday())
    const isSpent = bytesLeft !== null && bytesLeft <= 0n
    this.#onHeldBack(isSpent ? budgetSpent() : null)
    return isDone || isSpent ? null : { ...counted, budget, bytesLeft }
  }

  #bytesToday(): Promise<bigint> {
    const { deps, lease } = this.#share
    return commit(deps.store, scopeOf(this.#share), (unit) => countBytes(unit, lease.accountId, 0))
  }

  /** False when it ended before everything was there. */
  async #fill(session: ImapSession, before: Missing, isEnough: () => boolean): Promise<boolean> {
    const { deps, lease, signal } = this.#share
    const { store, clock } = deps
    const scope = scopeOf(this.#share)
    const startedAt = clock.monotonicMs()
    let done = 0
    let toldAt = 0
    let refreshedAt = before.stored
    let isWhole = true
    const onBodies = async (messages: number, bytesToday: bigint): Promise<boolean> => {
      done += messages
      const now = clock.monotonicMs()
      if (before.total - before.stored > 500 && now - toldAt > 500) {
        toldAt = now
        const progress = {
          phase: 'bodies' as const,
          done: Math.min(before.total, before.stored + done),
          total: before.total,
          perSecond: Math.round(done / Math.max(0.001, (now - startedAt) / 1000)),
        }
        await commit(store, scope, (unit) => storeProgress(unit, lease.accountId, progress))
      }
      // Each time the index has doubled: searches during a first sync are as quick as afterwards.
      if (done > Math.max(refreshFrom, refreshedAt)) {
        refreshedAt = 2 * done
        await refreshSearchIndex(store)
      }
      const isSpent = before.budget !== null && bytesToday >= before.budget
      if (isSpent) this.#onHeldBack(budgetSpent())
      isWhole &&= !isEnough()
      return !signal.aborted && !isSpent && isWhole
    }
    await syncBodies(syncContextOf(this.#share, session), { mostBytes: before.bytesLeft, onBodies })
    if (done >= refreshFrom) await refreshSearchIndex(store)
    if (toldAt > 0) await commit(store, scope, (unit) => storeProgress(unit, lease.accountId, null))
    return isWhole
  }
}

const budgetSpent = () =>
  new AppError('account.budget_spent', 'The daily amount of data of this account is used up.', {
    hint: 'The remaining texts come tomorrow; mails you open come at once. The amount can be changed on the page of the account.',
  })
