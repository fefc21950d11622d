import { chunksOf, countUids, formatUidSet, newestFirst, type UidRange } from '#mail/uid-set.ts'
import { fetchEnvelopes, fetchNewestEnvelopes } from '#protocol/imap/fetch-envelopes.ts'
import { fetchFlags, searchAllUids } from '#protocol/imap/fetch-flags.ts'
import { readRights } from '#protocol/imap/read-rights.ts'
import { type SelectedMailbox, selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { countStoredUids, findGoneUids, readStoredCount, readStoredUids } from '#store/compare-uids.ts'
import { type EnvelopeRow, storeEnvelopes } from '#store/sync-envelopes.ts'
import { readStoredFlags, removeUids, storeFlags } from '#store/sync-flags.ts'
import { endDetached, type MailboxCursor, type MailboxRow, saveCursor, startNewLife } from '#store/sync-mailboxes.ts'
import { collectEnvelopes } from './collect-envelopes.ts'
import { planMailboxSync, type SyncStep } from './plan-mailbox-sync.ts'
import { type Arrivals, storeAsTheyCome } from './store-arriving.ts'
import { type SyncContext, writeBulk } from './sync-context.ts'

/** The first page is stored by itself, so that a new account shows mail at once; then in bulk. */
const firstBatch = 50
const bulkBatch = 1000
const fetchBatch = 125
const flagBatch = 5000

export type MailboxSyncOptions = {
  trustsModseq: boolean
  isCompareDue: boolean
  areFlagsDue: boolean
  /** It is the selected one, and nothing but arrivals was told of since it was in step. */
  mayAppend?: boolean
  onStored?: (stored: number, total: number) => void
}
export type MailboxSyncResult = {
  /** A full compare found what the change counter had hidden. */
  isModseqDishonest: boolean
}
/** One run over one mailbox. */
type Run = {
  context: SyncContext
  mailbox: MailboxRow
  selected: SelectedMailbox
  options: MailboxSyncOptions
  /** Above every uid stored so far. */
  uidNext: bigint
}

/** Selects a mailbox and carries out what the plan says. Every step may be cut off anywhere and run again. */
export const syncMailbox = async (
  context: SyncContext,
  mailbox: MailboxRow,
  options: MailboxSyncOptions,
): Promise<MailboxSyncResult> => {
  if (options.mayAppend && (await appendArrivals(context, mailbox))) return { isModseqDishonest: false }
  const selected = await selectMailbox(context.session, mailbox.path)
  const plan = planMailboxSync(mailbox, selected, options)
  const isSameLife = plan[0]?.kind !== 'reset'
  const uidNext = isSameLife && mailbox.uidNext !== null ? mailbox.uidNext : 0n
  const run: Run = { context, mailbox, selected, options, uidNext }
  let isModseqDishonest = false
  for (const step of plan) {
    context.logger.debug({ mailboxId: mailbox.id.toString(), step: step.kind, reason: step.reason }, 'sync step')
    if (await runStep(run, step)) isModseqDishonest = true
  }
  const rights = await dueRights(run)
  const isFilled = plan.some(({ kind }) => kind === 'fill')
  const cursor = { ...settledCursor(run, plan), ...rights }
  if (plan.length === 0 && isStored(mailbox, cursor)) return { isModseqDishonest }
  await writeBulk(context, async (unit) => {
    if (isFilled) unit.touchThreads(context.accountId, await endDetached(unit, mailbox.id))
    await saveCursor(unit, mailbox.id, cursor)
    if (areRightsNew(mailbox, cursor))
      unit.log(
        { accountId: context.accountId },
        { kind: 'mailboxes', mailboxIds: [mailbox.id.toString()], removed: [] },
      )
  })
  return { isModseqDishonest }
}

/**
 * The newest messages of a mailbox that was never read, before anything else is asked of the server. What follows is as
 * if a fill had been cut off there.
 */
export const syncFirstPage = async (context: SyncContext, mailbox: MailboxRow): Promise<void> => {
  const selected = await selectMailbox(context.session, mailbox.path)
  if (selected.exists === 0) return
  const rows = await collectEnvelopes(
    context,
    mailbox.id,
    fetchNewestEnvelopes(context.session, selected.exists, firstBatch),
  )
  const [first] = rows
  if (!first) return
  const lowest = rows.reduce((least, { uid }) => (uid < least ? uid : least), first.uid)
  await writeBulk(context, async (unit) => {
    const { threadIds } = await storeEnvelopes(unit, { accountId: context.accountId, mailboxId: mailbox.id }, rows)
    unit.touchThreadsInBulk(context.accountId, threadIds)
    await saveCursor(unit, mailbox.id, {
      uidValidity: selected.uidValidity,
      uidNext: selected.uidNext,
      highestModseq: selected.highestModseq,
      // Never complete: the whole sync that follows also learns what the mailbox allows.
      fillUid: lowest > 1n ? lowest : 2n,
      serverMessages: selected.exists,
    })
  })
}

/** Servers do not tell when rights change: they are read at first, and whenever everything is compared. */
const dueRights = async ({ context, mailbox, options }: Run): Promise<MailboxCursor> => {
  if (!context.session.capabilities.acl || (mailbox.rights !== null && !options.isCompareDue)) return {}
  return { rights: await readRights(context.session, mailbox.path) }
}

/** Nothing but the time of the look is new: most mailboxes of an account that comes back. */
const isStored = (mailbox: MailboxRow, { checkedAt: _, ...cursor }: MailboxCursor): boolean =>
  // A cursor's fields are columns of the row.
  Object.entries(cursor).every(([column, value]) => String(mailbox[column as keyof MailboxRow]) === String(value))

/** What decides which buttons work. */
const areRightsNew = (mailbox: MailboxRow, { rights, isReadOnly, permanentFlags, canCreateKeywords }: MailboxCursor) =>
  (rights !== undefined && rights !== mailbox.rights) ||
  isReadOnly !== mailbox.isReadOnly ||
  canCreateKeywords !== mailbox.canCreateKeywords ||
  permanentFlags?.join(' ') !== mailbox.permanentFlags.join(' ')

const settledCursor = ({ context, mailbox, selected, uidNext }: Run, plan: SyncStep[]): MailboxCursor => ({
  // What the server leaves out now and then is kept.
  uidValidity: selected.uidValidity || (mailbox.uidValidity ?? 0n),
  uidNext: uidNext > selected.uidNext ? uidNext : selected.uidNext,
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

/** Answers true when a full compare contradicts a change counter that was believed. */
const runStep = async (run: Run, step: SyncStep): Promise<boolean> => {
  switch (step.kind) {
    case 'reset':
      await startGeneration(run)
      return false
    case 'fill':
      await fill(run)
      return false
    case 'append':
      await append(run, step.fromUid)
      return false
    case 'flagsSince':
      await flagsSince(run, step.modseq)
      return false
    case 'countAgain':
      await countAgain(run)
      return false
    case 'compareFlags':
      await compareFlags(run)
      return false
    case 'fullCompare': {
      const differences = await compareUids(run)
      const hidden = await compareFlags(run)
      const isBelieved = run.options.trustsModseq && run.selected.highestModseq !== null
      return isBelieved && (hidden > 0 || (differences > 0 && numbersAgree(run)))
    }
  }
}

const flagsSince = async (run: Run, modseq: bigint): Promise<void> => {
  const facts = await fetchFlags(run.context.session, '1:*', modseq)
  await applyFlags(run, facts)
  // News of a message nobody announced: without UIDNEXT the number of messages alone need not tell.
  if (facts.some(({ uid }) => BigInt(uid) >= run.uidNext)) await compareUids(run)
}

/** Whether every number said that nothing had changed, and still does: expunges alone are told by no change counter. */
const numbersAgree = ({ context, mailbox, selected }: Run): boolean => {
  const { mailbox: open } = context.session.flow
  return (
    selected.highestModseq === mailbox.highestModseq &&
    selected.exists === mailbox.envelopesStored &&
    open !== false &&
    open.exists === selected.exists
  )
}

/**
 * UIDVALIDITY changed: uids of the old generation mean nothing. Messages stay and are found again by identity; what a
 * command still waits for keeps its row, without a uid, until the message turns up or the new generation is complete.
 */
const startGeneration = ({ context, mailbox }: Run): Promise<void> =>
  writeBulk(context, async (unit) => {
    unit.touchThreadsInBulk(context.accountId, await startNewLife(unit, mailbox.id))
    await saveCursor(unit, mailbox.id, { fillUid: null, uidNext: 0n, highestModseq: null, envelopesStored: 0 })
  })

/**
 * Newest first, from where an earlier fill stopped. The first page is asked for by its place in the mailbox, before the
 * list of all uids, so that a huge mailbox shows mail as soon as a small one; afterwards the next batch is fetched while
 * the last one is being committed.
 */
const fill = async (run: Run): Promise<void> => {
  const { context, mailbox, selected, options } = run
  let lowest = mailbox.uidValidity === selected.uidValidity ? mailbox.fillUid : null
  let committing: Promise<unknown> = Promise.resolve()
  const store = (rows: EnvelopeRow[]): void => {
    for (const { uid } of rows) {
      lowest = lowest === null || uid < lowest ? uid : lowest
      run.uidNext = uid >= run.uidNext ? uid + 1n : run.uidNext
    }
    const fillUid = lowest
    const { uidNext } = run
    committing = writeBulk(context, async (unit) => {
      const { threadIds } = await storeEnvelopes(unit, { accountId: context.accountId, mailboxId: mailbox.id }, rows)
      unit.touchThreadsInBulk(context.accountId, threadIds)
      await saveCursor(unit, mailbox.id, {
        uidValidity: selected.uidValidity,
        uidNext: uidNext > selected.uidNext ? uidNext : selected.uidNext,
        fillUid,
        serverMessages: selected.exists,
      })
    })
    // It is awaited one batch later; a failure must not count as unhandled until then.
    committing.catch(() => undefined)
  }
  if (lowest === null && selected.exists > 0)
    store(
      await collectEnvelopes(context, mailbox.id, fetchNewestEnvelopes(context.session, selected.exists, firstBatch)),
    )
  const uids = selected.exists === 0 ? [] : newestFirst(await searchAllUids(context.session))
  const open = uids.filter((uid) => lowest === null || BigInt(uid) < lowest)
  let stored = uids.length - open.length
  let known = selected.exists
  for (const batch of chunksOf(open, bulkBatch)) {
    const rows: EnvelopeRow[] = []
    // In small commands: a long answer keeps the process from noticing that the last commit has gone on.
    for (const part of chunksOf(batch, fetchBatch))
      rows.push(...(await collectEnvelopes(context, mailbox.id, fetchEnvelopes(context.session, formatUidSet(part)))))
    await committing
    context.signal.throwIfAborted()
    store(rows)
    stored += batch.length
    options.onStored?.(stored, uids.length)
    await context.yieldToCommands()
    known = await takeArrivals(run, known)
  }
  await committing
}

/** What comes in while old mail is being read is not kept waiting for the end of that. Answers how many messages are known now. */
const takeArrivals = async (run: Run, known: number): Promise<number> => {
  const open = run.context.session.flow.mailbox
  if (open === false || run.context.session.selectedPath() !== run.mailbox.path || open.exists <= known) return known
  const { exists } = open
  await storeAsTheyCome(run, `${run.uidNext}:*`, run.uidNext)
  return exists
}

/** Messages from a uid on. `uid:*` always names the last message, so older ones are left out (RFC 9051 sequence-set). */
const append = async (run: Run, fromUid: bigint): Promise<void> => {
  await storeAsTheyCome(run, `${fromUid}:*`, fromUid)
}

/**
 * New mail in the mailbox that is selected already: one FETCH. To SELECT a large mailbox anew makes some servers read its
 * whole directory. Answers false when the numbers do not come out; then only a whole sync tells why.
 */
const appendArrivals = async (context: SyncContext, mailbox: MailboxRow): Promise<boolean> => {
  const { flow } = context.session
  const open = flow.mailbox
  const isSame =
    open !== false && context.session.selectedPath() === mailbox.path && open.uidValidity === mailbox.uidValidity
  if (!isSame || !mailbox.uidNext || mailbox.fillUid !== 1n) return false
  const run: Arrivals = { context, mailbox, uidNext: mailbox.uidNext }
  await storeAsTheyCome(run, `${run.uidNext}:*`, run.uidNext)
  const stored = await context.store.readSystem((tx) => readStoredCount(tx, mailbox.id))
  return flow.mailbox !== false && flow.mailbox.exists === stored
}

type FlagFact = { uid: number; flags: { bits: number; keywords: string[] }; modseq: bigint }

const applyFlags = async ({ context, mailbox }: Run, facts: FlagFact[]): Promise<void> => {
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

const remove = async ({ context, mailbox }: Run, uids: bigint[]): Promise<void> => {
  for (const batch of chunksOf(uids, flagBatch))
    await writeBulk(context, async (unit) => {
      unit.touchThreads(
        context.accountId,
        await removeUids(unit, { accountId: context.accountId, mailboxId: mailbox.id }, batch),
      )
    })
}

/** New mail alone leaves the numbers equal: then fifty thousand uids need not be looked at because of one. */
const countAgain = async (run: Run): Promise<void> => {
  const { context, mailbox } = run
  const stored = await context.store.readSystem((tx) => readStoredCount(tx, mailbox.id))
  const { mailbox: open } = context.session.flow
  if (open === false || stored !== open.exists) await compareUids(run)
}

/** Finds what was expunged or was missed, by the list of uids alone. Answers how many there were. */
const compareUids = async (run: Run): Promise<number> => {
  const { context, mailbox } = run
  const there = await searchAllUids(context.session)
  const gone = await context.store.readSystem((tx) => findGoneUids(tx, mailbox.id, there))
  await remove(run, gone)
  const missing = await findMissing(run, there)
  for (const batch of chunksOf(missing, bulkBatch)) await storeAsTheyCome(run, formatUidSet(batch), 1n)
  await writeBulk(context, (unit) => saveCursor(unit, mailbox.id, { envelopesStored: countUids(there) }))
  return missing.length + gone.length
}

const findMissing = ({ context, mailbox }: Run, there: UidRange[]): Promise<number[]> =>
  context.store.readSystem(async (tx) => {
    if ((await countStoredUids(tx, mailbox.id, there)) === countUids(there)) return []
    const stored = await readStoredUids(tx, mailbox.id)
    return newestFirst(there).filter((uid) => !stored.has(uid))
  })

/** Every flag against ours. Answers how many differed that should have been known: later changes are no lie. */
const compareFlags = async (run: Run): Promise<number> => {
  const { context, mailbox, selected } = run
  const facts = await fetchFlags(context.session, '1:*')
  const stored = await context.store.readSystem((tx) => readStoredFlags(tx, mailbox.id))
  const different = facts.filter(({ uid, flags }) => {
    const ours = stored.get(BigInt(uid))
    return ours && (ours.bits !== flags.bits || ours.keywords !== flags.keywords.join(' '))
  })
  await applyFlags(run, different)
  return different.filter(({ modseq }) => selected.highestModseq === null || modseq <= selected.highestModseq).length
}
