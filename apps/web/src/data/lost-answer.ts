import { t } from '#lib/composer-text.ts'
import { newId } from '#lib/new-id.ts'
import { call } from './api.ts'
import { dropDraft, findDraft, isDirty, patchDraft } from './draft-state.ts'
import { forgetLocally, keepLocally } from './local-drafts.ts'
import { showSubmission } from './outbox.ts'
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
  if (!submission || submission.state === 'cancelled' || draft?.attempt?.submissionId !== submissionId) return false
  showSubmission(submission)
  forgetLocally(draft.id)
  if (isDirty(draft)) {
    const fresh = { id: newId(), version: 0, content: draft.content, tried: null }
    keepLocally(fresh)
    patchDraft(key, {
      ...{ ...fresh, stored: null, attachments: [], attempt: null },
      ...{ save: { kind: 'changed' }, problem: t('compose.sentBefore') },
    })
  } else {
    dropDraft(key)
    tellSending(submission, null)
  }
  return true
}
