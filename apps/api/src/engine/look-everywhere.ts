import type { AccountProgress } from '@postern/shared/accounts.ts'
import { isAppError } from '#platform/errors.ts'
import { readRights } from '#protocol/imap/read-rights.ts'
import { isConnectionFault, toSessionError } from '#protocol/session-error.ts'
import { addSyncEvent, storeProgress } from '#store/account-state.ts'
import { commit } from '#store/commit.ts'
import { refreshStatistics } from '#store/retention.ts'
import { countKept } from '#store/switch-uploads.ts'
import { type EmptyMailbox, type MailboxRow, saveCursor, settleEmpty } from '#store/sync-mailboxes.ts'
import { needsSync, planFlagTurns } from '#sync/plan-mailbox-sync.ts'
import { readSources } from '#sync/read-sources.ts'
import { syncFirstPage } from '#sync/run-mailbox-sync.ts'
import { storeInbox, syncTree, type TreeEntry } from '#sync/run-tree-sync.ts'
import type { SyncContext } from '#sync/sync-context.ts'
import { bringKeptMails } from '#sync/upload-kept.ts'
import { type AccountShare, scopeOf, syncInTurn, trustsModseq } from './account-share.ts'

const syncedAtEveryMs = 5 * 60_000
const progressEveryMs = 250
const statisticsFrom = 1000
const roleOrder = ['inbox', 'drafts', 'sent', 'archive', 'flagged', 'all', 'junk', 'trash']

/** What one connected life remembers between two looks at all mailboxes. */
export type LookMemory = {
  fingerprint: string | null
  /** When `lastSyncedAt` was written; monotonic. */
  syncedAt: number
  /** Of the last compare of everything; epoch milliseconds. Null before the first sync. */
  comparedAt: number | null
  /** For servers without a change counter: what STATUS said of unread mail, and when flags were read last. */
  unseen: Map<bigint, number | null>
  flagsReadAt: Map<bigint, number>
  /** Listed, but not opened: left alone until they have a STATUS, or everything is compared again. */
  refused: Set<bigint>
}

export const newLookMemory = (lastFullCompareAt: Date | null): LookMemory => ({
  fingerprint: null,
  syncedAt: 0,
  comparedAt: lastFullCompareAt?.getTime() ?? null,
  unseen: new Map(),
  flagsReadAt: new Map(),
  refused: new Set(),
})

/**
 * Looks at every mailbox and syncs those that differ from what is stored. Answers the mailboxes as they are, or null when
 * the server said just what it said before.
 */
export const lookEverywhere = async (
  share: AccountShare,
  context: SyncContext,
  memory: LookMemory,
  isCompareDue: boolean,
): Promise<MailboxRow[] | null> => {
  if (memory.comparedAt === null) await showNewAccount(share, context)
  if (share.isSwitching) await readKept(share, context)
  // An account whose change counter once hid something is not believed when it says that nothing changed.
  const isBelieved = !isCompareDue && !share.isDistrusted
  const { rows, fingerprint } = await syncTree(context, isBelieved ? memory.fingerprint : null)
  if (rows === null) {
    noteSynced(share, memory, false)
    return null
  }
  const readable = rows.filter(({ mailbox }) => mailbox.isSelectable && mailbox.isSynced)
  const isTold = trustsModseq(share, context.session)
  const uncounted = readable.filter(({ status }) => !isTold || status?.highestModseq == null)
  const flagsDue = dueFlags(memory, isCompareDue ? [] : uncounted)
  const wanted = readable
    .filter(({ mailbox }) => isCompareDue || mailbox.rights === null || mailbox.rights.includes('r'))
    .filter(
      ({ mailbox, status }) =>
        isCompareDue ||
        (status === null ? !memory.refused.has(mailbox.id) : flagsDue.has(mailbox.id) || needsSync(mailbox, status)),
    )
    .sort((a, b) => byRole(a.mailbox, b.mailbox))
    // A mail that is here takes its place in a mailbox of its own before it is met where everything is.
    .sort((a, b) => (share.isSwitching ? Number(isView(a.mailbox)) - Number(isView(b.mailbox)) : 0))
  const open = isCompareDue ? wanted : await withoutEmpty(share, wanted)
  const onRefused = ({ mailbox, status }: TreeEntry) => {
    if (status === null && context.session.capabilities.listStatus) memory.refused.add(mailbox.id)
  }
  const isWhole = await syncAll(share, context, { wanted: open, onRefused }, (mailbox) => {
    const areFlagsDue = flagsDue.has(mailbox.id)
    if (areFlagsDue) memory.flagsReadAt.set(mailbox.id, share.deps.clock.monotonicMs())
    return { isCompareDue, areFlagsDue }
  })
  if (share.isSwitching && isWhole) await bringKept(share, context)
  memory.fingerprint = isWhole ? fingerprint : null
  const isCompared = isCompareDue || memory.comparedAt === null
  if (isCompared) memory.comparedAt = share.deps.clock.now().getTime()
  noteSynced(share, memory, isCompared)
  return rows.map(({ mailbox }) => mailbox)
}

/**
 * The newest mail at once: to list ten thousand mailboxes takes a server seconds, and to count what they hold much longer.
 * INBOX is there at every server, whatever its list says of it.
 */
const showNewAccount = async (share: AccountShare, context: SyncContext): Promise<void> => {
  const { accountId } = share.lease
  if ((await share.deps.store.readSystem((tx) => tx.mailbox.count({ where: { accountId } }))) > 0) return
  try {
    await syncFirstPage(context, await storeInbox(context))
  } catch (error) {
    if (!isAppError(error) || isConnectionFault(error)) throw error
  }
  await syncTree(context, null, { withStatus: false })
}

/** What was kept here until now and nobody has read is read before its mails get uids: else its texts would be fetched. */
const readKept = ({ deps, signal }: AccountShare, { scope, reader }: SyncContext): Promise<void> =>
  readSources({ store: deps.store, logger: deps.logger, reader, scope, signal })

/** Everything at the server is known: what it lacks of a POP3 account that changes to IMAP is brought there. */
const bringKept = async (share: AccountShare, context: SyncContext): Promise<void> => {
  const total = await share.deps.store.readSystem((tx) => countKept(tx, share.lease.accountId))
  const progress = progressReporter(share, 'upload', total)
  let done = 0
  const isOver = await bringKeptMails(context, (mails) => {
    done += mails
    progress.report(done)
  })
  if (total > 0) await progress.end()
  share.isSwitching = !isOver
}

/** Settles what was never seen and holds nothing, without a SELECT each. Answers the others. */
const withoutEmpty = async (share: AccountShare, entries: TreeEntry[]): Promise<TreeEntry[]> => {
  const empty = new Map<TreeEntry, EmptyMailbox>()
  for (const entry of entries) {
    const { mailbox, status } = entry
    if (mailbox.fillUid !== null || status?.messages !== 0 || !status.uidValidity || !status.uidNext) continue
    // What others share has rights to be read.
    if (mailbox.namespace !== '') continue
    const { uidValidity, uidNext, highestModseq } = status
    empty.set(entry, { id: mailbox.id, uidValidity, uidNext, highestModseq })
  }
  if (empty.size === 0) return entries
  await commit(share.deps.store, scopeOf(share), (unit) => settleEmpty(unit, [...empty.values()]))
  return entries.filter((entry) => !empty.has(entry))
}

/** Where no change counter tells: unread mail that became more or less at once, everything else in turns. */
const dueFlags = (memory: LookMemory, entries: TreeEntry[]): Set<bigint> => {
  const due = new Set<bigint>()
  for (const { mailbox, status } of entries) {
    const before = memory.unseen.get(mailbox.id)
    if (before !== undefined && status && before !== status.unseen) due.add(mailbox.id)
    memory.unseen.set(mailbox.id, status?.unseen ?? null)
  }
  const turns = planFlagTurns(
    entries.map(({ mailbox, status }) => ({
      id: mailbox.id,
      serverMessages: status?.messages ?? mailbox.serverMessages,
      flagsReadAt: memory.flagsReadAt.get(mailbox.id) ?? 0,
    })),
  )
  for (const { id } of turns) due.add(id)
  return due
}

const isView = ({ role }: MailboxRow): boolean => role === 'all' || role === 'flagged'

const byRole = (a: MailboxRow, b: MailboxRow): number => {
  const rank = (row: MailboxRow) => {
    const index = roleOrder.indexOf(row.role ?? '')
    return index < 0 ? roleOrder.length : index
  }
  return rank(a) - rank(b) || (a.path < b.path ? -1 : 1)
}

type Due = { isCompareDue: boolean; areFlagsDue: boolean }

/** False when one of them could not be read. */
const syncAll = async (
  share: AccountShare,
  context: SyncContext,
  { wanted, onRefused }: { wanted: TreeEntry[]; onRefused: (entry: TreeEntry) => void },
  dueFor: (mailbox: MailboxRow) => Due,
): Promise<boolean> => {
  const { store } = share.deps
  const unfilled = ({ mailbox, status }: TreeEntry) => (mailbox.fillUid === 1n ? 0 : (status?.messages ?? 0))
  const total = wanted.reduce((sum, entry) => sum + unfilled(entry), 0)
  const progress = progressReporter(share, 'envelopes', total)
  let before = 0
  let isWhole = true
  for (const entry of wanted) {
    const { mailbox } = entry
    context.signal.throwIfAborted()
    let here = 0
    try {
      const onStored = (stored: number) => {
        here = stored
        progress.report(before + stored)
      }
      await syncInTurn(share, context, mailbox, { ...dueFor(mailbox), onStored })
    } catch (error) {
      await skipUnreadable(share, context, mailbox, error)
      onRefused(entry)
      isWhole = false
    }
    before += here
    await context.yieldToCommands()
  }
  if (total > 0) await progress.end()
  // Right after thousands of inserts the planner knows nothing of them and walks whole tables.
  if (total >= statisticsFrom) await refreshStatistics(store)
  return isWhole
}

/** One mailbox that cannot be read: the others go on. Throws what concerns the whole account. */
const skipUnreadable = async (
  share: AccountShare,
  context: SyncContext,
  mailbox: MailboxRow,
  error: unknown,
): Promise<void> => {
  const known = toSessionError(error)
  if (!isAppError(error) || isConnectionFault(known)) throw error
  if (known.code === 'mailbox.missing' && (await isElsewhere(share, mailbox))) return
  // Without the right to read, it is left alone until everything is compared again.
  const rights = known.code.startsWith('mailbox.') ? await readRights(context.session, mailbox.path) : null
  await commit(share.deps.store, scopeOf(share), async (unit) => {
    if (rights !== null) await saveCursor(unit, mailbox.id, { rights })
    await addSyncEvent(unit, share.lease.accountId, {
      kind: 'mailbox',
      code: known.code,
      text: `${mailbox.path}: ${known.message}`,
    })
  })
}

/** Renamed or removed from here while others were being read: the next look knows its path. */
const isElsewhere = async ({ deps }: AccountShare, { id, path }: MailboxRow): Promise<boolean> =>
  (await deps.store.readSystem((tx) => tx.mailbox.count({ where: { id, path } }))) === 0

/** Written now and then only, and by the worker: thousands of idle accounts would write nothing else. */
const noteSynced = (share: AccountShare, memory: LookMemory, isCompared: boolean): void => {
  const { clock } = share.deps
  const now = clock.monotonicMs()
  if (!isCompared && memory.syncedAt > 0 && now - memory.syncedAt < syncedAtEveryMs) return
  memory.syncedAt = now
  const at = clock.now()
  share.facts = { lastSyncedAt: at, ...(isCompared ? { lastFullCompareAt: at } : {}) }
}

type Progress = { report: (done: number) => void; end: () => Promise<void> }

const progressReporter = (share: AccountShare, phase: AccountProgress['phase'], total: number): Progress => {
  const { clock, store, logger } = share.deps
  const startedAt = clock.monotonicMs()
  const write = (progress: AccountProgress | null) =>
    commit(store, scopeOf(share), (unit) => storeProgress(unit, share.lease.accountId, progress))
  let toldAt = 0
  let writing: Promise<unknown> = Promise.resolve()
  const report = (done: number) => {
    const now = clock.monotonicMs()
    if (total === 0 || now - toldAt < progressEveryMs) return
    toldAt = now
    const progress: AccountProgress = {
      phase,
      done: Math.min(done, total),
      total,
      perSecond: Math.round(done / Math.max(0.001, (now - startedAt) / 1000)),
    }
    const before = writing
    writing = before
      .then(() => write(progress))
      .catch((error: unknown) => logger.debug({ err: error }, 'progress was not stored'))
  }
  return {
    report,
    end: async () => {
      // One that is still on its way would be shown for ever.
      await writing
      await write(null)
    },
  }
}
