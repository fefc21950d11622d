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

/** The worker's state onto the row, into the log, and as a line of the health timeline when `event` tells why. */
export const storeAccountState = async (
  unit: Unit,
  accountId: bigint,
  facts: StateFacts,
  event: { kind: string; text: string } | null,
): Promise<void> => {
  const { state, problem, retryAt } = facts
  // null would mean "not given" to Prisma's JSON columns.
  await unit.tx
    .$executeRaw`UPDATE account SET state = ${state}, problem = ${problem === null ? null : JSON.stringify(problem)}::jsonb, retry_at = ${retryAt} WHERE id = ${accountId}`
  if (event)
    await unit.tx.syncEvent.create({
      data: { accountId, kind: event.kind, code: problem?.code ?? null, text: event.text },
    })
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
  capabilities?: Record<string, boolean>
}

export const storeAccountFacts = async (unit: Unit, accountId: bigint, facts: AccountFacts): Promise<void> => {
  await unit.tx.account.update({ where: { id: accountId }, data: facts })
}

/** Counts fetched bytes of today; answers what today has seen. The day is the database's. */
export const countBytes = async (unit: RawUnit, accountId: bigint, bytes: number): Promise<bigint> => {
  const rows = await unit.tx.$queryRaw<{ bytes_today: bigint }[]>`
    UPDATE account SET bytes_today = CASE WHEN bytes_day = current_date THEN bytes_today ELSE 0 END + ${bytes}, bytes_day = current_date,
      stored_bytes = stored_bytes + ${bytes}
    WHERE id = ${accountId} RETURNING bytes_today`
  return rows[0]?.bytes_today ?? 0n
}

export const addSyncEvent = async (
  unit: Unit,
  accountId: bigint,
  event: { kind: string; code: ErrorCode | null; text: string },
): Promise<void> => {
  await unit.tx.syncEvent.create({ data: { accountId, ...event } })
}
