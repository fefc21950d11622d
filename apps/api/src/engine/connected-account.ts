import { type AppendRun, appendNextMails } from '#outbox/append-mails.ts'
import { type CopyRun, copyNextDraft } from '#outbox/copy-drafts.ts'
import { executeNextCommands } from '#outbox/execute-commands.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { idleUntil, listenToMailbox } from '#protocol/imap/watch-mailbox.ts'
import { isConnectionFault, toSessionError } from '#protocol/session-error.ts'
import { commit } from '#store/commit.ts'
import { followCopies, hasCopies, msToNextCopy } from '#store/draft-copies.ts'
import type { MailboxRow } from '#store/sync-mailboxes.ts'
import { needsSync } from '#sync/plan-mailbox-sync.ts'
import type { SyncContext } from '#sync/sync-context.ts'
import { type AccountShare, scopeOf, syncContextOf, syncInTurn, trustsModseq } from './account-share.ts'
import { type LookMemory, lookEverywhere, newLookMemory } from './look-everywhere.ts'
import type { WakeSignal } from './wake-signal.ts'

/**
 * Why a connected account acts: the watched mailbox moved, flags in it did, commands wait, look at everything, compare,
 * somebody came; what has no session of its own at a provider that allows only one: requests, missing bodies.
 */
export type AccountWake = 'mailbox' | 'flags' | 'commands' | 'tree' | 'compare' | 'present' | 'jobs' | 'bodies'

type Connected = {
  share: AccountShare
  session: ImapSession
  wake: WakeSignal<AccountWake>
  /** Somebody has this account on a screen. */
  isPresent: () => boolean
  lastFullCompareAt: Date | null
  /** Called when everything is in step: new messages may lack bodies. */
  onSettled: () => Promise<void>
  /** The mailboxes as they are now, whenever the tree was looked at and something in it may differ. */
  onTree: (mailboxes: MailboxRow[]) => void
  serveJobs: (session: ImapSession) => Promise<void>
  /** False when something is left to do. */
  fillBodies: (session: ImapSession, isEnough: () => boolean) => Promise<boolean>
}
/** One connected life. */
type Life = Connected & {
  context: SyncContext
  memory: LookMemory
  inboxPath: string | null
  inboxSeenAt: number
  /** What the inbox said of itself when it was last synced because of that. */
  triedInbox: string
  /** Commands are being carried out, or bulk work was interrupted: that is not interrupted again. */
  isBusy: boolean
  /** Everything was looked at: what a mailbox has already is known. */
  hasLooked: boolean
  /** Mails were appended that no look has seen yet. */
  hasAppended: boolean
  /** Wakes for the copy of a draft that is due next. */
  copyTimer: NodeJS.Timeout | undefined
}

/** Lives as long as the session: sync everything, then watch. Throws the fault that ended it, or returns on `signal`. */
export const liveConnected = async (connected: Connected): Promise<void> => {
  const { share, session, wake } = connected
  const { clock, timing } = share.deps
  const life: Life = {
    ...connected,
    context: syncContextOf(share, session, () => breathe(life)),
    memory: newLookMemory(connected.lastFullCompareAt),
    inboxPath: null,
    inboxSeenAt: clock.monotonicMs(),
    triedInbox: '',
    isBusy: false,
    hasLooked: false,
    hasAppended: false,
    copyTimer: undefined,
  }
  const listener = listenToMailbox(session, (event) => wake.mark(event === 'flags' ? 'flags' : 'mailbox'))
  wake.mark('commands')
  wake.mark('tree')
  let lookedAt = 0
  try {
    await syncKnownInbox(life)
    while (!share.signal.aborted) {
      if (!session.isOpen()) throw toSessionError({ code: 'NoConnection' })
      await runCommands(life)
      if (wake.take('jobs')) await life.serveJobs(session)
      wake.take('present')
      const isCompare = wake.take('compare') || isCompareDue(life)
      const isAsked = wake.take('tree') || isCompare
      const everyMs = connected.isPresent() ? timing.treeEveryMs : timing.unwatchedTreeEveryMs
      if (isAsked || clock.monotonicMs() - lookedAt >= everyMs) {
        lookedAt = clock.monotonicMs()
        await lookAtAll(life, { isAsked, isCompare })
        if (!life.hasLooked) wake.mark('commands')
        life.hasLooked = true
        await life.onSettled()
      } else if (wake.take('mailbox') || wake.has('flags')) {
        const areFlagsDue = wake.take('flags')
        await syncInbox(life, { areFlagsDue, mayAppend: !areFlagsDue })
        await life.onSettled()
      }
      if (wake.take('bodies') && !(await life.fillBodies(session, () => wake.isMarked))) wake.mark('bodies')
      if (wake.isMarked) continue
      await watchInbox(life, everyMs - (clock.monotonicMs() - lookedAt))
    }
  } finally {
    listener.stop()
    clearTimeout(life.copyTimer)
  }
}

const isCompareDue = ({ memory, share }: Life): boolean =>
  memory.comparedAt !== null && share.deps.clock.now().getTime() - memory.comparedAt > share.deps.timing.compareEveryMs

const lookAtAll = async (life: Life, { isAsked, isCompare }: { isAsked: boolean; isCompare: boolean }) => {
  const { share, context, memory } = life
  // Somebody who asks gets a real look, whatever the last answer was.
  if (isAsked) {
    memory.fingerprint = null
    memory.refused.clear()
  }
  const rows = await lookEverywhere(share, context, memory, isCompare)
  if (rows === null) return
  // In step as it is: to SELECT a large mailbox anew can take a server longer than the whole look.
  if (!rows.some((row) => isInbox(row) && row.path === life.inboxPath)) life.inboxPath = null
  life.onTree(rows)
}

const runCommands = async (life: Life): Promise<void> => {
  const { share, session, wake } = life
  if (!wake.take('commands')) return
  const { store, clock, logger } = share.deps
  const { accountId } = share.lease
  const wasBusy = life.isBusy
  life.isBusy = true
  try {
    const betweenChunks = () => lookAtInbox(life)
    const onTree = () => wake.mark('tree')
    const execution = { store, session, scope: scopeOf(share), accountId, clock, logger, betweenChunks, onTree }
    // Another mailbox may be selected now.
    if (await executeNextCommands(execution)) life.inboxPath = null
    if (life.hasLooked) await copyDrafts(life, execution)
    if (life.hasLooked) await appendMails(life, execution)
  } finally {
    life.isBusy = wasBusy
  }
}

/** What is being written, each once in Drafts; what became of copies there is known after a look at it. */
const copyDrafts = async (life: Life, execution: CopyRun): Promise<void> => {
  const { share, wake } = life
  const { store } = share.deps
  const { accountId } = share.lease
  clearTimeout(life.copyTimer)
  const touched = new Set<bigint>()
  for (
    let done = await copyNextDraft(execution);
    done && !share.signal.aborted;
    done = await copyNextDraft(execution)
  ) {
    life.inboxPath = null
    if (done.mailboxId !== null) touched.add(done.mailboxId)
    await lookAtInbox(life)
  }
  for (const id of touched) {
    const mailbox = await store.readSystem((tx) => tx.mailbox.findUnique({ where: { id } }))
    if (!mailbox?.isSelectable || !mailbox.isSynced || share.turns.has(id)) wake.mark('tree')
    else await syncInTurn(share, life.context, mailbox, { isCompareDue: false, areFlagsDue: false })
  }
  if (await store.readSystem((tx) => hasCopies(tx, accountId)))
    await commit(store, scopeOf(share), (unit) => followCopies(unit, accountId))
  const dueMs = await store.readSystem((tx) => msToNextCopy(tx, accountId))
  if (dueMs !== null) life.copyTimer = setTimeout(() => wake.mark('commands'), Math.max(0, dueMs))
}

/** A batch at a time: what people click meanwhile goes first. */
const appendMails = async (life: Life, execution: AppendRun): Promise<void> => {
  if (await appendNextMails(execution)) {
    life.inboxPath = null
    life.hasAppended = true
    life.wake.mark('commands')
    await lookAtInbox(life)
  } else if (life.hasAppended) {
    life.hasAppended = false
    life.wake.mark('tree')
  }
}

/** Between two batches of bulk work: what people asked for goes first, and new mail is not kept waiting. */
const breathe = async (life: Life): Promise<void> => {
  const { session, wake } = life
  if (life.isBusy) return
  const before = session.selectedPath()
  const lived = session.flow.mailbox ? session.flow.mailbox.uidValidity : undefined
  life.isBusy = true
  try {
    await runCommands(life)
    if (wake.take('jobs')) await life.serveJobs(session)
    await lookAtInbox(life)
  } finally {
    life.isBusy = false
  }
  if (before === null || session.selectedPath() === before) return
  const { uidValidity } = await selectMailbox(session, before)
  if (lived && uidValidity !== lived)
    throw new AppError('mailbox.refused', 'The mailbox began a new life while it was being read.')
}

/** While something else holds the session, the inbox is looked at every other second: only there new mail is expected. */
const lookAtInbox = async (life: Life): Promise<void> => {
  const { clock, timing } = life.share.deps
  if (clock.monotonicMs() - life.inboxSeenAt < timing.inboxLookMs) return
  await syncInbox(life, { areFlagsDue: false, mayAppend: false })
}

const isInbox = ({ role, isSelectable, isSynced }: MailboxRow): boolean => role === 'inbox' && isSelectable && isSynced

const inboxOf = ({ share }: Life): Promise<MailboxRow | null> =>
  share.deps.store.readSystem((tx) =>
    tx.mailbox.findFirst({
      where: { accountId: share.lease.accountId, role: 'inbox', isSelectable: true, isSynced: true },
    }),
  )

const syncInbox = async (life: Life, due: { areFlagsDue: boolean; mayAppend: boolean }): Promise<void> => {
  const inbox = await inboxOf(life)
  life.inboxSeenAt = life.share.deps.clock.monotonicMs()
  // A sync of it that is under way, as a first fill may be for long, brings what is new by itself.
  if (inbox?.fillUid === 1n && !life.share.turns.has(inbox.id))
    await syncInTurn(life.share, life.context, inbox, {
      isCompareDue: false,
      ...due,
      mayAppend: due.mayAppend && life.inboxPath === inbox.path,
    })
  life.inboxSeenAt = life.share.deps.clock.monotonicMs()
}

/**
 * The inbox of an account that was synced before: people look there first, and a server that has it open answers for all
 * mailboxes at once, where it otherwise reads the inbox only to count it. What goes wrong with it alone the look will meet.
 */
const syncKnownInbox = async (life: Life): Promise<void> => {
  const inbox = await inboxOf(life)
  if (inbox?.fillUid !== 1n || inbox.rights?.includes('r') === false) return
  try {
    await syncInTurn(life.share, life.context, inbox, { isCompareDue: false, areFlagsDue: false })
    life.inboxPath = inbox.path
  } catch (error) {
    if (!isAppError(error) || isConnectionFault(error)) throw error
  }
}

/** Waits in IDLE on the inbox. What happened between the last sync and the SELECT is seen by its numbers. */
const watchInbox = async (life: Life, ms: number): Promise<void> => {
  const { share, session, wake } = life
  const isThere = life.inboxPath !== null && session.selectedPath() === life.inboxPath
  const inbox = isThere ? null : await inboxOf(life)
  const { signal: sleeper, end } = wake.sleeper(Math.max(1000, ms), share.signal)
  try {
    if (!isThere && !inbox) {
      if (!sleeper.aborted)
        await new Promise<void>((done) => sleeper.addEventListener('abort', () => done(), { once: true }))
      return
    }
    if (inbox) {
      const selected = await selectMailbox(session, inbox.path)
      life.inboxPath = inbox.path
      const isDifferent = needsSync(inbox, {
        messages: selected.exists,
        uidNext: selected.uidNext || null,
        uidValidity: selected.uidValidity || null,
        highestModseq: trustsModseq(share, session) ? selected.highestModseq : null,
      })
      const { exists, uidNext, uidValidity, highestModseq } = selected
      const seen = `${exists} ${uidNext} ${uidValidity} ${highestModseq}`
      // A server whose numbers never come true is not asked again and again for the same ones.
      if (isDifferent && seen !== life.triedInbox && (uidNext > 0n || inbox.envelopesStored !== exists)) {
        life.triedInbox = seen
        // More than arrivals may be behind it: a whole sync.
        life.inboxPath = null
        return wake.mark('mailbox')
      }
    }
    await idleUntil(session, sleeper)
  } finally {
    end()
  }
}
