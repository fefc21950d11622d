import type { Change } from '@postern/shared/changes.ts'
import { t } from '#lib/composer-text.ts'
import { ApiError, call } from './api.ts'
import { app } from './app-state.ts'
import { writing } from './apply-change.ts'
import { retryLost } from './attachments.ts'
import {
  draftsHere,
  dropDraft,
  findDraft,
  forgetDrafts,
  isDirty,
  noteNewer,
  patchDraft,
  whenDraftsChange,
} from './draft-state.ts'
import { forgetIdentities, refreshIdentities } from './identities.ts'
import { answerOthers, forgetLocally, rememberPanels } from './local-drafts.ts'
import { learnWhetherSent } from './lost-answer.ts'
import { restoreDrafts } from './open-drafts.ts'
import { hearSubmission, loadOutbox } from './outbox.ts'
import { isSaving, saveEverything, saveNow, saveWaiting, settle } from './save-drafts.ts'
import { forgetTemplates, refreshTemplates } from './templates.ts'
import { dismiss, showToast } from './toasts.ts'

/**
 * Begins when the page is idle: listens to what other devices write and to what becomes of mail on its way, and brings back what
 * was open. `isWindow`: a draft in a window of its own, which leaves the others alone.
 */
export const startWriting = ({ isWindow }: { isWindow: boolean }): void => {
  writing.listener = listen
  answerOthers((id) => draftsHere().some((one) => one.id === id))
  // As long as they come back, those that are not here yet are not forgotten.
  whenDraftsChange(() => !isWindow && !isBringingBack && rememberPanels(draftsHere()))
  whenDraftsChange(sayBusy)
  addEventListener('beforeunload', holdBack)
  addEventListener('pagehide', saveEverything)
  document.addEventListener('visibilitychange', () => document.hidden && saveEverything())
  addEventListener('blur', leaveAll)
  addEventListener('focus', noteFocus)
  app.subscribe(watchSession(isWindow))
  begin(isWindow)
}

/** Files, and mail that is being sent, go only as long as the page is there. */
const holdBack = (event: BeforeUnloadEvent): void => {
  if (draftsHere().some((draft) => draft.uploading > 0 || draft.isSending)) event.preventDefault()
}

/** Said as long as it takes: the panel is closed already. */
let sendingToast: string | null = null
const sayBusy = (): void => {
  const isBusy = draftsHere().some(({ isSending }) => isSending)
  if (isBusy && !sendingToast) sendingToast = showToast({ kind: 'busy', text: t('compose.sending') }, aDayMs)
  if (isBusy || !sendingToast) return
  dismiss(sendingToast)
  sendingToast = null
}
const aDayMs = 86_400_000

const begin = (isWindow: boolean): void => {
  void refreshIdentities().catch(() => undefined)
  if (isWindow) return
  isBringingBack = true
  void restoreDrafts().finally(() => {
    isBringingBack = false
    rememberPanels(draftsHere())
  })
  void refreshOutbox()
}
let isBringingBack = false

/** The line comes back, the session is another one, or somebody else has signed in. */
const watchSession = (isWindow: boolean): (() => void) => {
  const read = () => {
    const { phase, isOnline, session, accounts } = app.get()
    return { isReady: phase === 'ready', isOnline, userId: session?.user.id, accounts }
  }
  let before = read()
  return () => {
    const [last, now] = [before, read()]
    before = now
    if (now.userId !== last.userId) {
      forgetDrafts()
      forgetIdentities()
      forgetTemplates()
      if (now.userId !== undefined) begin(isWindow)
    } else if (now.isReady && now.isOnline && !(last.isReady && last.isOnline)) {
      saveWaiting()
      retryLost()
      void refresh()
    } else if (now.accounts !== last.accounts && idsOf(now.accounts) !== idsOf(last.accounts))
      // One that is disconnected has no mail on its way; one that comes back may have.
      void refreshOutbox()
  }
}

const idsOf = (accounts: { id: string }[]): string => accounts.map(({ id }) => id).join()

/** Somebody looks at another window: what comes from there shows here. */
const leaveAll = (): void => {
  for (const { key, isFocused, save } of draftsHere()) {
    if (!isFocused) continue
    patchDraft(key, { isFocused: false })
    if (save.kind === 'changed') void saveNow(key)
    settle(key)
  }
}
const noteFocus = (): void => {
  const key = document.activeElement?.closest<HTMLElement>('[data-composer]')?.dataset.composer
  if (key) patchDraft(key, { isFocused: true })
}

/** What changed while the line was cut. */
const refresh = async (): Promise<void> => {
  for (const { key } of draftsHere()) await refreshDraft(key)
  refreshTemplates()
  void refreshIdentities().catch(() => undefined)
  await refreshOutbox()
}

const refreshDraft = async (key: string): Promise<void> => {
  const known = findDraft(key)
  if (!known || known.version === 0 || known.isSending) return
  if (await learnWhetherSent(key)) return void saveNow(key)
  const before = findDraft(key) ?? known
  const now = await call('getDraft', 'GET', `/v1/drafts/${before.id}`).catch((error: unknown) => {
    if (error instanceof ApiError && /^(?:not_found|request\.conflict)$/.test(error.code)) takeRemoval(before.id)
    return null
  })
  if (!now) return
  // What came or went here meanwhile is newer than that.
  if (findDraft(key)?.attachments === before.attachments) patchDraft(key, { attachments: now.attachments })
  if (now.version <= before.version) return
  noteNewer(key, now)
  settle(key)
}

const refreshOutbox = async (): Promise<void> => {
  await loadOutbox().catch(() => undefined)
}

const listen = (change: Change): void => {
  if (change.kind === 'identities') void refreshIdentities().catch(() => undefined)
  else if (change.kind === 'templates') refreshTemplates()
  else if (change.kind === 'submission') hearSubmission(change.submission)
  else if (change.kind === 'draft') takeDraft(change)
  else if (change.kind === 'draftRemoved') takeRemoval(change.draftId)
}

/** The own saves come back this way, too; they are known by their version. */
const takeDraft = ({ draft }: Extract<Change, { kind: 'draft' }>): void => {
  for (const { key, id, version } of draftsHere()) {
    if (id !== draft.id) continue
    patchDraft(key, { attachments: draft.attachments })
    if (draft.version <= version) continue
    noteNewer(key, draft)
    if (!isSaving(key)) settle(key)
  }
}

const takeRemoval = (draftId: string): void => {
  for (const draft of draftsHere()) {
    // What is not saved yet makes it a draft again.
    if (draft.id !== draftId || draft.isSending || draft.attempt || isDirty(draft)) continue
    dropDraft(draft.key)
    forgetLocally(draftId)
    if (!draft.isClosed) showToast({ kind: 'done', text: t('compose.goneElsewhere') })
  }
}
