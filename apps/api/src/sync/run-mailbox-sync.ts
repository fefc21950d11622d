import { DELETED, SEEN } from '#mail/flags.ts'
import { chunksOf, formatUidSet } from '#mail/uid-set.ts'
import { type FetchedEnvelope, fetchEnvelopes, fetchNewestEnvelopes } from '#protocol/imap/fetch-envelopes.ts'
import { fetchFlags, searchAllUids } from '#protocol/imap/fetch-flags.ts'
import { type SelectedMailbox, selectMailbox } from '#protocol/imap/select-mailbox.ts'
import type { RawUnit } from '#store/commit.ts'
import { type EnvelopeRow, storeEnvelopes } from '#store/sync-envelopes.ts'
import { readStoredFlags, removeUids, storeFlags } from '#store/sync-flags.ts'
import { dropPlacements, type MailboxCursor, type MailboxRow, saveCursor } from '#store/sync-mailboxes.ts'
import { toEnvelopeRow } from './envelope-row.ts'
import { planMailboxSync, type SyncStep } from './plan-mailbox-sync.ts'
import { type SyncContext, writeBulk } from './sync-context.ts'

/** The first page is stored by itself, so that a new account shows mail at once; then in bulk. */
const firstBatch = 50
const bulkBatch = 1000
const fetchBatch = 125
const flagBatch = 5000
/** More new messages than this at once are logged as "the mailbox grew" instead of row by row. */
const bulkFrom = 100

export type MailboxSyncOptions = {
  trustsModseq: boolean
  isCompareDue: boolean
  onStored?: (stored: number, total: number) => void
}
export type MailboxSyncResult = {
  selected: SelectedMailbox /** A full compare found what the change counter had hidden. */
  isModseqDishonest: boolean
}

/** Selects a mailbox and carries out what the plan says. Every step may be cut off anywhere and run again. */
export const syncMailbox = async (
  context: SyncContext,
  mailbox: MailboxRow,
  options: MailboxSyncOptions,
): Promise<MailboxSyncResult> => {
  const selected = await selectMailbox(context.session, mailbox.path)
  const plan = planMailboxSync(mailbox, selected, options)
  let isModseqDishonest = false
  for (const step of plan) {
    context.logger.debug({ mailboxId: mailbox.id.toString(), step: step.kind, reason: step.reason }, 'sync step')
    if (await runStep(context, mailbox, selected, step, options)) isModseqDishonest = true
  }
  await writeBulk(context, (unit) => saveCursor(unit, mailbox.id, settledCursor(context, mailbox, selected, plan)))
  return { selected, isModseqDishonest }
}

const settledCursor = (
  context: SyncContext,
  mailbox: MailboxRow,
  selected: SelectedMailbox,
  plan: SyncStep[],
): MailboxCursor => ({
  uidValidity: selected.uidValidity,
  // Rows may have been stored by a batch in between; never step back.
  uidNext:
    mailbox.uidValidity === selected.uidValidity && mailbox.uidNext !== null && mailbox.uidNext > selected.uidNext
      ? mailbox.uidNext
      : selected.uidNext,
  highestModseq: selected.highestModseq,
  fillUid: 1n,
  serverMessages: selected.exists,
  permanentFlags: selected.permanentFlags,
  canCreateKeywords: selected.canCreateKeywords,
  isReadOnly: selected.isReadOnly,
  serverId: selected.serverId,
  checkedAt: context.clock.now(),
  ...(plan.some(({ kind }) => kind === 'fullCompare' || kind === 'fill') ? { comparedAt: context.clock.now() } : {}),
})

/** Answers true when a full compare contradicts a change counter that claimed nothing had changed. */
const runStep = async (
  context: SyncContext,
  mailbox: MailboxRow,
  selected: SelectedMailbox,
  step: SyncStep,
  options: MailboxSyncOptions,
): Promise<boolean> => {
  switch (step.kind) {
    case 'reset':
      await startGeneration(context, mailbox)
      return false
    case 'fill':
      await fill(context, mailbox, selected, options)
      return false
    case 'append':
      await append(context, mailbox, step.fromUid)
      return false
    case 'flagsSince':
      await applyFlags(context, mailbox, await fetchFlags(context.session, '1:*', step.modseq))
      return false
    case 'compareUids':
      await compareUids(context, mailbox)
      return false
    case 'fullCompare': {
      const counterClaimsNothing =
        options.trustsModseq && selected.highestModseq !== null && selected.highestModseq === mailbox.highestModseq
      const differences = await fullCompare(context, mailbox)
      return counterClaimsNothing && differences > 0
    }
  }
}

/** UIDVALIDITY changed: uids of the old generation mean nothing. Messages stay and are found again by identity. */
const startGeneration = (context: SyncContext, mailbox: MailboxRow): Promise<void> =>
  writeBulk(context, async (unit) => {
    unit.touchThreadsInBulk(context.accountId, await dropPlacements(unit, [mailbox.id]))
    await saveCursor(unit, mailbox.id, { fillUid: null, uidNext: 0n, highestModseq: null, envelopesStored: 0 })
  })

/**
 * Newest first, from where an earlier fill stopped. The first page is asked for by its place in the mailbox, before the
 * list of all uids, so that a huge mailbox shows mail as soon as a small one; afterwards the next batch is fetched while
 * the last one is being committed.
 */
const fill = async (
  context: SyncContext,
  mailbox: MailboxRow,
  selected: SelectedMailbox,
  options: MailboxSyncOptions,
): Promise<void> => {
  if (selected.exists === 0) return
  let lowest = mailbox.uidValidity === selected.uidValidity ? mailbox.fillUid : null
  let committing: Promise<unknown> = Promise.resolve()
  const store = (rows: EnvelopeRow[]): void => {
    lowest = rows.reduce((least, { uid }) => (least === null || uid < least ? uid : least), lowest)
    const fillUid = lowest
    committing = writeBulk(context, async (unit) => {
      const { threadIds } = await storeEnvelopes(unit, { accountId: context.accountId, mailboxId: mailbox.id }, rows)
      unit.touchThreadsInBulk(context.accountId, threadIds)
      await saveCursor(unit, mailbox.id, {
        uidValidity: selected.uidValidity,
        uidNext: selected.uidNext,
        fillUid,
        serverMessages: selected.exists,
      })
    })
    // It is awaited one batch later; a failure must not count as unhandled until then.
    committing.catch(() => undefined)
  }
  if (lowest === null) store(await collect(context, fetchNewestEnvelopes(context.session, selected.exists, firstBatch)))
  const uids = (await searchAllUids(context.session)).reverse()
  const open = uids.filter((uid) => lowest === null || BigInt(uid) < lowest)
  let stored = uids.length - open.length
  for (const batch of chunksOf(open, bulkBatch)) {
    const rows: EnvelopeRow[] = []
    // In small commands: a long answer keeps the process from noticing that the last commit has gone on.
    for (const part of chunksOf(batch, fetchBatch))
      rows.push(...(await collect(context, fetchEnvelopes(context.session, formatUidSet(part)))))
    await committing
    context.signal.throwIfAborted()
    store(rows)
    stored += batch.length
    options.onStored?.(stored, uids.length)
    await context.yieldToCommands()
  }
  await committing
}

const collect = async (context: SyncContext, envelopes: AsyncGenerator<FetchedEnvelope>): Promise<EnvelopeRow[]> => {
  const rows: EnvelopeRow[] = []
  const now = context.clock.now()
  for await (const fetched of envelopes) rows.push(toEnvelopeRow(fetched, now))
  return rows
}

/** Messages from a uid on. `uid:*` always names the last message, so older ones are left out (RFC 9051 sequence-set). */
const append = async (context: SyncContext, mailbox: MailboxRow, fromUid: bigint): Promise<void> => {
  const found: FetchedEnvelope[] = []
  for await (const fetched of fetchEnvelopes(context.session, `${fromUid}:*`))
    if (BigInt(fetched.uid) >= fromUid) found.push(fetched)
  await storeNew(context, mailbox, found)
}

const storeNew = async (context: SyncContext, mailbox: MailboxRow, found: FetchedEnvelope[]): Promise<void> => {
  const now = context.clock.now()
  for (const batch of chunksOf(found, bulkBatch)) {
    const rows = batch.map((fetched) => toEnvelopeRow(fetched, now))
    await writeBulk(context, async (unit) => {
      const { threadIds, newUids } = await storeEnvelopes(
        unit,
        { accountId: context.accountId, mailboxId: mailbox.id },
        rows,
      )
      if (rows.length > bulkFrom) unit.touchThreadsInBulk(context.accountId, threadIds)
      else unit.touchThreads(context.accountId, threadIds)
      const highest = rows.reduce((top, row) => (row.uid > top ? row.uid : top), 0n)
      await saveCursor(unit, mailbox.id, { uidNext: highest + 1n })
      await announce(
        unit,
        context,
        mailbox,
        rows.filter((row) => newUids.has(row.uid)),
      )
    })
  }
}

/** New unseen mail in the inbox deserves a notice. */
const announce = async (
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

type FlagFact = { uid: number; flags: { bits: number; keywords: string[] }; modseq: bigint }

const applyFlags = async (context: SyncContext, mailbox: MailboxRow, facts: FlagFact[]): Promise<void> => {
  for (const batch of chunksOf(facts, flagBatch)) {
    const rows = batch.map(({ uid, flags, modseq }) => ({
      uid: BigInt(uid),
      bits: flags.bits,
      keywords: flags.keywords,
      modseq,
    }))
    await writeBulk(context, async (unit) => {
      unit.touchThreads(
        context.accountId,
        await storeFlags(unit, { accountId: context.accountId, mailboxId: mailbox.id }, rows),
      )
    })
    await context.yieldToCommands()
  }
}

const remove = async (context: SyncContext, mailbox: MailboxRow, uids: bigint[]): Promise<void> => {
  for (const batch of chunksOf(uids, flagBatch))
    await writeBulk(context, async (unit) => {
      unit.touchThreads(
        context.accountId,
        await removeUids(unit, { accountId: context.accountId, mailboxId: mailbox.id }, batch),
      )
    })
}

/** Finds what was expunged or was missed, by the list of uids alone. */
const compareUids = async (context: SyncContext, mailbox: MailboxRow): Promise<number> => {
  const [serverUids, stored] = [
    await searchAllUids(context.session),
    await context.store.readSystem((tx) => readStoredFlags(tx, mailbox.id)),
  ]
  const there = new Set(serverUids.map(BigInt))
  const gone = [...stored.keys()].filter((uid) => !there.has(uid))
  const missing = serverUids.filter((uid) => !stored.has(BigInt(uid)))
  await remove(context, mailbox, gone)
  for (const batch of chunksOf(missing, bulkBatch)) {
    const found: FetchedEnvelope[] = []
    for await (const fetched of fetchEnvelopes(context.session, formatUidSet(batch))) found.push(fetched)
    await storeNew(context, mailbox, found)
  }
  await writeBulk(context, (unit) => saveCursor(unit, mailbox.id, { envelopesStored: serverUids.length }))
  return gone.length + missing.length
}

/** Every uid and its flags against ours: the check behind every fast path. Answers how many differed. */
const fullCompare = async (context: SyncContext, mailbox: MailboxRow): Promise<number> => {
  const moved = await compareUids(context, mailbox)
  const facts = await fetchFlags(context.session, '1:*')
  const stored = await context.store.readSystem((tx) => readStoredFlags(tx, mailbox.id))
  const different = facts.filter(({ uid, flags }) => {
    const ours = stored.get(BigInt(uid))
    return ours && (ours.bits !== flags.bits || ours.keywords !== flags.keywords.join(' '))
  })
  await applyFlags(context, mailbox, different)
  return moved + different.length
}
