import type { Draft, DraftAttachment, DraftContent } from '@postern/shared/drafts.ts'
import { ApiError, call, explain, failureOf } from './api.ts'
import {
  draftsHere,
  dropDraft,
  findDraft,
  fromServer,
  isDirty,
  isSameContent,
  isUntouched,
  type OpenDraft,
  patchDraft,
} from './draft-state.ts'
import { forgetLocally, keepLocally } from './local-drafts.ts'
import { learnWhetherSent, leaveGone } from './lost-answer.ts'

/**
 * Saves what is written: to this browser at once, to the server after a pause. Of each draft one save is under way at a time, and
 * what changed meanwhile is saved after it.
 */
const pauseMs = 1000
const firstRetryMs = 2000
const mostRetryMs = 30_000
const timers = new Map<string, ReturnType<typeof setTimeout>>()
const running = new Map<string, Promise<Saved | null>>()
/** Where the server has it since; null: it took nothing. */
type Saved = Pick<Draft, 'id' | 'version'>
const failures = new Map<string, number>()
/** Where somebody sits but has written nothing for this long, what comes from elsewhere shows. */
const followAfterMs = 2000
const changedAt = new Map<string, number>()
const following = new Map<string, ReturnType<typeof setTimeout>>()

export const changeDraft = (key: string, change: Partial<DraftContent>): void => {
  const draft = findDraft(key)
  if (!draft) return
  const content = { ...draft.content, ...change }
  patchDraft(key, { content, save: { kind: 'changed' }, problem: null })
  changedAt.set(key, Date.now())
  keepLocally({ ...draft, content })
  plan(key, pauseMs)
}

const plan = (key: string, afterMs: number): void => {
  clearTimeout(timers.get(key))
  timers.set(
    key,
    setTimeout(() => void saveNow(key), afterMs),
  )
}

/** Comes back when the server has everything, or could not take it. */
export const saveNow = (key: string): Promise<Saved | null> => {
  clearTimeout(timers.get(key))
  const under = running.get(key)
  if (under) return under
  const work = saveAll(key).finally(() => {
    running.delete(key)
    settle(key)
  })
  running.set(key, work)
  return work
}

export const isSaving = (key: string): boolean => running.has(key)

/** What is under way has its answer, whatever that is. */
export const whenSaved = (key: string): Promise<Saved | null> => running.get(key) ?? Promise.resolve(null)

/** Before the page goes away: what the browser may still send. */
export const saveEverything = (): void => {
  for (const draft of draftsHere()) if (isDirty(draft) && !isUntouched(draft)) void saveNow(draft.key)
}

const saveAll = async (key: string): Promise<Saved | null> => {
  let saved: Saved | null = null
  for (let hasLeft = false; ; ) {
    const draft = findDraft(key)
    if (!draft) return saved
    if (!isDirty(draft) && !draft.tried && draft.version > 0) {
      // Written and taken back, or kept by a browser that had not heard of its save.
      if (draft.save.kind !== 'saved') patchDraft(key, { save: { kind: 'saved', at: Date.now() } })
      forgetLocally(draft.id)
      return saved
    }
    const { id, version } = draft
    // What may have been taken goes as it was: anything else upon this version would be somebody else's text to the server.
    const content = draft.tried ?? draft.content
    patchDraft(key, { save: { kind: 'saving' }, tried: content })
    try {
      const { draft: answer, isOther } = await call('saveDraft', 'PUT', `/v1/drafts/${id}`, {
        body: { baseVersion: version, content },
      })
      failures.delete(key)
      saved = answer
      take(key, { sentId: id, content, answer, isOther })
    } catch (error) {
      if (await learnWhetherSent(key)) continue
      // Once: what is refused as a new one, too, is so for another reason.
      if (!hasLeft && (await leaveGone(key, error))) {
        hasLeft = true
        continue
      }
      fail(key, error)
      return saved
    }
  }
}

/** What was sent is stored; what was written since then is not. */
const take = (
  key: string,
  { sentId, content, answer, isOther }: { sentId: string; content: DraftContent; answer: Draft; isOther: boolean },
): void => {
  const draft = findDraft(key)
  if (!draft) return
  const isAll = isSameContent(draft.content, content)
  patchDraft(key, {
    id: answer.id,
    version: answer.version,
    stored: content,
    tried: null,
    // Of its own ones it hears as they come and go, which may be after this was answered.
    ...(isOther || draft.stored === null ? { attachments: answer.attachments.map((one) => arrived(draft, one)) } : {}),
    save: isAll ? { kind: 'saved', at: Date.now() } : { kind: 'changed' },
    ...(isOther ? { otherId: sentId, newer: null } : {}),
  })
  if (isAll || isOther) forgetLocally(sentId)
  if (!isAll) keepLocally({ ...draft, id: answer.id, version: answer.version, tried: null })
}

/** It may have come while the answer was on its way. */
const arrived = ({ attachments }: OpenDraft, told: DraftAttachment): DraftAttachment =>
  attachments.find(({ id, state }) => id === told.id && state === 'here') ?? told

const fail = (key: string, error: unknown): void => {
  const isAnswered = error instanceof ApiError && error.code !== 'unreachable'
  // A refused one is not tried for ever: what is written next may be taken.
  if (isAnswered) patchDraft(key, { tried: null })
  const draft = findDraft(key)
  if (!draft) return
  const isKept = keepLocally(draft)
  const isAway = failureOf(error) === 'offline' && isKept
  patchDraft(key, { save: isAway ? { kind: 'offline' } : { kind: 'failed', reason: explain(error) } })
  const failed = (failures.get(key) ?? 0) + 1
  failures.set(key, failed)
  plan(key, Math.min(mostRetryMs, firstRetryMs * 2 ** (failed - 1)))
}

/** After a save, and when nobody writes here any more: what came from elsewhere shows, what is out of sight goes. */
export const settle = (key: string): void => {
  const draft = findDraft(key)
  if (!draft || isSaving(key)) return
  if (draft.isClosed && !draft.isSending && draft.uploading === 0 && (!isDirty(draft) || isUntouched(draft))) {
    dropDraft(key)
    return
  }
  if (!draft.newer || (isDirty(draft) && !isUntouched(draft)) || draft.isSending) return
  const leftMs = draft.isFocused ? (changedAt.get(key) ?? 0) + followAfterMs - Date.now() : 0
  clearTimeout(following.get(key))
  if (leftMs > 0)
    following.set(
      key,
      setTimeout(() => settle(key), leftMs),
    )
  else showNewer(key)
}

/** What was written elsewhere, in place of a text that was saved before it. */
export const showNewer = (key: string): void => {
  const draft = findDraft(key)
  if (!draft?.newer) return
  const { newer } = draft
  patchDraft(key, {
    newer: null,
    ...(newer.version > draft.version ? { ...fromServer(newer), begun: null, revision: draft.revision + 1 } : {}),
  })
}

/** The line is back: now, not when the next try is due. */
export const saveWaiting = (): void => {
  for (const { key, save } of draftsHere()) if (save.kind === 'offline' || save.kind === 'failed') void saveNow(key)
}
