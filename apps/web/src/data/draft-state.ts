import type { Draft, DraftAttachment, DraftContent } from '@postern/shared/drafts.ts'
import { newId } from '#lib/new-id.ts'
import { Observable, useObservable } from './observable.ts'

/** Where its panel is. */
export type Place = 'docked' | 'minimized' | 'full'
export type SaveState =
  | { kind: 'new' | 'changed' | 'saving' | 'offline' }
  | { kind: 'saved'; at: number }
  | { kind: 'failed'; reason: string }

/** A draft somebody writes on this page. */
export type OpenDraft = {
  /** Of its panel; a draft gets another id when somebody else wrote on meanwhile. */
  key: string
  id: string
  /** What was written here is upon this one; 0: the server has none. */
  version: number
  content: DraftContent
  /** As the server has it; null: it has something else. */
  stored: DraftContent | null
  /** Sent to be saved upon this version, without an answer yet: the server may have it. */
  tried: DraftContent | null
  /** As it was begun here; null: it was there before. */
  begun: { content: DraftContent; attachments: string[] } | null
  attachments: DraftAttachment[]
  /** Files on their way to it: until they are there it goes nowhere. */
  uploading: number
  place: Place
  save: SaveState
  /** Raised whenever the content comes from elsewhere. */
  revision: number
  isFocused: boolean
  /** Opened by hand: whoever did wants to write. */
  takesFocus: boolean
  /** Came from elsewhere while this one was written on. */
  newer: Draft | null
  /** The draft that somebody else wrote on meanwhile; this one is beside it. */
  otherId: string | null
  /** Why it was not sent. */
  problem: string | null
  /** Out of sight: it goes as soon as it is saved, or sent. */
  isClosed: boolean
  /** Of the attempt to send it, so that the same mail never goes twice. */
  attempt: { submissionId: string; version: number } | null
  /** From the command to the answer; leaving the page meanwhile would stop it. */
  isSending: boolean
}

type State = { list: OpenDraft[] }
const state = new Observable<State>({ list: [] })

export const useDrafts = <Picked>(select: (list: OpenDraft[]) => Picked): Picked =>
  useObservable(state, ({ list }) => select(list))
export const draftsHere = (): OpenDraft[] => state.get().list
export const whenDraftsChange = (listener: () => void): (() => void) => state.subscribe(listener)
export const findDraft = (key: string): OpenDraft | undefined => draftsHere().find((one) => one.key === key)

export const patchDraft = (key: string, change: Partial<OpenDraft>): void =>
  state.set(({ list }) => ({ list: list.map((one) => (one.key === key ? { ...one, ...change } : one)) }))

/** As somebody wrote it elsewhere, unless what was told before is newer: an answer may be older than the news. */
export const noteNewer = (key: string, newer: Draft): void => {
  const draft = findDraft(key)
  if (draft && newer.version > Math.max(draft.version, draft.newer?.version ?? 0)) patchDraft(key, { newer })
}

export const dropDraft = (key: string): void =>
  state.set(({ list }) => ({ list: list.filter((one) => one.key !== key) }))

/** The newest is the one that stays open where there is room for one. */
export const raiseDraft = (key: string): void =>
  state.set(({ list }) => ({
    list: [...list.filter((one) => one.key !== key), ...list.filter((one) => one.key === key)],
  }))

/** Somebody else sits here now: what is not saved is kept in this browser, for whoever wrote it. */
export const forgetDrafts = (): void => state.set({ list: [] })

export const addDraft = (draft: Pick<OpenDraft, 'id' | 'version' | 'content'> & Partial<OpenDraft>): OpenDraft => {
  const added: OpenDraft = {
    key: newId(),
    stored: null,
    tried: null,
    begun: null,
    attachments: [],
    uploading: 0,
    place: 'docked',
    save: { kind: 'new' },
    revision: 0,
    isFocused: false,
    takesFocus: false,
    newer: null,
    otherId: null,
    problem: null,
    isClosed: false,
    attempt: null,
    isSending: false,
    ...draft,
  }
  state.set(({ list }) => ({ list: [...list, added] }))
  return added
}

/** A mail that was taken back is written on: in its own panel, where that is still open. */
export const showReturned = (draft: Draft, place: Place = 'docked'): void => {
  const open = draftsHere().find(({ id }) => id === draft.id)
  // On its way again: that has an end of its own.
  if (open?.isSending) return
  if (!open) return void addDraft({ ...fromServer(draft), place, takesFocus: true })
  const isBehind = !isDirty(open) && draft.version > open.version
  patchDraft(open.key, {
    ...(isBehind ? { ...fromServer(draft), begun: null, newer: null, revision: open.revision + 1 } : {}),
    ...{ attempt: null, problem: null, isClosed: false },
    place: open.place === 'minimized' ? place : open.place,
  })
  raiseDraft(open.key)
}

/** As the server has it. */
export const fromServer = ({ id, version, content, attachments, updatedAt }: Draft) => ({
  id,
  version,
  content,
  stored: content,
  tried: null,
  attachments,
  save: { kind: 'saved' as const, at: Date.parse(updatedAt) },
})

export const isSameContent = (a: DraftContent | null, b: DraftContent | null): boolean =>
  a === b || JSON.stringify(a && sorted(a)) === JSON.stringify(b && sorted(b))

/** The server may name the fields in another order. */
const sorted = (content: DraftContent): unknown => [
  content.identityId,
  ...[content.to, content.cc, content.bcc].map((list) => list.map(({ name, address }) => [name, address])),
  content.subject,
  // Of a rich one the server makes the text.
  content.html === null ? content.text : content.html,
  content.html === null,
  content.about?.messageId,
  content.about?.kind,
  content.quotes,
  content.wantsReceipt,
  content.wantsReport,
]

/** Somebody gets it. */
export const isAddressed = ({ to, cc, bcc }: DraftContent): boolean => to.length + cc.length + bcc.length > 0

export const isDirty = ({ content, stored }: OpenDraft): boolean => !isSameContent(content, stored)

/** Nothing was written into it: it may go without a word. */
export const isUntouched = ({ begun, content, attachments, uploading }: OpenDraft): boolean =>
  begun !== null &&
  uploading === 0 &&
  isSameContent(begun.content, content) &&
  begun.attachments.length === attachments.length &&
  attachments.every(({ id }) => begun.attachments.includes(id))
