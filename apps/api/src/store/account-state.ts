import type { AccountProgress, AccountState } from '@postern/shared/accounts.ts'
import type { ErrorCode } from '@postern/shared/error-codes.ts'
import type { RawUnit, Unit } from './commit.ts'

export type AccountProblem = {
  code: ErrorCode
  message: string
  hint: string | null
  serverText: string | null
  since: string
}
export type StateFacts = { state: AccountState; problem: AccountProblem | null; retryAt: Date | null }

/**
 * The worker's state onto the row, into the log, and as a line of the health timeline when `event` tells why. An account
 * that comes to rest has nothing under way: the progress that a cut or a crash left behind ends here.
 */
export const storeAccountState = async (
  unit: RawUnit,
  accountId: bigint,
  facts: StateFacts,
  event: { kind: string; text: string } | null,
): Promise<void> => {
  const { state, problem, retryAt } = facts
  // null would mean "not given" to Prisma's JSON columns.
  await unit.tx
    .$executeRaw`UPDATE account SET state = ${state}, problem = ${problem === null ? null : JSON.stringify(problem)}::jsonb, retry_at = ${retryAt},
    progress = CASE WHEN ${state === 'watching'} THEN NULL ELSE progress END WHERE id = ${accountId}`
  if (event) await addSyncEvent(unit, accountId, { ...event, code: problem?.code ?? null })
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
}

export const storeProgress = async (unit: Unit, accountId: bigint, progress: AccountProgress | null): Promise<void> => {
  await unit.tx
    .$executeRaw`UPDATE account SET progress = ${progress === null ? null : JSON.stringify(progress)}::jsonb WHERE id = ${accountId}`
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
}

export type AccountFacts = {
  lastLoginAt?: Date
  loginFailures?: number
  lastSyncedAt?: Date
  lastFullCompareAt?: Date
  nextPollAt?: Date
  /** Of a maildrop; the counts were written by whoever found them changed. */
  listedAt?: string
  capabilities?: Record<string, boolean>
}

/** What is not given stays. */
export const storeAccountFacts = async (unit: RawUnit, accountId: bigint, facts: AccountFacts): Promise<void> => {
  const given = JSON.stringify({
    last_login_at: facts.lastLoginAt,
    login_failures: facts.loginFailures,
    last_synced_at: facts.lastSyncedAt,
    last_full_compare_at: facts.lastFullCompareAt,
    next_poll_at: facts.nextPollAt,
    capabilities: facts.capabilities,
  })
  await unit.tx.$executeRaw`
    UPDATE account a SET (last_login_at, login_failures, last_synced_at, last_full_compare_at, next_poll_at, capabilities) = (SELECT n.last_login_at,
      n.login_failures, n.last_synced_at, n.last_full_compare_at, n.next_poll_at, n.capabilities FROM jsonb_populate_record(a, ${given}::jsonb) n),
      maildrop = maildrop || jsonb_strip_nulls(jsonb_build_object('listedAt', ${facts.listedAt ?? null}::text))
    WHERE a.id = ${accountId}`
}

/** Counts fetched bytes of today; answers what today has seen. The day is the database's. */
export const countBytes = async (unit: RawUnit, accountId: bigint, bytes: number): Promise<bigint> => {
  const rows = await unit.tx.$queryRaw<{ bytes_today: bigint }[]>`
    UPDATE account SET bytes_today = CASE WHEN bytes_day = current_date THEN bytes_today ELSE 0 END + ${bytes}, bytes_day = current_date
    WHERE id = ${accountId} RETURNING bytes_today`
  return rows[0]?.bytes_today ?? 0n
}

export const addSyncEvent = async (
  unit: RawUnit,
  accountId: bigint,
  { kind, code, text }: { kind: string; code: ErrorCode | null; text: string },
): Promise<void> => {
  await unit.tx
    .$executeRaw`INSERT INTO sync_event (account_id, kind, code, text) VALUES (${accountId}, ${kind}, ${code}, ${text})`
}

/** For the lines of the timeline. */
export const countMails = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'mail' : 'mails'}`
