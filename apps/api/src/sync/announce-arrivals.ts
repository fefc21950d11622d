import { DELETED, SEEN } from '#mail/flags.ts'
import type { RawUnit } from '#store/commit.ts'
import type { EnvelopeRow, MailboxPlace } from '#store/sync-envelopes.ts'
import type { MailboxRow } from '#store/sync-mailboxes.ts'
import type { SyncContext } from './sync-context.ts'

/** A notice tells of so many conversations at most. */
const mostTold = 50

/** New unseen mail in the inbox deserves a notice. */
export const announceArrivals = async (
  unit: RawUnit,
  { accountId }: Pick<SyncContext, 'accountId'>,
  mailbox: MailboxRow,
  rows: EnvelopeRow[],
): Promise<void> => {
  if ((mailbox.chosenRole ?? mailbox.role) !== 'inbox') return
  const unseen = rows.filter((row) => !(row.bits & (SEEN | DELETED)))
  const place = { accountId, mailboxId: mailbox.id }
  await announceUids(
    unit,
    place,
    unseen.map(({ uid }) => uid),
  )
}

/** `since`: what came earlier is no news. */
export const announceUids = async (
  unit: RawUnit,
  { accountId, mailboxId }: MailboxPlace,
  uids: bigint[],
  since: Date | null = null,
): Promise<void> => {
  if (uids.length === 0) return
  const threads = await unit.tx.$queryRaw<{ thread_id: bigint }[]>`
    SELECT DISTINCT thread_id FROM placement WHERE mailbox_id = ${mailboxId} AND uid = ANY (${uids}::bigint[])
      AND received_at >= coalesce(${since}::timestamptz, '-infinity') LIMIT ${mostTold}::int`
  if (threads.length === 0) return
  const threadIds = threads.map((row) => row.thread_id.toString())
  unit.log({ accountId }, { kind: 'arrived', mailboxId: mailboxId.toString(), threadIds })
}
