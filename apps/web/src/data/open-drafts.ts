import type { Draft, DraftContent, DraftStart } from '@postern/shared/drafts.ts'
import { htmlOfLines } from '@postern/shared/written-lines.ts'
import { t } from '#lib/composer-text.ts'
import { newId } from '#lib/new-id.ts'
import { withSignature } from '#lib/signature.ts'
import { ApiError, call, explain } from './api.ts'
import { app, setting } from './app-state.ts'
import { uploadingOf } from './attachments.ts'
import type { ComposeWish } from './compose-wish.ts'
import {
  addDraft,
  draftsHere,
  dropDraft,
  findDraft,
  fromServer,
  isDirty,
  isSameContent,
  isUntouched,
  type OpenDraft,
  patchDraft,
  raiseDraft,
} from './draft-state.ts'
import { identitiesHere, identityOf, usualIdentity } from './identities.ts'
import { forgetLocally, isOpenElsewhere, readLocally } from './local-drafts.ts'
import { type Begun, rememberedPanels } from './open-panels.ts'
import { isSaving, saveNow, settle, whenSaved } from './save-drafts.ts'
import { showToast } from './toasts.ts'
import { tellDone, withdraw } from './undo-list.ts'

/** Opens what somebody wants to write in a panel of this page. What cannot be opened is told. */
export const openDraft = async (wish: ComposeWish): Promise<void> => {
  keepFocus()
  try {
    if (wish.kind === 'draft') await openKnown(wish.draftId, { place: 'docked', takesFocus: true })
    else if (wish.kind === 'new') await openNew(wish)
    else await openStarted(wish)
  } catch (error) {
    showToast({ kind: 'problem', text: explain(error) })
  }
}

/** `begun`: how it was begun in this tab, where nothing was written into it. Answers whether it is there. Throws ApiError. */
export const openKnown = async (
  id: string,
  how: Pick<OpenDraft, 'place' | 'takesFocus'>,
  begun: Begun | null = null,
): Promise<boolean> => {
  if (showAgain(id)) return true
  const kept = readLocally().find((one) => one.id === id)
  const draft = await call('getDraft', 'GET', `/v1/drafts/${id}`).catch((error: unknown) => {
    // What this browser has can be written on, whatever the server knows of it.
    if (kept) return null
    throw error
  })
  await identitiesHere().catch(() => undefined)
  if (showAgain(id)) return true
  if (kept) {
    const { content, tried } = kept
    // Its last save was taken, and only the answer lost: what was written since, if anything was, is upon that.
    const isTaken = draft !== null && [tried, content].some((one) => one && isSameContent(draft.content, one))
    const version = isTaken ? draft.version : kept.version
    const { key } = addDraft({
      ...(draft ? fromServer(draft) : { id, stored: null }),
      ...{ version, content, tried: isTaken ? null : (tried ?? null), save: { kind: 'changed' }, ...how },
    })
    void saveNow(key)
  } else if (draft)
    addDraft({ ...(draft.version === begun?.version ? asBegun(draft, begun) : fromServer(draft)), ...how })
  return true
}

/** The signature is put below it here, and goes to the server with the first save. */
const asBegun = (draft: Draft, { isSigned, attachments }: Omit<Begun, 'version'>) => {
  const identity = identityOf(draft.content.identityId)
  const content = identity && isSigned ? withSignature(draft.content, identity) : draft.content
  // Not said to be saved: nothing is, until something is written into it.
  return { ...fromServer(draft), content, begun: { content, attachments }, save: { kind: 'new' as const } }
}

const showAgain = (id: string): boolean => {
  const open = draftsHere().find((one) => one.id === id)
  if (!open) return false
  // The page says so.
  if (open.isSending) return true
  if (open.isClosed || open.place === 'minimized') patchDraft(open.key, { isClosed: false, place: 'docked' })
  raiseDraft(open.key)
  focusComposer(open.key)
  return true
}

/** Where somebody writes who is asked to: as soon as what was just changed is drawn, before the next key or press. */
export const focusComposer = (key: string): void =>
  queueMicrotask(() =>
    document.querySelector<HTMLElement>(`[data-composer="${key}"] :is([contenteditable="true"], textarea)`)?.focus(),
  )

const writesPlain = (): boolean => setting(app.get(), 'writesPlain', false)

/** At once: the server hears of it when something is written. */
const openNew = async ({ identityId, to = [], cc = [], bcc = [], subject = '', text = '' }: Begin): Promise<void> => {
  const identities = await identitiesHere()
  const identity = identities.find(({ id }) => id === identityId) ?? usualIdentity(identities)
  if (!identity) return void showToast({ kind: 'problem', text: t('compose.noIdentity') })
  const blank: DraftContent = {
    ...{ identityId: identity.id, to, cc, bcc, subject, text },
    html: writesPlain() ? null : htmlOfLines(text),
    about: null,
    ...{ quotes: false, wantsReceipt: false, wantsReport: false },
  }
  const content = withSignature(blank, identity)
  addDraft({ id: newId(), version: 0, content, begun: { content, attachments: [] }, takesFocus: true })
}
type Begin = Extract<DraftStart['start'], { kind: 'new' }>

/** What begins as somebody wrote it stays when it is closed, also where nothing was added. */
const isWritten = new Set(['continue', 'editAsNew', 'writeAgain'])
const signs = new Set(['reply', 'replyAll', 'forward', 'forwardAttached'])

const openStarted = async (start: Exclude<DraftStart['start'], { kind: 'new' }>): Promise<void> => {
  const isPlain = writesPlain() && start.kind !== 'writeAgain' ? { isPlain: true } : {}
  const [draft] = await Promise.all([
    call('startDraft', 'POST', '/v1/drafts', { body: { id: newId(), start: { ...start, ...isPlain } } }),
    identitiesHere(),
  ])
  if (showAgain(draft.id)) return
  const begun = { isSigned: signs.has(start.kind), attachments: draft.attachments.map(({ id }) => id) }
  addDraft({ ...(isWritten.has(start.kind) ? fromServer(draft) : asBegun(draft, begun)), takesFocus: true })
}

/** Saved, and out of sight. What nothing was written into goes. */
export const closeDraft = (key: string): void => {
  const draft = findDraft(key)
  if (!draft) return
  giveFocusBack(key)
  if (isUntouched(draft)) {
    forget(draft)
    return
  }
  patchDraft(key, { isClosed: true })
  void saveNow(key).then(() => {
    const left = findDraft(key)
    if (left?.isClosed && isDirty(left)) showToast({ kind: 'problem', text: t('compose.keptHere') })
  })
}

const forget = (draft: OpenDraft): void => {
  const gone = discardAt(draft)
  dropDraft(draft.key)
  forgetLocally(draft.id)
  gone.catch(() => undefined)
}

type Discarded = Pick<OpenDraft, 'id' | 'version'>

/** As far as it was seen here: what somebody wrote after that stays. A save that is under way says where it is then. */
const discardAt = async ({ key, id, version }: OpenDraft): Promise<Discarded> => {
  const seen = (await whenSaved(key)) ?? { id, version }
  if (seen.version > 0)
    await call('discardDraft', 'DELETE', `/v1/drafts/${seen.id}`, { query: { version: seen.version } })
  return seen
}

/** Gone, with a way back. */
export const discardDraft = (key: string): void => {
  const draft = findDraft(key)
  if (!draft) return
  giveFocusBack(key)
  const isMade = draft.version > 0 || isSaving(key)
  const gone = discardAt(draft).catch(async (error: unknown) => {
    if (error instanceof ApiError && error.code === 'not_found') return draft
    if (told) withdraw(told)
    await comeBack(draft, error)
    return null
  })
  dropDraft(key)
  forgetLocally(draft.id)
  const told =
    isUntouched(draft) && !isMade
      ? null
      : tellDone(t('compose.discarded'), () => void gone.then((seen) => seen && bringBack(draft, seen)))
}

/** It was not discarded. What somebody else wrote into it shows, beside what is not saved. */
const comeBack = async (draft: OpenDraft, error: unknown): Promise<void> => {
  const isConflict = error instanceof ApiError && error.code === 'request.conflict'
  const now = isConflict ? await call('getDraft', 'GET', `/v1/drafts/${draft.id}`).catch(() => null) : null
  const newer = now && now.version > draft.version ? now : null
  const back = addDraft({ ...draft, newer, uploading: uploadingOf(draft.key), revision: draft.revision + 1 })
  showToast({ kind: 'problem', text: newer ? t('compose.notDiscarded') : explain(error) })
  if (isUntouched(back)) settle(back.key)
  else void saveNow(back.key)
}

const bringBack = async (draft: OpenDraft, { id, version }: Discarded): Promise<void> => {
  const restored =
    version === 0
      ? { id: newId(), tried: null }
      : await call('restoreDraft', 'POST', `/v1/drafts/${id}/restore`).then(
          // A save may have been under way when it was discarded.
          (now) => ({ id, version: now.version, stored: now.content, tried: null }),
          (error: unknown) => void showToast({ kind: 'problem', text: explain(error) }),
        )
  const { key } = addDraft({ ...draft, ...restored, uploading: uploadingOf(draft.key), revision: draft.revision + 1 })
  if (!isUntouched(draft)) void saveNow(key)
}

/** To the row or button that had it before; where nothing has it, keys act on the page. */
let before: Element | null = null
export const keepFocus = (): void => {
  const { activeElement } = document
  if (activeElement && !activeElement.closest('[data-composer]')) before = activeElement
}
export const giveFocusBack = (key: string): void => {
  if (
    document.querySelector(`[data-composer="${key}"]`)?.contains(document.activeElement) &&
    before instanceof HTMLElement
  )
    before.focus({ preventScroll: true })
}

/**
 * What was open in this tab, and what a tab that crashed left behind. Nothing is asked: it is there. A copy of a tab remembers the
 * panels of the first one, where they still are.
 */
export const restoreDrafts = async (): Promise<void> => {
  const panels = rememberedPanels()
  const isElsewhere = await Promise.all(panels.map(({ id }) => isOpenElsewhere(id)))
  for (const { id, place, begun } of panels.filter((_, at) => !isElsewhere[at]))
    await openKnown(id, { place, takesFocus: false }, begun).catch(() => undefined)
  for (const { id } of readLocally()) {
    if (panels.some((one) => one.id === id) || draftsHere().some((one) => one.id === id)) continue
    if (!(await isOpenElsewhere(id))) await openKnown(id, { place: 'docked', takesFocus: false }).catch(() => undefined)
  }
}

/** Into a window of its own, which shows the same draft. */
export const popOut = async (key: string): Promise<void> => {
  const draft = findDraft(key)
  if (!draft) return
  if (draft.uploading > 0) return void showToast({ kind: 'problem', text: t('compose.notOutYet') })
  // Within the click: browsers block windows that open later.
  const opened = window.open('', '_blank', 'popup,width=760,height=760')
  if (!opened) return void showToast({ kind: 'problem', text: t('compose.blocked') })
  await saveNow(key)
  const saved = findDraft(key)
  if (saved?.save.kind !== 'saved') {
    opened.close()
    return void showToast({ kind: 'problem', text: t('compose.notOut') })
  }
  dropDraft(key)
  opened.location.href = `/compose?${new URLSearchParams({ draft: saved.id })}`
}
