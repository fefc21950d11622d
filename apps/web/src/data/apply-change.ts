import type { Change, ChangeBatch } from '@postern/shared/changes.ts'
import { untilHere } from '#lib/until-here.ts'
import { applyTreeChange } from './account-tree.ts'
import { ApiError } from './api.ts'
import {
  app,
  type Filter,
  followMerge,
  isMissing,
  isPartial,
  listKey,
  loadBody,
  loadThread,
  noteBody,
  noteThread,
} from './app-state.ts'
import { settleCommand } from './command-results.ts'
import { noteChange, notePreviews, refreshMailbox } from './load-rows.ts'
import { withChanges } from './thread-list.ts'

/** What the list on the screen is, so that it can be asked for again; kept by the list itself. */
export const inView: { current: { mailboxId: string; filter: Filter; position: number } | null } = { current: null }
/** The conversation on the screen; kept by its view. */
export const threadInView: { current: string | null } = { current: null }
/** Called with new mail for the notice and the live region. */
export const arrivals: { listener: (mailboxId: string, threadIds: string[]) => void } = { listener: () => undefined }

type WritingChange = Extract<Change, { kind: 'draft' | 'draftRemoved' | 'submission' | 'identities' | 'templates' }>
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
      return applyTreeChange(change)
    case 'accountRemoved':
    case 'mailboxes':
      return applyTreeChange(change)
    case 'threads':
      return applyThreads(change, totals.get(change.mailboxId))
    case 'messages':
      return applyMessages(change.messages)
    case 'bodies':
      notePreviews(change.messageIds)
      return applyBodies(new Set(change.messageIds))
    case 'notes':
      return app.set(({ notesSeen }) => ({ notesSeen: notesSeen + 1 }))
    case 'mailboxGrew':
      refreshMailbox(change.mailboxId, inView.current)
      return loadShownThread()
    case 'command':
      return settleCommand(change.command)
    case 'transfersDismissed':
      return app.get().hasTransfers && forgetThere(change.transferIds)
    case 'draft':
    case 'draftRemoved':
    case 'submission':
    case 'identities':
    case 'templates':
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
  const { forgetTransfers } = await untilHere(() => import('./transfers.ts'))
  forgetTransfers(transferIds)
}

const applyThreads = (
  { mailboxId, upserted, removed }: Extract<Change, { kind: 'threads' }>,
  total: number | undefined,
): void => {
  noteChange(mailboxId)
  for (const { threadId } of upserted) noteThread(threadId)
  forgetMerges(upserted.map(({ threadId }) => threadId))
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
}

/** A conversation that is told of is there, whatever became of it before. */
const forgetMerges = (threadIds: string[]): void => {
  const { merged } = app.get()
  if (!threadIds.some((threadId) => threadId in merged)) return
  app.set({ merged: Object.fromEntries(Object.entries(merged).filter(([threadId]) => !threadIds.includes(threadId))) })
}

const askAgainMs = 5000
const waiting = new Set<string>()

/** It has changed, or may have. It stays as it is until it can be asked for, as long as somebody looks at it. */
const loadShownThread = (): void => {
  const { current } = threadInView
  if (current === null) return
  noteThread(current)
  loadThread(current).catch((error: unknown) => {
    if (error instanceof ApiError && error.code === 'not_found') return forgetThreads([current])
    if (waiting.has(current)) return
    waiting.add(current)
    setTimeout(() => {
      waiting.delete(current)
      if (threadInView.current === current) loadShownThread()
      else forgetThreads([current])
    }, askAgainMs)
  })
}

/** A mail of which only the header was here is asked for again. */
const applyBodies = (messageIds: Set<string>): void => {
  for (const id of messageIds) noteBody(id)
  const isGrown = ({ id, isHeaderOnly }: { id: string; isHeaderOnly: boolean }) => isHeaderOnly && messageIds.has(id)
  const grown = Object.values(app.get().threads).flatMap((thread) => thread.filter(isGrown))
  askForWhole(messageIds)
  for (const threadId of new Set(grown.map((message) => message.threadId))) {
    noteThread(threadId)
    loadThread(threadId).catch(() => undefined)
  }
}

/**
 * What could not be loaded, was not here, or is a part, is asked for again by whoever shows it. A text that is read stays until the
 * whole of it is here: nothing jumps.
 */
export const askForWhole = (messageIds: Set<string>): void => {
  // What it is by itself: its conversation may have been told before that all of it is here.
  const partial = Object.entries(app.get().bodies).filter(([id, body]) => messageIds.has(id) && isPartial(body))
  const read = partial.filter(([id, body]) => !isMissing(body) && isInView(id)).map(([id]) => id)
  forgetBodies(partial.map(([id]) => id).filter((id) => !read.includes(id)))
  for (const id of read) void untilHere(async () => (isInView(id) ? loadBody(id, true) : forgetBodies([id])))
}

const isInView = (messageId: string): boolean =>
  app.get().threads[threadInView.current ?? '']?.some(({ id }) => id === messageId) === true

const forgetBodies = (messageIds: string[]): void =>
  app.set(({ bodies }) => ({
    bodies: Object.fromEntries(Object.entries(bodies).filter(([id]) => !messageIds.includes(id))),
  }))

type Placed = Extract<Change, { kind: 'messages' }>['messages']

/**
 * All messages of conversations that changed. One that went into another is followed; one that has grown is asked for again, and what
 * is shown of it stays until the answer is here.
 */
const applyMessages = (messages: Placed): void => {
  const told = new Set(messages.map(({ threadId }) => threadId))
  for (const threadId of told) noteThread(threadId)
  const now = new Map(messages.map((message) => [message.id, message]))
  const { threads } = app.get()
  for (const [threadId, known] of Object.entries(threads)) {
    const moved = known.find(({ id }) => (now.get(id)?.threadId ?? threadId) !== threadId)
    const winnerId = moved && now.get(moved.id)?.threadId
    if (winnerId !== undefined) followMerge(threadId, winnerId).catch(() => forgetThreads([threadId]))
  }
  const next = { ...threads }
  /** Those that are known in the conversation they are told of in. */
  const known = new Set<string>()
  for (const threadId of told) {
    const thread = threads[threadId]
    if (!thread) continue
    next[threadId] = thread.map((message) => {
      const placed = now.get(message.id)
      if (placed?.threadId !== threadId) return message
      known.add(message.id)
      return { ...message, placements: placed.placements }
    })
  }
  app.set({ threads: next })
  const grown = new Set(
    messages.filter(({ id, placements }) => placements.length > 0 && !known.has(id)).map(({ threadId }) => threadId),
  )
  if (threadInView.current !== null && grown.delete(threadInView.current)) loadShownThread()
  forgetThreads([...grown])
}

/** Whoever shows them asks again. */
const forgetThreads = (threadIds: string[]): void => {
  const forgotten = new Set(threadIds.filter((threadId) => app.get().threads[threadId]))
  if (forgotten.size === 0) return
  app.set(({ threads }) => ({
    threads: Object.fromEntries(Object.entries(threads).filter(([threadId]) => !forgotten.has(threadId))),
  }))
}
