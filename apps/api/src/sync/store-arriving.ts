import { chunksOf, formatUidSet } from '#mail/uid-set.ts'
import { type FetchedEnvelope, fetchEnvelopes, isMisread } from '#protocol/imap/fetch-envelopes.ts'
import { fetchFlags } from '#protocol/imap/fetch-flags.ts'
import { type EnvelopeRow, storeEnvelopes } from '#store/sync-envelopes.ts'
import { type MailboxRow, saveCursor } from '#store/sync-mailboxes.ts'
import { announceArrivals } from './announce-arrivals.ts'
import { collectEnvelopes, readMisread, toRows, type Written } from './collect-envelopes.ts'
import { type SyncContext, writeBulk } from './sync-context.ts'

/** More new messages than this at once are logged as "the mailbox grew" instead of row by row. */
const bulkFrom = 100
const bulkBatch = 1000

export type Arrivals = {
  context: SyncContext
  mailbox: MailboxRow
  /** Above every uid stored so far. */
  uidNext: bigint
  heldFrom?: number | undefined
}

/** In batches, so that nothing fills the memory. What is asked for once more waits until all have come, the cursor before it. */
export const storeAsTheyCome = async (run: Arrivals, uidSet: string, fromUid: bigint): Promise<void> => {
  if (run.context.isSwitching()) return storeInTurns(run, uidSet, fromUid)
  let found: FetchedEnvelope[] = []
  const misread: FetchedEnvelope[] = []
  for await (const fetched of fetchEnvelopes(run.context.session, uidSet)) {
    if (BigInt(fetched.uid) < fromUid) continue
    if (misread.length < bulkBatch && isMisread(fetched)) misread.push(fetched)
    else found.push(fetched)
    if (found.length < bulkBatch) continue
    run.heldFrom = misread[0]?.uid
    await storeNew(run, found, new Map())
    found = []
  }
  run.heldFrom = undefined
  await storeNew(run, [...found, ...misread], await readMisread(run.context, misread))
}

/**
 * While the account changes its protocol the server may be asked about any mail once more before that is stored, and no FETCH
 * may be under way then: the second one would wait for the end of the first, and that for its reader.
 */
const storeInTurns = async (run: Arrivals, uidSet: string, fromUid: bigint): Promise<void> => {
  const { context, mailbox } = run
  const there = await fetchFlags(context.session, uidSet)
  const uids = there.flatMap(({ uid }) => (BigInt(uid) < fromUid ? [] : uid)).sort((a, b) => a - b)
  for (const batch of chunksOf(uids, bulkBatch)) {
    const envelopes = fetchEnvelopes(context.session, formatUidSet(batch))
    await storeRows(run, await collectEnvelopes(context, mailbox.id, envelopes))
  }
}

const storeNew = async (run: Arrivals, found: FetchedEnvelope[], written: Written): Promise<void> => {
  for (const batch of chunksOf(found, bulkBatch))
    await storeRows(run, await toRows(run.context, run.mailbox.id, batch, written))
}

const storeRows = async (run: Arrivals, rows: EnvelopeRow[]): Promise<void> => {
  if (rows.length === 0) return
  const { context, mailbox } = run
  const place = { accountId: context.accountId, mailboxId: mailbox.id }
  const next = rows.reduce((least, { uid }) => (uid >= least ? uid + 1n : least), run.uidNext)
  run.uidNext = run.heldFrom !== undefined && next > run.heldFrom ? BigInt(run.heldFrom) : next
  await writeBulk(context, async (unit) => {
    const { threadIds, newUids } = await storeEnvelopes(unit, place, rows)
    if (rows.length > bulkFrom) unit.touchThreadsInBulk(context.accountId, threadIds)
    else unit.touchThreads(context.accountId, threadIds)
    await saveCursor(unit, mailbox.id, { uidNext: run.uidNext })
    await announceArrivals(
      unit,
      context,
      mailbox,
      rows.filter((row) => newUids.has(row.uid)),
    )
  })
}
