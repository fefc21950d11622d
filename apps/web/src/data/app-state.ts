import type { Account } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { Message, MessageBody } from '@postern/shared/messages.ts'
import type { CurrentSession } from '@postern/shared/sessions.ts'
import { call } from './api.ts'
import { Observable, useObservable } from './observable.ts'
import { emptyList, type ThreadList, withPage } from './thread-list.ts'

/** Everything the screens show, normalised. Screens read with `useApp`, and change it through the functions here. */
export type Filter = 'all' | 'unread' | 'flagged' | 'attachments'
export type AppState = {
  phase: 'starting' | 'unreachable' | 'signedOut' | 'ready' | 'expired'
  session: CurrentSession | null
  isOnline: boolean
  accounts: Account[]
  mailboxes: Record<string, Mailbox>
  /** By list key: mailbox and filter. */
  lists: Record<string, ThreadList>
  threads: Record<string, Message[]>
  bodies: Record<string, MessageBody | { failed: string }>
  /** Threads that arrived while somebody looked elsewhere in the list. */
  arrived: Record<string, string[]>
  /** The server has a newer page than this one. */
  hasNewVersion: boolean
}

export const blank: AppState = {
  phase: 'starting',
  session: null,
  isOnline: true,
  accounts: [],
  mailboxes: {},
  lists: {},
  threads: {},
  bodies: {},
  arrived: {},
  hasNewVersion: false,
}
export const app = new Observable<AppState>(blank)
export const useApp = <Picked>(select: (state: AppState) => Picked): Picked => useObservable(app, select)

export const listKey = (mailboxId: string, filter: Filter): string => `${mailboxId}:${filter}`
export const pageSize = 60
const maxBodies = 300

export const loadAccounts = async (): Promise<void> => {
  const { accounts } = await call('listAccounts', 'GET', '/v1/accounts')
  const trees = await Promise.all(
    accounts.map(({ id }) => call('listMailboxes', 'GET', `/v1/accounts/${id}/mailboxes`)),
  )
  const mailboxes = Object.fromEntries(trees.flatMap((tree) => tree.mailboxes.map((mailbox) => [mailbox.id, mailbox])))
  app.set({ accounts, mailboxes })
}

const loading = new Map<string, Promise<void>>()

/** Makes sure the rows around a position are here. Asked again while under way, it waits for the same answer. */
export const loadRows = (
  mailboxId: string,
  filter: Filter,
  position: number,
  { isFresh = false } = {},
): Promise<void> => {
  const key = listKey(mailboxId, filter)
  const start = Math.max(0, Math.floor(position / pageSize) * pageSize)
  const list = app.get().lists[key]
  if (
    !isFresh &&
    list?.status === 'ready' &&
    list.rows.slice(start, Math.min(start + pageSize, list.total)).every((row) => row !== undefined)
  )
    return Promise.resolve()
  const name = `${key}:${start}`
  const under = loading.get(name)
  if (under) return under
  const work = call('listThreads', 'GET', `/v1/mailboxes/${mailboxId}/threads`, {
    query: { filter, limit: pageSize, ...(start > 0 ? { position: start } : {}) },
  })
    .then(
      ({ rows, total }) =>
        app.set((state) => ({
          lists: {
            ...state.lists,
            [key]: withPage(isFresh && start === 0 ? emptyList : (state.lists[key] ?? emptyList), start, rows, total),
          },
        })),
      () =>
        app.set((state) => ({
          lists: { ...state.lists, [key]: { ...(state.lists[key] ?? emptyList), status: 'failed' } },
        })),
    )
    .finally(() => loading.delete(name))
  loading.set(name, work)
  return work
}

/** Lists are asked for again where they are in view; others are simply forgotten. */
export const refreshMailbox = (
  mailboxId: string,
  visible: { mailboxId: string; filter: Filter; position: number } | null,
): void => {
  app.set((state) => ({
    lists: Object.fromEntries(
      Object.entries(state.lists).filter(
        ([key]) => !key.startsWith(`${mailboxId}:`) || (visible && key === listKey(visible.mailboxId, visible.filter)),
      ),
    ),
  }))
  if (visible?.mailboxId !== mailboxId) return
  void loadRows(mailboxId, visible.filter, 0, { isFresh: visible.position < pageSize })
  if (visible.position >= pageSize) void loadRows(mailboxId, visible.filter, visible.position, { isFresh: true })
}

const opening = new Map<string, Promise<void>>()
const once = (name: string, work: () => Promise<void>): Promise<void> => {
  const under = opening.get(name)
  if (under) return under
  const started = work().finally(() => opening.delete(name))
  opening.set(name, started)
  return started
}

export const loadThread = (threadId: string): Promise<void> =>
  once(`thread:${threadId}`, async () => {
    const { messages } = await call('getThread', 'GET', `/v1/threads/${threadId}`)
    app.set((state) => ({ threads: { ...state.threads, [threadId]: messages } }))
  })

export const loadBody = (messageId: string): Promise<void> =>
  once(`body:${messageId}`, async () => {
    const known = app.get().bodies[messageId]
    if (known && !('failed' in known)) return
    const body = await call('getMessageBody', 'GET', `/v1/messages/${messageId}/body`).catch((error: unknown) => ({
      failed: error instanceof Error ? error.message : '',
    }))
    app.set((state) => {
      const entries = Object.entries(state.bodies).filter(([id]) => id !== messageId)
      return { bodies: Object.fromEntries([...entries.slice(-maxBodies), [messageId, body]]) }
    })
  })

/** Brings a conversation here before it is asked for, so that a click paints at once. */
export const prefetch = (threadId: string, latestMessageId: string): void => {
  const { threads, bodies } = app.get()
  if (!threads[threadId]) loadThread(threadId).catch(() => undefined)
  if (!bodies[latestMessageId]) loadBody(latestMessageId).catch(() => undefined)
}

export const setting = <Value>(state: AppState, key: string, fallback: Value): Value =>
  (state.session?.settings[key] as Value | undefined) ?? fallback // written by this app only, each key with one type

export type SettingValue = string | number | boolean | Record<string, string>

export const saveSetting = async (key: string, value: SettingValue): Promise<void> => {
  app.set((state) =>
    state.session ? { session: { ...state.session, settings: { ...state.session.settings, [key]: value } } } : {},
  )
  await call('patchSettings', 'PATCH', '/v1/settings', { body: { [key]: value } })
}
