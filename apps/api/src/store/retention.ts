import { dropOctets } from './blobs.ts'
import { sweepDrafts } from './draft-copies.ts'
import type { Store, Tx } from './open-store.ts'
import { sweepTemplates } from './templates.ts'

/**
 * What is kept only for a while: messages without a mailbox, removed mailboxes and the change log for 30 days, finished commands for 90,
 * discarded drafts and removed templates for a day;
 * sessions and failed sign-ins, which anybody can make, for as long as they count (sessions.ts, guess-delay.ts). A message
 * that is still to be removed at its provider stays until then: nothing is removed there that cannot be verified here.
 */
export const sweepOld = async (store: Store): Promise<void> => {
  const rows = await store.prisma.$queryRaw<
    { id: bigint }[]
  >`SELECT m.id FROM message m WHERE m.orphaned_at < now() - interval '30 days' AND NOT EXISTS (
      SELECT 1 FROM pop_ledger l JOIN account a ON a.id = l.account_id
      WHERE l.message_id = m.id AND l.missing_since IS NULL
        AND (l.state IN ('to_delete', 'dele_sent') AND (l.is_copy OR coalesce(a.retrieval -> 'policy' ->> 'kind', 'keep') <> 'keep')
          OR l.state = 'fetched' AND l.fetched_at IS NOT NULL AND a.retrieval -> 'policy' ->> 'kind' IN ('afterDownload', 'afterDays', 'newest'))) LIMIT 5000`
  const ids = rows.map((row) => row.id)
  if (ids.length > 0) await store.prisma.$transaction((tx) => eraseMessages(tx, ids))
  await sweepDrafts(store)
  await sweepTemplates(store)
  await store.prisma.$executeRaw`DELETE FROM removed_mailbox WHERE removed_at < now() - interval '30 days'`
  await store.prisma.$executeRaw`DELETE FROM change WHERE at < now() - interval '30 days'`
  await store.prisma.$executeRaw`
    WITH old AS (DELETE FROM command WHERE finished_at < now() - interval '90 days' RETURNING id)
    DELETE FROM command_target WHERE command_id IN (SELECT id FROM old)`
  await store.prisma.$executeRaw`DELETE FROM auth_failure WHERE last_at < now() - interval '1 hour'`
  await store.prisma
    .$executeRaw`DELETE FROM session WHERE expires_at < now() OR last_seen_at < now() - interval '30 days'`
}

/** Takes messages out with all that hangs on them. Lists and counts are not told: nobody may see these any more. */
export const eraseMessages = async (tx: Tx, ids: bigint[]): Promise<void> => {
  const octets = await tx.$queryRaw<{ blob_id: bigint }[]>`
    SELECT blob_id FROM part WHERE message_id = ANY (${ids}::bigint[]) AND blob_id IS NOT NULL
    UNION SELECT blob_id FROM raw_source WHERE message_id = ANY (${ids}::bigint[])`
  // As uncountTexts, of any account.
  const texts = await tx.$queryRaw<{ account_id: bigint; bytes: bigint }[]>`
    SELECT b.account_id, sum(octet_length(b.text) + coalesce(octet_length(b.html), 0))::bigint AS bytes FROM body b
    WHERE b.message_id = ANY (${ids}::bigint[]) AND NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.message_id = b.message_id) GROUP BY b.account_id`
  await tx.part.deleteMany({ where: { messageId: { in: ids } } })
  await tx.rawSource.deleteMany({ where: { messageId: { in: ids } } })
  await tx.body.deleteMany({ where: { messageId: { in: ids } } })
  await tx.messageSearch.deleteMany({ where: { messageId: { in: ids } } })
  await tx.correspondentUnread.deleteMany({ where: { messageId: { in: ids } } })
  await tx.mailReportRecipient.deleteMany({ where: { messageId: { in: ids } } })
  await tx.receiptAnswer.deleteMany({ where: { messageId: { in: ids } } })
  await tx.mailReport.deleteMany({ where: { messageId: { in: ids } } })
  await tx.placement.deleteMany({ where: { messageId: { in: ids } } })
  await tx.switchHeader.deleteMany({ where: { messageId: { in: ids } } })
  // Known should it ever come again, but nothing is here by which its removal at the provider could be verified.
  await tx.$executeRaw`UPDATE pop_ledger SET fetched_at = NULL WHERE message_id = ANY (${ids}::bigint[])`
  await tx.message.deleteMany({ where: { id: { in: ids } } })
  // Last: the account's row is locked from here on.
  await dropOctets(
    tx,
    octets.map(({ blob_id }) => blob_id),
  )
  for (const { account_id, bytes } of texts)
    await tx.$executeRaw`UPDATE account SET stored_bytes = greatest(0, stored_bytes - ${bytes}) WHERE id = ${account_id}`
}

/** Tells the planner about rows that came in bulk, instead of waiting for the database to notice by itself. */
export const refreshStatistics = (store: Store): Promise<void> =>
  analyze(store, `placement, thread_mailbox, message_ref, thread, ${messageColumns}`)

/** The same for the index of words, and merges what waits in front of it: a search reads that part word by word. */
export const refreshSearchIndex = async (store: Store): Promise<void> => {
  await store.prisma.$queryRaw`SELECT gin_clean_pending_list('message_search_vector_idx')::text`
  await analyze(store, `message_search, ${messageColumns}`)
}

/** What queries choose by. The rest of a message is large, and only carried along. */
const messageColumns = 'message (account_id, thread_id, identity_key, received_at, body_state, orphaned_at)'

/** From a small sample: during a first sync it is done again and again, and a whole one reads as much as the sync wrote. */
const analyze = async (store: Store, what: string): Promise<void> => {
  await store.prisma.$transaction([
    store.prisma.$executeRaw`SET LOCAL default_statistics_target = 20`,
    store.prisma.$executeRawUnsafe(`ANALYZE ${what}`),
  ])
}
