import { DELETED, SEEN } from '#mail/flags.ts'
import type { RawUnit } from '#store/commit.ts'
import type { EnvelopeRow } from '#store/sync-envelopes.ts'
import type { MailboxRow } from '#store/sync-mailboxes.ts'
import type { SyncContext } from './sync-context.ts'

/** New unseen mail in the inbox deserves a notice. */
export const announceArrivals = async (
  unit: RawUnit,
  context: SyncContext,
  mailbox: MailboxRow,
  rows: EnvelopeRow[],
): Promise<void> => {
  if ((mailbox.chosenRole ?? mailbox.role) !== 'inbox') return
  const unseen = rows.filter((row) => !(row.bits & (SEEN | DELETED)))
  if (unseen.length === 0) return
  const threads = await unit.tx.$queryRaw<{ thread_id: bigint }[]>`
    SELECT DISTINCT thread_id FROM placement WHERE mailbox_id = ${mailbox.id} AND uid = ANY (${unseen.slice(0, 50).map((row) => row.uid)}::bigint[])`
  unit.log(
    { accountId: context.accountId },
    { kind: 'arrived', mailboxId: mailbox.id.toString(), threadIds: threads.map((row) => row.thread_id.toString()) },
  )
}
