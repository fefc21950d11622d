import { t } from '#lib/composer-text.ts'
import { newId } from '#lib/new-id.ts'
import { ApiError, call } from './api.ts'
import { dropDraft, findDraft, isDirty, type OpenDraft, patchDraft } from './draft-state.ts'
import { forgetLocally, keepLocally } from './local-drafts.ts'
import { showSubmission } from './outbox.ts'
import { showToast } from './toasts.ts'
import { tellSending } from './told-sending.ts'

/**
 * Asks what became of a mail whose sending was never answered. If it was taken, its draft is gone, and what was written since is a
 * draft of its own. Answers whether it was.
 */
export const learnWhetherSent = async (key: string): Promise<boolean> => {
  const submissionId = findDraft(key)?.attempt?.submissionId
  if (!submissionId) return false
  const submission = await call('getSubmission', 'GET', `/v1/submissions/${submissionId}`).catch(() => null)
  const draft = findDraft(key)
  if (!submission || draft?.attempt?.submissionId !== submissionId) return false
  if (submission.state === 'cancelled') {
    // Taken back meanwhile: it goes, if it does, as another one.
    patchDraft(key, { attempt: null })
    return false
  }
  showSubmission(submission)
  if (isDirty(draft)) beginAnew(draft, t('compose.sentBefore'))
  else {
    dropDraft(key)
    forgetLocally(draft.id)
    tellSending(submission, null)
  }
  return true
}

/**
 * A save was refused: answers whether that draft takes nothing more, as it is on its way out or gone. What is written here is a
 * draft of its own then.
 */
export const leaveGone = async (key: string, error: unknown): Promise<boolean> => {
  const code = error instanceof ApiError ? error.code : null
  const known = findDraft(key)
  // An identity that is gone is answered alike.
  const isRemoved = code === 'not_found' && known !== undefined && known.version > 0 && (await isGone(known.id))
  const draft = findDraft(key)
  if (!draft || !(isRemoved || code === 'request.conflict')) return false
  beginAnew(draft, t(isRemoved ? 'compose.removedBefore' : 'compose.leftBefore'))
  return true
}

const isGone = (id: string): Promise<boolean> =>
  call('getDraft', 'GET', `/v1/drafts/${id}`).then(
    () => false,
    (error: unknown) => error instanceof ApiError && error.code === 'not_found',
  )

const beginAnew = ({ key, id, content, attachments, isClosed, isSending }: OpenDraft, why: string): void => {
  forgetLocally(id)
  const fresh = { id: newId(), version: 0, content, tried: null }
  keepLocally(fresh)
  const problem = attachments.length > 0 ? `${why} ${t('compose.withoutFiles')}` : why
  patchDraft(key, {
    ...{ ...fresh, stored: null, attachments: [], attempt: null, newer: null, otherId: null },
    ...{ save: { kind: 'changed' }, problem },
  })
  if (isClosed && !isSending) showToast({ kind: 'problem', text: problem })
}
