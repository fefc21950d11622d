import type { Draft } from '@postern/shared/drafts.ts'
import type { Submission, WallTime } from '@postern/shared/submissions.ts'
import { t } from '#lib/composer-text.ts'
import { writeDeparture } from '#lib/departure-text.ts'
import { newId } from '#lib/new-id.ts'
import { ApiError, call, explain } from './api.ts'
import { app, setting } from './app-state.ts'
import { dropDraft, findDraft, isDirty, noteNewer, type OpenDraft, type Place, patchDraft } from './draft-state.ts'
import { forgetLocally } from './local-drafts.ts'
import { learnWhetherSent } from './lost-answer.ts'
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
    // One that was not answered may have been taken, whatever was written since.
    patchDraft(key, { attempt: draft.attempt && before.attempt })
    return comeBack(reason)
  }
  const begin = () => {
    const attempt = { submissionId: newId(), version: draft.version }
    patchDraft(key, { attempt })
    return attempt.submissionId
  }
  const again = draft.attempt?.version === draft.version ? draft.attempt.submissionId : null
  const holdSeconds = sendAt ? 0 : setting(app.get(), 'undoSendSeconds', 10)
  try {
    const wanted = { draftId: draft.id, version: draft.version, holdSeconds, sendAt }
    let submission = await create({ id: again ?? begin(), ...wanted })
    // The earlier attempt had been taken, and was taken back.
    if (again && submission.state === 'cancelled') submission = await create({ id: begin(), ...wanted })
    if (submission.state === 'cancelled') {
      patchDraft(key, { attempt: null })
      return comeBack(t('compose.takenBack'))
    }
    dropDraft(key)
    forgetLocally(draft.id)
    tellTaken(showMade(submission), { holdSeconds, sendAt, place: before.place })
  } catch (error) {
    const isConflict = error instanceof ApiError && error.code === 'request.conflict'
    if (isConflict && (await learnWhetherSent(key))) return comeBack(findDraft(key)?.problem ?? '')
    // Without an answer it may have been taken: the next attempt is the same one.
    if (error instanceof ApiError && error.code !== 'unreachable') patchDraft(key, { attempt: null })
    const now = isConflict ? await lookAt(draft) : 'same'
    if (now === 'leaving') {
      dropDraft(key)
      showToast({ kind: 'done', text: t('compose.goneElsewhere') })
      return
    }
    comeBack(now === 'same' ? explain(error) : t('compose.changedElsewhere'))
    if (now === 'same') return
    noteNewer(key, now)
    showNewer(key)
  }
}

/** What somebody did with it elsewhere without this page having heard of that. */
const lookAt = ({ id, version }: OpenDraft): Promise<Draft | 'same' | 'leaving'> =>
  call('getDraft', 'GET', `/v1/drafts/${id}`).then(
    (now) => (now.version > version ? now : 'same'),
    (error: unknown) => (error instanceof ApiError && error.code === 'request.conflict' ? 'leaving' : 'same'),
  )

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
