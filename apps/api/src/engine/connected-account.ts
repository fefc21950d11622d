import type { AccountProgress } from '@postern/shared/accounts.ts'
import { executeNextCommands } from '#outbox/execute-commands.ts'
import { isAppError } from '#platform/errors.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { idleUntil, listenToMailbox } from '#protocol/imap/watch-mailbox.ts'
import { isConnectionFault, toSessionError } from '#protocol/session-error.ts'
import { addSyncEvent, storeAccountFacts, storeProgress } from '#store/account-state.ts'
import type { ConnectableAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import type { Lease } from '#store/lease.ts'
import { refreshStatistics } from '#store/retention.ts'
import type { MailboxRow } from '#store/sync-mailboxes.ts'
import { needsSync } from '#sync/plan-mailbox-sync.ts'
import { type MailboxSyncOptions, syncMailbox } from '#sync/run-mailbox-sync.ts'
import { syncTree } from '#sync/run-tree-sync.ts'
import type { SyncContext } from '#sync/sync-context.ts'
import type { EngineDeps } from './engine-deps.ts'
import type { WakeSignal } from './wake-signal.ts'

/** Why a connected account acts: the watched mailbox moved, commands wait, look at everything, compare, somebody came. */
export type AccountWake = 'mailbox' | 'commands' | 'tree' | 'compare' | 'present'

/** Every mailbox is looked at this often while somebody is there: changes show within a minute. Else for the cache's sake. */
const treeEveryMs = 50_000
const unwatchedTreeEveryMs = 5 * 60_000
const syncedAtEveryMs = 5 * 60_000
const compareEveryMs = 24 * 3_600_000
const progressEveryMs = 250
const statisticsFrom = 1000
const roleOrder = ['inbox', 'drafts', 'sent', 'archive', 'flagged', 'all', 'junk', 'trash']

type Connected = {
  deps: EngineDeps
  lease: Lease
  account: ConnectableAccount
  session: ImapSession
  wake: WakeSignal<AccountWake>
  signal: AbortSignal
  /** Somebody has this account on a screen. */
  isPresent: () => boolean
  /** Called when everything is in step for the first time, and when new messages may lack bodies. */
  onSettled: () => Promise<void>
  memory: Memory
}
/** What one connected life remembers between two looks. */
type Memory = { fingerprint: string | null; inboxPath: string | null; syncedAt: number }

/** Lives as long as the session: sync everything, then watch. Throws the fault that ended it, or returns on `signal`. */
export const liveConnected = async (options: Omit<Connected, 'memory'>): Promise<void> => {
  const connected: Connected = { ...options, memory: { fingerprint: null, inboxPath: null, syncedAt: 0 } }
  const { deps, lease, session, wake, signal, account, memory } = connected
  const scope = { kind: 'engine' as const, accountId: lease.accountId, epoch: lease.epoch }
  const runCommands = async () => {
    if (wake.take('commands'))
      await executeNextCommands({
        store: deps.store,
        session,
        scope,
        accountId: lease.accountId,
        clock: deps.clock,
        logger: deps.logger,
      })
  }
  const context: SyncContext = {
    store: deps.store,
    session,
    accountId: lease.accountId,
    scope,
    clock: deps.clock,
    logger: deps.logger,
    signal,
    yieldToCommands: async () => undefined,
  }
  const listener = listenToMailbox(session, () => wake.mark('mailbox'))
  const since = account.row.lastFullCompareAt?.getTime() ?? 0
  if (deps.clock.now().getTime() - since > compareEveryMs && since > 0) wake.mark('compare')
  wake.mark('commands')
  wake.mark('tree')
  let lookedAt = 0
  try {
    while (!signal.aborted) {
      if (!session.isOpen()) throw toSessionError({ code: 'NoConnection' })
      await runCommands()
      wake.take('present')
      const isCompare = wake.take('compare')
      const isAsked = wake.take('tree') || isCompare
      const everyMs = connected.isPresent() ? treeEveryMs : unwatchedTreeEveryMs
      if (isAsked || deps.clock.monotonicMs() - lookedAt >= everyMs) {
        lookedAt = deps.clock.monotonicMs()
        // Somebody who asks gets a real look, whatever the last answer was.
        if (isAsked) memory.fingerprint = null
        await syncEverything(connected, context, isCompare)
        await connected.onSettled()
      } else if (wake.take('mailbox')) {
        await syncInbox(connected, context)
        await connected.onSettled()
      }
      if (wake.isMarked) continue
      await watchInbox(connected, context, everyMs - (deps.clock.monotonicMs() - lookedAt))
    }
  } finally {
    listener.stop()
  }
}

const inboxOf = async ({ deps, lease }: Connected): Promise<MailboxRow | null> =>
  deps.store.readSystem((tx) =>
    tx.mailbox.findFirst({ where: { accountId: lease.accountId, role: 'inbox', isSelectable: true, isSynced: true } }),
  )

const syncOptions = (connected: Connected, isCompareDue: boolean): MailboxSyncOptions => ({
  trustsModseq: connected.session.capabilities.condstore && !distrusted(connected.account.row.capabilities),
  isCompareDue,
})

const distrusted = (capabilities: unknown): boolean =>
  typeof capabilities === 'object' && capabilities !== null && 'condstoreDistrust' in capabilities

const syncInbox = async (connected: Connected, context: SyncContext): Promise<void> => {
  const inbox = await inboxOf(connected)
  if (inbox) await syncMailbox(context, inbox, syncOptions(connected, false))
}

/** Waits in IDLE on the inbox. What happened between the last sync and the SELECT is seen by its numbers. */
const watchInbox = async (connected: Connected, context: SyncContext, ms: number): Promise<void> => {
  const { session, wake, signal, memory } = connected
  const current = session.flow.mailbox
  const isThere = current !== false && current.path === memory.inboxPath
  const inbox = isThere ? null : await inboxOf(connected)
  const { signal: sleeper, end } = wake.sleeper(Math.max(1000, ms), signal)
  try {
    if (!isThere && !inbox) {
      if (!sleeper.aborted)
        await new Promise<void>((done) => sleeper.addEventListener('abort', () => done(), { once: true }))
      return
    }
    if (inbox) {
      const selected = await selectMailbox(session, inbox.path)
      const status = {
        messages: selected.exists,
        uidNext: selected.uidNext,
        uidValidity: selected.uidValidity,
        highestModseq: selected.highestModseq,
      }
      memory.inboxPath = inbox.path
      if (needsSync(inbox, status)) return wake.mark('mailbox')
    }
    await idleUntil(session, sleeper)
    if (context.signal.aborted) return
  } finally {
    end()
  }
}

const byRole = (a: MailboxRow, b: MailboxRow): number => {
  const rank = (row: MailboxRow) => {
    const index = roleOrder.indexOf(row.role ?? '')
    return index < 0 ? roleOrder.length : index
  }
  return rank(a) - rank(b) || (a.path < b.path ? -1 : 1)
}

const syncEverything = async (connected: Connected, context: SyncContext, isCompareDue: boolean): Promise<void> => {
  const { deps, lease } = connected
  const { memory } = connected
  // An account whose change counter once hid something is not believed when it says that nothing changed.
  const isBelieved = !isCompareDue && !distrusted(connected.account.row.capabilities)
  const { rows, fingerprint } = await syncTree(context, isBelieved ? memory.fingerprint : null)
  if (rows === null) return await noteSynced(connected, context, false)
  memory.inboxPath = null
  let isWhole = true
  const wanted = rows
    .filter(({ mailbox }) => mailbox.isSelectable && mailbox.isSynced)
    .filter(({ mailbox, status }) => isCompareDue || status === null || needsSync(mailbox, status))
    .sort((a, b) => byRole(a.mailbox, b.mailbox))
  const total = wanted.reduce(
    (sum, { mailbox, status }) => sum + (mailbox.fillUid === 1n ? 0 : (status?.messages ?? 0)),
    0,
  )
  const report = progressReporter(connected, total)
  let before = 0
  for (const { mailbox } of wanted) {
    context.signal.throwIfAborted()
    try {
      let here = 0
      const { isModseqDishonest } = await syncMailbox(context, mailbox, {
        ...syncOptions(connected, isCompareDue),
        onStored: (stored) => {
          here = stored
          report(before + stored)
        },
      })
      before += here
      if (isModseqDishonest) await distrust(connected)
    } catch (error) {
      const known = toSessionError(error)
      if (!isAppError(error) || isConnectionFault(known)) throw error
      isWhole = false
      // This one mailbox cannot be read; the others go on.
      await commit(deps.store, context.scope, (unit) =>
        addSyncEvent(unit, lease.accountId, {
          kind: 'mailbox',
          code: known.code,
          text: `${mailbox.path}: ${known.message}`,
        }),
      )
    }
    if (connected.wake.isMarked) await runWaiting(connected, context)
  }
  if (total > 0) await commit(deps.store, context.scope, (unit) => storeProgress(unit, lease.accountId, null))
  // Right after thousands of inserts the planner knows nothing of them and walks whole tables.
  if (total >= statisticsFrom) await refreshStatistics(deps.store)
  memory.fingerprint = isWhole ? fingerprint : null
  await noteSynced(connected, context, isCompareDue || connected.account.row.lastFullCompareAt === null)
}

/** Written now and then only: thousands of idle accounts would write nothing else. */
const noteSynced = async (
  { deps, lease, memory }: Connected,
  context: SyncContext,
  isCompared: boolean,
): Promise<void> => {
  const now = deps.clock.monotonicMs()
  if (!isCompared && memory.syncedAt > 0 && now - memory.syncedAt < syncedAtEveryMs) return
  memory.syncedAt = now
  const at = deps.clock.now()
  await commit(deps.store, context.scope, (unit) =>
    storeAccountFacts(unit, lease.accountId, {
      lastSyncedAt: at,
      ...(isCompared ? { lastFullCompareAt: at } : {}),
    }),
  )
}

/** Between two mailboxes of a long sync, people's commands go first. */
const runWaiting = async ({ deps, session, lease, wake }: Connected, { scope }: SyncContext): Promise<void> => {
  if (wake.take('commands'))
    await executeNextCommands({
      store: deps.store,
      session,
      scope,
      accountId: lease.accountId,
      clock: deps.clock,
      logger: deps.logger,
    })
}

/** The change counter hid something: from now on this account is compared in full. */
const distrust = async ({ deps, lease, account }: Connected): Promise<void> => {
  const capabilities = {
    ...(typeof account.row.capabilities === 'object' ? account.row.capabilities : {}),
    condstoreDistrust: true,
  }
  await commit(deps.store, { kind: 'engine', ...lease }, async (unit) => {
    await unit.tx.account.update({ where: { id: lease.accountId }, data: { capabilities } })
    await addSyncEvent(unit, lease.accountId, {
      kind: 'distrust',
      code: null,
      text: 'The server hid a change; from now on every mailbox is compared in full.',
    })
  })
}

const progressReporter = ({ deps, lease }: Connected, total: number): ((done: number) => void) => {
  const startedAt = deps.clock.monotonicMs()
  let toldAt = 0
  return (done) => {
    const now = deps.clock.monotonicMs()
    if (total === 0 || now - toldAt < progressEveryMs) return
    toldAt = now
    const progress: AccountProgress = {
      phase: 'envelopes',
      done: Math.min(done, total),
      total,
      perSecond: Math.round(done / Math.max(0.001, (now - startedAt) / 1000)),
    }
    commit(deps.store, { kind: 'engine', ...lease }, (unit) => storeProgress(unit, lease.accountId, progress)).catch(
      (error: unknown) => deps.logger.debug({ err: error }, 'progress was not stored'),
    )
  }
}
