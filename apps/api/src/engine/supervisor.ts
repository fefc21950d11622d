import { sweepBlobs } from '#store/blobs.ts'
import { sweepRequests } from '#store/engine-requests.ts'
import { learnNextPiece } from '#store/learn-correspondents.ts'
import { type Lease, leaseRenewMs, releaseLeases, renewLeases, takeLeases } from '#store/lease.ts'
import { engineChannel, eraseNotice, relayNotice, restartPrefix } from '#store/notify.ts'
import { listAccountsWithMail, listAccountsWithWork, listPresentAccounts } from '#store/presence.ts'
import { eraseNextStep } from '#store/remove-person.ts'
import { sweepOld } from '#store/retention.ts'
import { sweepSubmissions } from '#store/submissions.ts'
import { sweepTransfers } from '#store/transfers.ts'
import { AccountWorker } from './account-worker.ts'
import type { EngineDeps } from './engine-deps.ts'

/**
 * Takes leases and keeps one worker for each. Woken by notices, and by itself every few seconds: a lost notice only costs
 * that long. One worker's failure never touches another.
 */
const lookEveryMs = 5000
const leasesPerLook = 500
/** Between the looks of two accounts whose person came: five hundred are done within five seconds. */
const lookSpacingMs = 10
const sweepEveryMs = 10 * 60_000
const learnEveryMs = 2 * 60_000

export type Supervisor = { stop: () => Promise<void> }

export const startSupervisor = (deps: EngineDeps, owner: string): Supervisor => {
  const workers = new Map<bigint, AccountWorker>()
  const { store, logger, clock } = deps
  let isStopping = false
  let looking: Promise<void> = Promise.resolve()
  // Monotonic: a clock that is set back must not keep the leases from being renewed.
  let sweptAt = Number.NEGATIVE_INFINITY
  let learnedAt = Number.NEGATIVE_INFINITY
  let renewedAt = Number.NEGATIVE_INFINITY

  const adopt = (lease: Lease) => {
    // It was taken away (revokeLease) and came back before its worker noticed: that one can write nothing any more.
    void workers.get(lease.accountId)?.stop()
    const worker = new AccountWorker(deps, lease)
    workers.set(lease.accountId, worker)
    worker.ended
      .catch((error: unknown) =>
        logger.error({ err: error, accountId: lease.accountId.toString() }, 'a worker ended with a fault'),
      )
      .then(async () => {
        if (workers.get(lease.accountId) === worker) workers.delete(lease.accountId)
        if (!isStopping) await releaseLeases(store, [lease])
      })
      .catch(() => undefined)
  }

  const look = async () => {
    if (isStopping) return
    if (clock.monotonicMs() - renewedAt >= leaseRenewMs) await renew()
    for (const lease of await takeLeases(store, owner, leasesPerLook)) adopt(lease)
    for (const accountId of await listAccountsWithWork(store)) await workers.get(accountId)?.notice()
    for (const accountId of await listAccountsWithMail(store)) workers.get(accountId)?.noticeMail()
    await notePresence()
    if (clock.monotonicMs() - sweptAt >= sweepEveryMs) await sweep()
    if (clock.monotonicMs() - learnedAt >= learnEveryMs) await learnSome()
  }

  const sweep = async () => {
    sweptAt = clock.monotonicMs()
    await sweepRequests(store)
    await sweepBlobs(store)
    await sweepTransfers(store)
    await sweepSubmissions(store)
    await sweepOld(store)
    await eraseSome()
  }

  /** What removed people leave behind, a step a look: leases are renewed in between. */
  const eraseSome = async () => {
    if (!isStopping && (await eraseNextStep(store))) lookAgainToErase()
  }
  const lookAgainToErase = () => {
    looking = looking.then(eraseSome).then(look)
    looking = looking.catch((error: unknown) => logger.warn({ err: error }, 'the supervisor will look again'))
  }

  /** Whom people write with, out of a piece of their mail a look. */
  const learnSome = async () => {
    learnedAt = clock.monotonicMs()
    if (isStopping || !(await learnNextPiece(store))) return
    learnedAt = Number.NEGATIVE_INFINITY
    lookSoon()
  }

  /** Who comes makes all their accounts look at once; of very many the later ones wait, so that pushes need not. */
  const notePresence = async () => {
    const present = new Set(await listPresentAccounts(store))
    let arrived = 0
    for (const [accountId, worker] of workers)
      if (worker.setPresent(present.has(accountId), arrived * lookSpacingMs)) arrived++
  }

  /** A lease that is no longer ours: stop at once, the new owner has begun. Also accounts that were edited or paused. */
  const renew = async () => {
    renewedAt = clock.monotonicMs()
    const mine = [...workers.values()].map((worker) => worker.lease)
    const kept = new Set((await renewLeases(store, mine)).map(({ accountId }) => accountId))
    for (const { accountId } of mine) if (!kept.has(accountId)) void workers.get(accountId)?.stop()
  }

  const lookSoon = () => {
    looking = looking
      .then(look)
      .catch((error: unknown) => logger.warn({ err: error }, 'the supervisor will look again'))
  }

  const onNotice = (payload: string) => {
    if (payload.startsWith('reply:')) return
    if (payload === eraseNotice) return lookAgainToErase()
    if (payload === relayNotice) {
      for (const worker of workers.values()) worker.noticeRelay()
      return
    }
    if (payload.startsWith(restartPrefix)) {
      // The account was edited, paused or removed: its worker starts anew with what is stored now.
      const worker = workers.get(BigInt(payload.slice(restartPrefix.length)))
      if (worker) void worker.stop().then(lookSoon)
      else lookSoon()
      return
    }
    const worker = /^\d+$/.test(payload) ? workers.get(BigInt(payload)) : undefined
    if (worker)
      worker
        .notice()
        .catch((error: unknown) => logger.warn({ err: error }, 'a notice was not served; the next look will'))
    else lookSoon()
  }

  const unlisten = store.notifier.listen(engineChannel, onNotice, lookSoon)
  const timer = setInterval(lookSoon, lookEveryMs)
  lookSoon()
  return {
    stop: async () => {
      isStopping = true
      clearInterval(timer)
      unlisten()
      await looking
      const leases = [...workers.values()].map((worker) => worker.lease)
      await Promise.all([...workers.values()].map((worker) => worker.stop()))
      await releaseLeases(store, leases)
    },
  }
}
