import type { RawUnit } from './commit.ts'
import { holdAccount, recountParts } from './maildrop-parts.ts'

/**
 * What a person wants of a maildrop, written into its ledger for the next look to carry out: nothing here asks a server.
 * The counts that are shown (account.maildrop) follow at once; the next look counts everything anew.
 */

/**
 * Mails that were just deleted for good here: where the person wants it so, they may go at the provider too. Not as long as
 * the mail has another place here, and not what is here in part only, of which nobody needs the rest any more. What stays there
 * on the person's word, or was never here whole, stays whatever policy is chosen later. Answers how many wait for the next look.
 */
export const releaseDeletedHere = async (unit: RawUnit, accountId: bigint, messageIds: bigint[]): Promise<number> => {
  await holdAccount(unit, accountId)
  const released = await unit.tx.$queryRaw<Listed[]>`
    UPDATE pop_ledger l SET state = 'to_delete' WHERE l.account_id = ${accountId} AND l.message_id = ANY (${messageIds}::bigint[])
      AND l.state = 'fetched' AND l.is_whole AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = l.message_id)
      AND EXISTS (SELECT 1 FROM account a WHERE a.id = ${accountId} AND a.retrieval -> 'policy' ->> 'kind' = 'whenDeletedHere')
    RETURNING l.is_copy, l.missing_since`
  await unit.tx.$executeRaw`
    UPDATE pop_ledger l SET wants_whole = false WHERE l.account_id = ${accountId} AND l.message_id = ANY (${messageIds}::bigint[])
      AND l.wants_whole AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = l.message_id)`
  const kept = await unit.tx.$queryRaw<Listed[]>`
    UPDATE pop_ledger l SET fetched_at = NULL FROM account a WHERE a.id = l.account_id AND l.account_id = ${accountId} AND l.message_id = ANY (${messageIds}::bigint[])
      AND l.state = 'fetched' AND l.fetched_at IS NOT NULL AND (NOT l.is_whole OR coalesce(a.retrieval -> 'policy' ->> 'kind', 'keep') = 'keep')
      AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = l.message_id) RETURNING l.is_copy AND l.is_whole AS is_copy, l.missing_since`
  const listed = released.filter(isListed)
  const staying = kept.filter(isListed)
  const copies = [...listed, ...staying].filter(({ is_copy }) => is_copy)
  await countWaiting(unit, accountId, { waiting: listed.length, copies: -copies.length, onlyThere: staying.length })
  await recountParts(unit, accountId, null)
  return listed.length
}

type Listed = { is_copy: boolean; missing_since: Date | null }
const isListed = ({ missing_since }: Listed): boolean => missing_since === null

/** Copies the person lets go: the next look removes those of which the same octets are here. Answers how many. */
export const releaseCopies = async (unit: RawUnit, accountId: bigint): Promise<number> => {
  await holdAccount(unit, accountId)
  const mails = await unit.tx.$executeRaw`
    UPDATE pop_ledger SET state = 'to_delete' WHERE account_id = ${accountId} AND is_copy AND is_whole AND state = 'fetched'
      AND fetched_at IS NOT NULL AND missing_since IS NULL`
  await countWaiting(unit, accountId, { waiting: mails, copies: -mails, onlyThere: 0 })
  return mails
}

/** What was marked was not waiting before: no policy marks a copy, and none but `whenDeletedHere` knows of deletions. */
const countWaiting = async (
  unit: RawUnit,
  accountId: bigint,
  { waiting, copies, onlyThere }: { waiting: number; copies: number; onlyThere: number },
): Promise<void> => {
  if (waiting === 0 && copies === 0 && onlyThere === 0) return
  await unit.tx.$executeRaw`
    UPDATE account SET maildrop = maildrop || jsonb_build_object('waiting', coalesce((maildrop ->> 'waiting')::int, 0) + ${waiting}::int,
      'copies', greatest(0, coalesce((maildrop ->> 'copies')::int, 0) + ${copies}::int),
      'onlyThere', coalesce((maildrop ->> 'onlyThere')::int, 0) + ${onlyThere}::int) WHERE id = ${accountId} AND maildrop IS NOT NULL`
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
}
