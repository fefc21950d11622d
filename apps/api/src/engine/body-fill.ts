import { toSessionError } from '#protocol/session-error.ts'
import { storeProgress } from '#store/account-state.ts'
import { loadForEngine } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import type { Lease } from '#store/lease.ts'
import { refreshSearchIndex } from '#store/retention.ts'
import { countBodies } from '#store/sync-bodies.ts'
import { syncBodies } from '#sync/run-body-sync.ts'
import type { EngineDeps } from './engine-deps.ts'
import { openAccountSession } from './open-account-session.ts'

/** From so many new bodies on the planner is told of them. */
const refreshFrom = 1000

/**
 * Fetches missing bodies on a session of its own, so that the watching one hears new mail meanwhile; closes it when
 * nothing is left. One run at a time; asked again while running, it looks once more.
 */
export class BodyFill {
  readonly #deps: EngineDeps
  readonly #lease: Lease
  readonly #signal: AbortSignal
  #running: Promise<void> | undefined
  #isAskedAgain = false

  constructor(deps: EngineDeps, lease: Lease, signal: AbortSignal) {
    this.#deps = deps
    this.#lease = lease
    this.#signal = signal
  }

  /** Starts or extends a run; never throws: a failed run is tried again with the next sync. */
  request(): void {
    if (this.#running) {
      this.#isAskedAgain = true
      return
    }
    this.#running = this.#run()
      .catch((error: unknown) =>
        this.#deps.logger.info(
          { accountId: this.#lease.accountId.toString(), code: toSessionError(error).code },
          'bodies wait for the next sync',
        ),
      )
      .finally(() => {
        this.#running = undefined
        if (this.#isAskedAgain && !this.#signal.aborted) {
          this.#isAskedAgain = false
          this.request()
        }
      })
  }

  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    const { store, clock, logger, masterKey } = this.#deps
    const { accountId, epoch } = this.#lease
    const scope = { kind: 'engine' as const, accountId, epoch }
    const before = await store.readSystem((tx) => countBodies(tx, accountId))
    if (before.stored === before.total) return
    const account = await store.readSystem((tx) => loadForEngine(tx, masterKey, accountId))
    if (!account) return
    const session = await openAccountSession(this.#deps, account)
    const startedAt = clock.monotonicMs()
    const budget = account.row.dailyByteBudget
    let done = 0
    let toldAt = 0
    let refreshedAt = before.stored
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
        await commit(store, scope, (unit) => storeProgress(unit, accountId, progress))
      }
      // Each time the index has doubled: searches during a first sync are as quick as afterwards.
      if (done > Math.max(refreshFrom, refreshedAt)) {
        refreshedAt = 2 * done
        await refreshSearchIndex(store)
      }
      return !this.#signal.aborted && (budget === null || bytesToday <= budget)
    }
    const context = {
      store,
      session,
      accountId,
      scope,
      clock,
      logger,
      signal: this.#signal,
      yieldToCommands: async () => undefined,
    }
    try {
      await syncBodies(context, onBodies)
      if (done >= refreshFrom) await refreshSearchIndex(store)
      if (toldAt > 0) await commit(store, scope, (unit) => storeProgress(unit, accountId, null))
    } finally {
      await session.logout()
    }
  }
}
