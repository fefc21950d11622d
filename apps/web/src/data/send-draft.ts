import type { Submission, WallTime } from '@postern/shared/submissions.ts'
import { t } from '#lib/composer-text.ts'
import { writeDeparture } from '#lib/departure-text.ts'
import { newId } from '#lib/new-id.ts'
import { ApiError, call, explain } from './api.ts'
import { app, setting } from './app-state.ts'
import { dropDraft, findDraft, isDirty, type Place, patchDraft } from './draft-state.ts'
import { forgetLocally } from './local-drafts.ts'
import { showMade, takeBack } from './outbox.ts'
import { saveNow, showNewer } from './save-drafts.ts'
import { showToast } from './toasts.ts'
import { tellSending } from './told-sending.ts'
import { tellDone } from './undo-list.ts'

const retriesMs = [1000, 2000, 4000]

/**
 * The panel closes at once, and comes back as it was when this is taken back or refused. Asked again, the same version goes under
 * the same id: it is sent once.
 */
export const sendDraft = async (key: string, sendAt: WallTime | null): Promise<void> => {
  const before = findDraft(key)
  if (!before) return
  patchDraft(key, {
    isClosed: true,
    isSending: true,
    problem: null,
    attempt: before.attempt ?? { submissionId: newId(), version: 0 },
  })
  await saveNow(key)
  const draft = findDraft(key)
  if (!draft) return
  const comeBack = (problem: string) =>
    patchDraft(key, { isClosed: false, isSending: false, place: before.place, problem })
  // Seen while it was saved: an earlier attempt was taken, and this is another mail.
  if (draft.problem) return comeBack(draft.problem)
  if (isDirty(draft)) {
    const reason = draft.save.kind === 'failed' ? draft.save.reason : t('compose.offlineSend')
    patchDraft(key, { attempt: null })
    return comeBack(reason)
  }
  const attempt =
    draft.attempt?.version === draft.version ? draft.attempt : { submissionId: newId(), version: draft.version }
  patchDraft(key, { attempt })
  const holdSeconds = sendAt ? 0 : setting(app.get(), 'undoSendSeconds', 10)
  try {
    const submission = await create({
      id: attempt.submissionId,
      draftId: draft.id,
      ...{ version: draft.version, holdSeconds, sendAt },
    })
    dropDraft(key)
    forgetLocally(draft.id)
    tellTaken(showMade(submission), { holdSeconds, sendAt, place: before.place })
  } catch (error) {
    // Without an answer it may have been taken: the next attempt is the same one.
    if (error instanceof ApiError && error.code !== 'unreachable') patchDraft(key, { attempt: null })
    const isBehind = error instanceof ApiError && error.code === 'request.conflict' && (await learnNewer(key))
    comeBack(isBehind ? t('compose.changedElsewhere') : explain(error))
    if (isBehind) showNewer(key)
  }
}

/** Answers whether somebody wrote on it elsewhere without this page having heard of that. */
const learnNewer = async (key: string): Promise<boolean> => {
  const draft = findDraft(key)
  if (!draft) return false
  const newer = await call('getDraft', 'GET', `/v1/drafts/${draft.id}`).catch(() => null)
  if (!newer || newer.version <= draft.version) return false
  patchDraft(key, { newer })
  return true
}

type Wanted = { id: string; draftId: string; version: number; holdSeconds: number; sendAt: WallTime | null }

const create = async (wanted: Wanted): Promise<Submission> => {
  const body = { ...wanted, zoneMinutes: -new Date().getTimezoneOffset() }
  for (const waitMs of retriesMs)
    try {
      return await call('createSubmission', 'POST', '/v1/submissions', { body })
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'unreachable') throw error
      await new Promise((done) => setTimeout(done, waitMs))
    }
  return call('createSubmission', 'POST', '/v1/submissions', { body })
}

const tellTaken = (submission: Submission, { holdSeconds, sendAt, place }: Choice): void => {
  const back = () =>
    void takeBack(submission.id, place).catch((error: unknown) => showToast({ kind: 'problem', text: explain(error) }))
  const canUndo = submission.canCancel
  if (sendAt) tellDone(writeDeparture(sendAt), canUndo ? back : undefined)
  // Nothing is offered that is too late.
  else tellSending(submission, canUndo && holdSeconds > 0 ? { takeBack: back, forMs: holdSeconds * 1000 } : null)
}
type Choice = { holdSeconds: number; sendAt: WallTime | null; place: Place }
