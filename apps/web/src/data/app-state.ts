import type { Account, AccountKind, ServerSettings } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { Message, MessageBody } from '@postern/shared/messages.ts'
import type { CurrentSession } from '@postern/shared/sessions.ts'
import type { Submission } from '@postern/shared/submissions.ts'
import { call } from './api.ts'
import { Observable, useObservable } from './observable.ts'
import type { ThreadList } from './thread-list.ts'

/** Everything the screens show, normalised. Screens read with `useApp`, and change it through the functions here. */
export type Filter = 'all' | 'unread' | 'flagged' | 'attachments'
export type AppState = {
  phase: 'starting' | 'unreachable' | 'signedOut' | 'ready' | 'expired'
  session: CurrentSession | null
  isOnline: boolean
  accounts: Account[]
  /** Whose mail was looked at last: its inbox is the one that is gone to. */
  lastAccountId: string | null
  mailboxes: Record<string, Mailbox>
  /** By list key: mailbox and filter. */
  lists: Record<string, ThreadList>
  threads: Record<string, Message[]>
  /** Conversations that a mail has joined with another one: which they are now. */
  merged: Record<string, string>
  bodies: Record<string, MessageBody | { failed: string }>
  /** Threads that arrived while somebody looked elsewhere in the list. */
  arrived: Record<string, string[]>
  /** Grows with each report that comes in: conversations that are open ask again. */
  notesSeen: number
  /** The server has a newer page than this one. */
  hasNewVersion: boolean
  /** Somebody writes, or is about to (compose-wish.ts). */
  hasComposers: boolean
  /** What is on its way out and not over (outbox.ts). */
  outbox: Submission[]
  /** Mail is being brought in, or about to be (transfers.ts). */
  hasTransfers: boolean
  /** Typed to add a mailbox that this account shows already: what changing it to that server begins with. Nowhere else. */
  typedLogin: { accountId: string; kind: AccountKind; incoming: ServerSettings; password: string } | null
}

export const blank: AppState = {
  phase: 'starting',
  session: null,
  isOnline: true,
  accounts: [],
  lastAccountId: null,
  mailboxes: {},
  lists: {},
  threads: {},
  merged: {},
  bodies: {},
  arrived: {},
  notesSeen: 0,
  hasNewVersion: false,
  hasComposers: false,
  outbox: [],
  hasTransfers: false,
  typedLogin: null,
}
export const app = new Observable<AppState>(blank)
export const useApp = <Picked>(select: (state: AppState) => Picked): Picked => useObservable(app, select)

export const listKey = (mailboxId: string, filter: Filter): string => `${mailboxId}:${filter}`
const maxBodies = 300

const opening = new Map<string, Promise<void>>()
const once = (name: string, work: () => Promise<void>): Promise<void> => {
  const under = opening.get(name)
  if (under) return under
  const started = work().finally(() => opening.delete(name))
  opening.set(name, started)
  return started
}

const changed = new Set<string>()
const note = (name: string): void => {
  if (opening.has(name)) changed.add(name)
}
/** Says that a conversation is another one now than when a request under way was sent. */
export const noteThread = (threadId: string): void => note(`thread:${threadId}`)
/** Says that there is more of a body now. */
export const noteBody = (messageId: string): void => note(`body:${messageId}`)
const maxAsks = 3

/** Asks again, a few times, when what was asked for changed while the answer was on its way. */
const askFresh = async <Answer>(
  name: string,
  ask: () => Promise<Answer>,
  isOutdated: (answer: Answer) => boolean = () => true,
): Promise<Answer> => {
  for (let asked = 1; ; asked++) {
    changed.delete(name)
    const answer = await ask()
    if (asked === maxAsks || !changed.has(name) || !isOutdated(answer)) return answer
  }
}

export const loadThread = (threadId: string): Promise<void> =>
  once(`thread:${threadId}`, async () => {
    const answer = await askFresh(`thread:${threadId}`, () => call('getThread', 'GET', `/v1/threads/${threadId}`))
    if (answer.threadId !== threadId) return followMerge(threadId, answer.threadId)
    app.set((state) => ({ threads: { ...state.threads, [threadId]: answer.messages } }))
  })

/** A conversation is a part of another one now. What is shown of it stays until that one is here. */
export const followMerge = async (threadId: string, winnerId: string): Promise<void> => {
  await loadThread(winnerId)
  app.set(({ threads: { [threadId]: _, ...threads }, merged }) => ({
    threads,
    merged: { ...merged, [threadId]: winnerId },
  }))
}

/** Could not be loaded, or was not here yet. */
export const isMissing = (body: AppState['bodies'][string]): boolean => 'failed' in body || body.state === 'absent'
/** There may be more of it by now. */
export const isPartial = (body: AppState['bodies'][string]): boolean =>
  'failed' in body || body.isHeaderOnly || isMissing(body)

/** `isOutdated`: what is known of it stays until the answer is here. Throws where that does not come. */
export const loadBody = (messageId: string, isOutdated = false): Promise<void> =>
  once(`body:${messageId}`, async () => {
    const known = app.get().bodies[messageId]
    if (known && !('failed' in known) && !isOutdated) return
    const ask = () =>
      call('getMessageBody', 'GET', `/v1/messages/${messageId}/body`).catch((error: unknown) => ({
        failed: error instanceof Error ? error.message : '',
      }))
    const body = await askFresh(`body:${messageId}`, ask, isPartial)
    if (known && 'failed' in body && !('failed' in known)) throw new Error(body.failed)
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

/** Shown at once; put back when it cannot be stored. Throws ApiError. */
export const saveSetting = async (key: string, value: SettingValue): Promise<void> => {
  const before = app.get().session?.settings[key]
  const show = (shown: unknown) =>
    app.set(({ session }) =>
      session ? { session: { ...session, settings: { ...session.settings, [key]: shown } } } : {},
    )
  show(value)
  await call('patchSettings', 'PATCH', '/v1/settings', { body: { [key]: value } }).catch((error: unknown) => {
    // Something else was chosen since.
    if (app.get().session?.settings[key] === value) show(before)
    throw error
  })
}
