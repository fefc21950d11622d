import { type ChangeFact, maxThreadPairsPerFact } from '#events/change-facts.ts'
import { AppError } from '#platform/errors.ts'
import { type BareTx, bareTransaction, type QuickTx, quickTransaction, type RawTx } from './bare-tx.ts'
import { changeChannel, engineChannel } from './notify.ts'
import { actAs, type Store, type Tx } from './open-store.ts'
import { isRetryableConflict, leaseLost, toStoreError } from './store-error.ts'

/**
 * On whose behalf a transaction writes. An engine scope is fenced: the transaction holds the lease row against a
 * take-over (FOR KEY SHARE) and fails with lease.lost when the epoch is no longer its own.
 */
export type EngineScope = { kind: 'engine'; accountId: bigint; epoch: bigint }
export type UserScope = { kind: 'user'; userId: bigint }
export type CommitScope = EngineScope | UserScope | { kind: 'system' }

export type StreamOwner = { accountId: bigint } | { userId: bigint }

/** What the work inside a commit may use beside `tx`. Facts are written after the work, last in the transaction. */
export type Unit<T extends RawTx = Tx> = {
  tx: T
  log: (owner: StreamOwner, fact: ChangeFact) => void
  /** Conversations whose lists and counts must follow; their changed rows are logged by themselves. */
  touchThreads: (accountId: bigint, threadIds: Iterable<bigint>) => void
  /** A bulk of rows: lists are brought up to date, but logged as "these mailboxes grew". */
  touchThreadsInBulk: (accountId: bigint, threadIds: Iterable<bigint>) => void
  /** Wakes the account's worker after commit. */
  wakeEngine: (accountId: bigint) => void
}

type Touched = { threadIds: Set<bigint>; isBulk: boolean }
type RefreshRow = { changed_mailbox_id: bigint; changed_thread_id: bigint; is_present: boolean }

const maxAttempts = 5

/** A unit for bulk work: statements only. Whatever takes it takes a `Unit` as well. */
export type RawUnit = Unit<RawTx>
/** One that also takes octets. */
export type BulkUnit = Unit<BareTx>
type Transaction<Held extends RawTx> = <T>(work: (tx: Held) => Promise<T>) => Promise<T>

/**
 * The only way mail changes reach the database: work, lists and counts, change log, all in one transaction; notices go
 * out after it. Runs again by itself after a deadlock, so `work` must not act outside the transaction.
 * A vital one is small and tried even when there is hardly any room, such as the state that says so.
 * Throws lease.lost, storage.full, storage.unavailable.
 */
export const commit = async <T>(
  store: Store,
  scope: CommitScope,
  work: (unit: Unit) => Promise<T>,
  { isVital = false } = {},
): Promise<T> => {
  if (!isVital) await store.requireRoom()
  const run: Transaction<Tx> = (inside) =>
    store.prisma.$transaction(async (tx) => {
      await enter(tx, scope)
      return await inside(tx)
    })
  return commitWithin(store, run, work)
}

/**
 * The same for what the mail server, or whoever sends it, has anyway, in bulk: quicker, and a crash of the database may undo
 * the last ones, unless it `isDurable` because nobody else may have it any longer.
 */
export const commitBulk = async <T>(
  store: Store,
  scope: EngineScope | UserScope,
  work: (unit: BulkUnit) => Promise<T>,
  { isVital = false, isDurable = false } = {},
): Promise<T> => {
  if (!isVital) await store.requireRoom()
  return commitWithin(store, (run) => bareTransaction(store.pool, scope, run, { isDurable }), work)
}

/** The same for little that somebody waits for (`quickTransaction`): always durable. */
export const commitTogether = async <T>(
  store: Store,
  { userId }: UserScope,
  work: (unit: Unit<QuickTx>) => Promise<T>,
): Promise<T> => {
  await store.requireRoom()
  return commitWithin(store, (run) => quickTransaction(store.quickPool, userId, run), work)
}

const commitWithin = async <Held extends RawTx, T>(
  store: Store,
  transaction: Transaction<Held>,
  work: (unit: Unit<Held>) => Promise<T>,
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    const facts: { owner: StreamOwner; fact: ChangeFact }[] = []
    const touched = new Map<bigint, Touched>()
    const woken = new Set<bigint>()
    const touch = (isBulk: boolean) => (accountId: bigint, threadIds: Iterable<bigint>) => {
      const entry = touched.get(accountId) ?? { threadIds: new Set<bigint>(), isBulk: false }
      for (const threadId of threadIds) entry.threadIds.add(threadId)
      entry.isBulk ||= isBulk
      touched.set(accountId, entry)
    }
    try {
      const { result, streams } = await transaction(async (tx) => {
        const result = await work({
          tx,
          log: (owner, fact) => facts.push({ owner, fact }),
          touchThreads: touch(false),
          touchThreadsInBulk: touch(true),
          wakeEngine: (accountId) => woken.add(accountId),
        })
        for (const [accountId, entry] of touched) await refreshThreads(tx, accountId, entry, facts)
        return { result, streams: await writeFacts(tx, facts) }
      })
      for (const stream of streams) store.notifier.notify(changeChannel, stream)
      for (const accountId of woken) store.notifier.notify(engineChannel, accountId.toString())
      return result
    } catch (error) {
      if (attempt < maxAttempts && isRetryableConflict(error)) continue
      throw toStoreError(error)
    }
  }
}

const enter = async (tx: RawTx, scope: CommitScope): Promise<void> => {
  if (scope.kind === 'user') await actAs(tx, scope.userId)
  if (scope.kind !== 'engine') return
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM account_lease WHERE account_id = ${scope.accountId} AND epoch = ${scope.epoch} FOR KEY SHARE`
  if (rows.length === 0) throw leaseLost()
}

const refreshThreads = async (
  tx: RawTx,
  accountId: bigint,
  { threadIds, isBulk }: Touched,
  facts: { owner: StreamOwner; fact: ChangeFact }[],
): Promise<void> => {
  if (threadIds.size === 0) return
  const rows = await tx.$queryRaw<RefreshRow[]>`
    SELECT * FROM refresh_threads(${accountId}, ${[...threadIds]}::bigint[])`
  const mailboxIds = [...new Set(rows.map((row) => row.changed_mailbox_id.toString()))]
  const owner = { accountId }
  if (isBulk || rows.length > maxThreadPairsPerFact) {
    for (const mailboxId of mailboxIds) facts.push({ owner, fact: { kind: 'mailboxGrew', mailboxId } })
  } else if (rows.length > 0) {
    const pairs = rows.map((row): [string, string] => [
      row.changed_mailbox_id.toString(),
      row.changed_thread_id.toString(),
    ])
    facts.push({ owner, fact: { kind: 'threads', pairs } })
  }
  if (mailboxIds.length > 0) facts.push({ owner, fact: { kind: 'mailboxes', mailboxIds, removed: [] } })
}

/** Writes the log in stream id order, so that two transactions never wait for each other's counters in a circle. In one round trip. */
const writeFacts = async (tx: RawTx, facts: { owner: StreamOwner; fact: ChangeFact }[]): Promise<string[]> => {
  if (facts.length === 0) return []
  const only = facts[0]?.owner
  if (only && facts.every(({ owner }) => nameOf(owner) === nameOf(only))) return writeOneStream(tx, only, facts)
  const streams = new Map<string, { account_id: string | null; user_id: string | null; facts: ChangeFact[] }>()
  for (const { owner, fact } of facts) {
    const [account_id, user_id] =
      'accountId' in owner ? [owner.accountId.toString(), null] : [null, owner.userId.toString()]
    const stream = streams.get(nameOf(owner)) ?? { account_id, user_id, facts: [] }
    stream.facts.push(fact)
    streams.set(nameOf(owner), stream)
  }
  const written = await tx.$queryRaw<unknown[]>`
    SELECT log_changes(t.id, ARRAY(SELECT fact ->> 'kind' FROM jsonb_array_elements(t.facts) fact), ARRAY(SELECT jsonb_array_elements(t.facts)))
    FROM (SELECT s.id, o.facts FROM jsonb_to_recordset(${JSON.stringify([...streams.values()])}::jsonb) AS o (account_id bigint, user_id bigint, facts jsonb)
      JOIN stream s ON s.account_id = o.account_id OR s.user_id = o.user_id ORDER BY s.id OFFSET 0) t`
  if (written.length !== streams.size) throw streamMissing()
  return [...streams.keys()]
}

const streamMissing = (): AppError => new AppError('internal', 'A change stream is missing.')

const nameOf = (owner: StreamOwner): string =>
  'accountId' in owner ? `account:${owner.accountId}` : `user:${owner.userId}`

/** The usual case, in one round trip. */
const writeOneStream = async (
  tx: RawTx,
  owner: StreamOwner,
  facts: { owner: StreamOwner; fact: ChangeFact }[],
): Promise<string[]> => {
  const kinds = facts.map(({ fact }) => fact.kind)
  const data = facts.map(({ fact }) => JSON.stringify(fact))
  const [accountId, userId] = 'accountId' in owner ? [owner.accountId, null] : [null, owner.userId]
  const written = await tx.$queryRaw<unknown[]>`
    SELECT log_changes(id, ${kinds}::text[], ${data}::jsonb[]) FROM stream WHERE account_id = ${accountId}::bigint OR user_id = ${userId}::bigint`
  if (written.length === 0) throw streamMissing()
  return [nameOf(owner)]
}
