import type { Change, ChangeBatch } from '@postern/shared/changes.ts'
import { type AppState, app, type Filter, isMissing, listKey, loadThread, noteBody, noteThread } from './app-state.ts'
import { settleCommand } from './command-results.ts'
import { noteChange, notePreviews, refreshMailbox } from './load-rows.ts'
import { withChanges } from './thread-list.ts'

/** What the list on the screen is, so that it can be asked for again; kept by the list itself. */
export const inView: { current: { mailboxId: string; filter: Filter; position: number } | null } = { current: null }
/** Called with new mail for the notice and the live region. */
export const arrivals: { listener: (mailboxId: string, threadIds: string[]) => void } = { listener: () => undefined }

type WritingChange = Extract<Change, { kind: 'draft' | 'draftRemoved' | 'submission' | 'identities' }>
/** Called with what is written and sent, by what comes when it is needed (writing.ts). */
export const writing: { listener: (change: WritingChange) => void } = { listener: () => undefined }

/** Applies a batch in order. Counts of mailboxes come with it, so lists know their true length. */
export const applyBatch = ({ changes }: ChangeBatch): void => {
  const totals = new Map(
    changes.flatMap((change) =>
      change.kind === 'mailboxes' ? change.upserted.map((mailbox) => [mailbox.id, mailbox.conversations] as const) : [],
    ),
  )
  for (const change of changes) apply(change, totals)
}

const apply = (change: Change, totals: Map<string, number>): unknown => {
  switch (change.kind) {
    case 'account':
      // Added on another device: that somebody writes as it was told before anybody here listened.
      if (!app.get().accounts.some(({ id }) => id === change.account.id))
        writing.listener({ kind: 'identities', accountId: change.account.id })
      return app.set((state) => ({ accounts: replaceAccount(state, change.account) }))
    case 'accountRemoved':
      return app.set((state) => ({
        accounts: state.accounts.filter(({ id }) => id !== change.accountId),
        mailboxes: Object.fromEntries(
          Object.entries(state.mailboxes).filter(([, mailbox]) => mailbox.accountId !== change.accountId),
        ),
      }))
    case 'mailboxes':
      return app.set((state) => {
        const removed = new Set(change.removed)
        const kept = Object.entries(state.mailboxes).filter(([id]) => !removed.has(id))
        return {
          mailboxes: Object.fromEntries([...kept, ...change.upserted.map((mailbox) => [mailbox.id, mailbox] as const)]),
        }
      })
    case 'threads':
      return applyThreads(change, totals.get(change.mailboxId))
    case 'messages':
      for (const { threadId } of change.messages) noteThread(threadId)
      return app.set((state) => ({ threads: placeMessages(state, change.messages) }))
    case 'bodies':
      notePreviews(change.messageIds)
      return applyBodies(new Set(change.messageIds))
    case 'notes':
      return app.set(({ notesSeen }) => ({ notesSeen: notesSeen + 1 }))
    case 'mailboxGrew':
      return refreshMailbox(change.mailboxId, inView.current)
    case 'command':
      return settleCommand(change.command)
    case 'transfersDismissed':
      return app.get().hasTransfers && forgetThere(change.transferIds)
    case 'draft':
    case 'draftRemoved':
    case 'submission':
    case 'identities':
      return writing.listener(change)
    case 'relay':
      return app.set(({ session }) => (session ? { session: { ...session, isRelayRefused: change.isRefused } } : {}))
    case 'settings':
      return app.set((state) => (state.session ? { session: { ...state.session, settings: change.settings } } : {}))
    case 'arrived':
      return arrivals.listener(change.mailboxId, change.threadIds)
  }
}

/** Most pages never bring mail in. */
const forgetThere = async (transferIds: string[]): Promise<void> => {
  const { forgetTransfers } = await import('./transfers.ts')
  forgetTransfers(transferIds)
}

const replaceAccount = (state: AppState, account: AppState['accounts'][number]): AppState['accounts'] =>
  [...state.accounts.filter(({ id }) => id !== account.id), account].sort(
    (a, b) => a.position - b.position || (BigInt(a.id) < BigInt(b.id) ? -1 : 1),
  )

const applyThreads = (
  { mailboxId, upserted, removed }: Extract<Change, { kind: 'threads' }>,
  total: number | undefined,
): void => {
  noteChange(mailboxId)
  for (const { threadId } of upserted) noteThread(threadId)
  const key = listKey(mailboxId, 'all')
  const list = app.get().lists[key]
  if (list) {
    const { list: next, isExact } = withChanges(list, upserted, removed, total)
    app.set((state) => ({ lists: { ...state.lists, [key]: next } }))
    if (!isExact) refreshMailbox(mailboxId, inView.current)
  }
  // Filtered lists are short; whoever shows one asks again.
  const shown = inView.current
  if (shown?.mailboxId === mailboxId && shown.filter !== 'all') refreshMailbox(mailboxId, shown)
  const known = new Set(Object.keys(app.get().threads))
  const grown = upserted.filter(
    (row) => known.has(row.threadId) && !app.get().threads[row.threadId]?.some(({ id }) => id === row.latestMessageId),
  )
  if (grown.length > 0)
    app.set((state) => ({
      threads: Object.fromEntries(
        Object.entries(state.threads).filter(([id]) => !grown.some((row) => row.threadId === id)),
      ),
    }))
}

/** What could not be loaded, or was not here, is asked for again, and so is a mail of which only the header was here. */
const applyBodies = (messageIds: Set<string>): void => {
  for (const id of messageIds) noteBody(id)
  const isGrown = ({ id, isHeaderOnly }: { id: string; isHeaderOnly: boolean }) => isHeaderOnly && messageIds.has(id)
  const { threads } = app.get()
  const grown = Object.values(threads).flatMap((thread) => thread.filter(isGrown))
  const grownIds = new Set(grown.map(({ id }) => id))
  const isKept = ([id, body]: [string, AppState['bodies'][string]]) =>
    !messageIds.has(id) || !(isMissing(body) || grownIds.has(id))
  app.set(({ bodies }) => ({ bodies: Object.fromEntries(Object.entries(bodies).filter(isKept)) }))
  for (const threadId of new Set(grown.map((message) => message.threadId))) {
    noteThread(threadId)
    loadThread(threadId).catch(() => undefined)
  }
}

const placeMessages = (
  state: AppState,
  messages: Extract<Change, { kind: 'messages' }>['messages'],
): AppState['threads'] => {
  const threads = { ...state.threads }
  for (const { id, threadId, placements } of messages) {
    const thread = threads[threadId]
    if (thread) threads[threadId] = thread.map((message) => (message.id === id ? { ...message, placements } : message))
  }
  return threads
}
