import type { ServerSettings } from '@postern/shared/accounts.ts'
import type { Amount } from '@postern/shared/retrieval.ts'
import { AppError } from '#platform/errors.ts'
import { sealPassword } from './account-credentials.ts'
import { addSyncEvent } from './account-state.ts'
import { type AccountRow, listDisconnected } from './accounts.ts'
import type { Unit } from './commit.ts'
import type { Tx } from './open-store.ts'
import { isUnlisted } from './pop-ledger.ts'
import { failWaiting } from './submissions.ts'

export type KeptAccount = { row: AccountRow; mails: number; bytes: number; unlisted: Amount }

/** What is kept of the accounts that a person disconnected: each mail that lies in a mailbox; `unlisted` by its last look. */
export const countKept = async (tx: Tx, userId: bigint): Promise<KeptAccount[]> => {
  const rows = await listDisconnected(tx, userId)
  const counts = await tx.$queryRaw<(Amount & { account_id: bigint; unlisted: number; unlisted_bytes: number })[]>`
    SELECT m.account_id, count(*)::int AS mails, coalesce(sum(m.size_bytes), 0)::float8 AS bytes,
      (count(*) FILTER (WHERE u.it))::int AS unlisted, coalesce(sum(m.size_bytes) FILTER (WHERE u.it), 0)::float8 AS unlisted_bytes
    FROM message m CROSS JOIN LATERAL (SELECT ${isUnlisted} AS it) u
    WHERE m.account_id = ANY (${rows.map(({ id }) => id)}::bigint[]) AND EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id)
    GROUP BY m.account_id`
  const of = new Map(counts.map((count) => [count.account_id, count]))
  return rows.map((row) => {
    const { mails = 0, bytes = 0, unlisted = 0, unlisted_bytes = 0 } = of.get(row.id) ?? {}
    return { row, mails, bytes, unlisted: { mails: unlisted, bytes: unlisted_bytes } }
  })
}

/** Whether it holds a mail that could be found again by its Message-ID. */
export const hasNamedMails = async (tx: Tx, accountId: bigint): Promise<boolean> =>
  (await tx.message.findFirst({
    where: { accountId, messageIdHash: { not: null }, orphanedAt: null },
    select: { id: true },
  })) !== null

/**
 * Its password went when it was disconnected. `isMoved`: it comes back at another server or as somebody else, whose password
 * the server it sent with is not to see. Throws request.conflict when it is connected, or being erased.
 */
export const takeUpAgain = async (
  unit: Unit,
  { id, userId, outgoing, usesRelay }: AccountRow,
  { isMoved }: { isMoved: boolean },
): Promise<void> => {
  const position = await unit.tx.account.count({ where: { userId, disconnectedAt: null } })
  const { count } = await unit.tx.account.updateMany({
    where: { id, state: 'disconnected', disconnectedAt: { not: null } },
    data: { disconnectedAt: null, isPaused: false, state: 'new', position, loginFailures: 0, retryAt: null },
  })
  if (count === 0) throw new AppError('request.conflict', 'This account is not disconnected any more.')
  // Prisma has no null for JSON columns that could be meant here.
  await unit.tx
    .$executeRaw`UPDATE account SET problem = NULL, progress = NULL, outgoing = CASE WHEN ${isMoved} THEN NULL ELSE outgoing END WHERE id = ${id}`
  await failWaiting(unit, id)
  const sending =
    !usesRelay && (isMoved || outgoing === null) ? ' It sends nothing until a server to send with is entered.' : ''
  await addSyncEvent(unit, id, { kind: 'connect', code: null, text: `The account was connected again.${sending}` })
  unit.log({ userId }, { kind: 'account', accountId: id.toString() })
  unit.wakeEngine(id)
}

export const setIncoming = async (
  { tx }: Unit,
  account: AccountRow,
  {
    incoming,
    password,
    masterKey,
    isPrivateHost,
  }: { incoming: ServerSettings; password: string; masterKey: Buffer; isPrivateHost: boolean },
): Promise<void> => {
  const credential = sealPassword(masterKey, account, password, 'credential')
  await tx.account.update({ where: { id: account.id }, data: { incoming, credential, isPrivateHost } })
}
