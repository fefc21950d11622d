import { maxMessageBytes } from '@postern/shared/retrieval.ts'
import { AppError } from '#platform/errors.ts'
import type { RawUnit } from './commit.ts'

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
  const released = await unit.tx.$queryRaw<{ is_copy: boolean; missing_since: Date | null }[]>`
    UPDATE pop_ledger l SET state = 'to_delete' WHERE l.account_id = ${accountId} AND l.message_id = ANY (${messageIds}::bigint[])
      AND l.state = 'fetched' AND l.is_whole AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = l.message_id)
      AND EXISTS (SELECT 1 FROM account a WHERE a.id = ${accountId} AND a.retrieval -> 'policy' ->> 'kind' = 'whenDeletedHere')
    RETURNING l.is_copy, l.missing_since`
  await unit.tx.$executeRaw`
    UPDATE pop_ledger l SET wants_whole = false WHERE l.account_id = ${accountId} AND l.message_id = ANY (${messageIds}::bigint[])
      AND l.wants_whole AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = l.message_id)`
  await unit.tx.$executeRaw`
    UPDATE pop_ledger l SET fetched_at = NULL FROM account a WHERE a.id = l.account_id AND l.account_id = ${accountId} AND l.message_id = ANY (${messageIds}::bigint[])
      AND l.state = 'fetched' AND (NOT l.is_whole OR coalesce(a.retrieval -> 'policy' ->> 'kind', 'keep') = 'keep')
      AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = l.message_id)`
  const listed = released.filter(({ missing_since }) => missing_since === null)
  const copies = listed.filter(({ is_copy }) => is_copy)
  await countWaiting(unit, accountId, { waiting: listed.length, copies: -copies.length })
  return listed.length
}

/** Copies the person lets go: the next look removes those of which the same octets are here. Answers how many. */
export const releaseCopies = async (unit: RawUnit, accountId: bigint): Promise<number> => {
  const mails = await unit.tx.$executeRaw`
    UPDATE pop_ledger SET state = 'to_delete' WHERE account_id = ${accountId} AND is_copy AND is_whole AND state = 'fetched'
      AND fetched_at IS NOT NULL AND missing_since IS NULL`
  await countWaiting(unit, accountId, { waiting: mails, copies: -mails })
  return mails
}

/** The person wants the rest of a mail of which only the header is here. Throws message.gone, message.too_large. */
export const wantRest = async (unit: RawUnit, accountId: bigint, messageId: bigint): Promise<void> => {
  const listed = await unit.tx.$queryRaw<{ is_takable: boolean }[]>`
    UPDATE pop_ledger SET wants_whole = NOT is_too_large AND size_bytes <= ${maxMessageBytes}
    WHERE account_id = ${accountId} AND message_id = ${messageId} AND state = 'fetched' AND NOT is_whole AND missing_since IS NULL
    RETURNING wants_whole AS is_takable`
  if (listed.length === 0) throw new AppError('message.gone', 'The rest of this mail is no longer at the provider.')
  if (!listed.some(({ is_takable }) => is_takable))
    throw new AppError(
      'message.too_large',
      `This mail is larger than ${maxMessageBytes / 1024 / 1024} MB, too large to be kept here.`,
      { hint: 'It stays at the provider: open it on the provider’s own pages, or in a mail program.' },
    )
}

/** What was marked was not waiting before: no policy marks a copy, and none but `whenDeletedHere` knows of deletions. */
const countWaiting = async (
  unit: RawUnit,
  accountId: bigint,
  { waiting, copies }: { waiting: number; copies: number },
): Promise<void> => {
  if (waiting === 0 && copies === 0) return
  await unit.tx.$executeRaw`
    UPDATE account SET maildrop = maildrop || jsonb_build_object('waiting', coalesce((maildrop ->> 'waiting')::int, 0) + ${waiting}::int,
      'copies', greatest(0, coalesce((maildrop ->> 'copies')::int, 0) + ${copies}::int)) WHERE id = ${accountId} AND maildrop IS NOT NULL`
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
}
