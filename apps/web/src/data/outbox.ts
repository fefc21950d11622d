import type { Submission, SubmissionState, WallTime } from '@postern/shared/submissions.ts'
import { t } from '#lib/composer-text.ts'
import { navigate } from '#lib/route.ts'
import { ApiError, call, explain } from './api.ts'
import { app } from './app-state.ts'
import { type Place, showReturned } from './draft-state.ts'
import { showToast } from './toasts.ts'
import { tellProgress } from './told-sending.ts'

/** What is on its way out: kept as the server tells, and what can be done about it. */
const hasEnded = (state: SubmissionState): boolean => state === 'sent' || state === 'cancelled'
const isOver = ({ state, isDismissed }: Submission): boolean => isDismissed || hasEnded(state)
const troubles: Partial<Record<SubmissionState, 'outbox.failedToast' | 'outbox.partlyToast' | 'outbox.doubtToast'>> = {
  failed: 'outbox.failedToast',
  partly_sent: 'outbox.partlyToast',
  in_doubt: 'outbox.doubtToast',
}

/** An answer may come after the news of what happened since. */
const ended = new Map<string, Submission>()
const isEarlier = ({ id, state }: Submission): boolean => ended.has(id) && /^(scheduled|queued|sending)$/.test(state)

export const showSubmission = (submission: Submission): void => {
  if (isEarlier(submission)) return
  if (hasEnded(submission.state)) ended.set(submission.id, submission)
  tellProgress(submission)
  const before = app.get().outbox.find(({ id }) => id === submission.id)
  app.set(({ outbox }) => ({
    outbox: isOver(submission)
      ? outbox.filter(({ id }) => id !== submission.id)
      : before
        ? outbox.map((other) => (other.id === submission.id ? submission : other))
        : [submission, ...outbox],
  }))
  const title = submission.subject || t('view.noSubject')
  // The doubt ended by itself, and with it the line that told of it.
  if (before?.state === 'in_doubt' && submission.state === 'sent' && submission.evidence.length > 0)
    showToast({ kind: 'done', text: t('outbox.foundToast', { subject: title }) })
  const isLate = submission.state === 'deferred' && submission.toldAt !== null
  const trouble = isLate ? 'outbox.lateToast' : troubles[submission.state]
  const isTold = before?.state === submission.state && before.toldAt === submission.toldAt
  if (!trouble || isTold || submission.isDismissed) return
  showToast({
    kind: 'problem',
    text: t(trouble, { subject: title }),
    action: { label: t('outbox.open'), run: () => navigate('/outbox') },
  })
}

/** To the request that made it, which may be older than what is known by now. Answers how far it is. */
export const showMade = (submission: Submission): Submission => {
  const known = ended.get(submission.id) ?? app.get().outbox.find(({ id }) => id === submission.id)
  if (!known) showSubmission(submission)
  return known ?? submission
}

export const forgetSubmission = (id: string): void =>
  app.set(({ outbox }) => ({ outbox: outbox.filter((other) => other.id !== id) }))

/** It is a draft again, and opens. Throws ApiError. */
export const takeBack = async (id: string, place: Place = 'docked'): Promise<void> => {
  const { submission, draft } = await call('cancelSubmission', 'POST', `/v1/submissions/${id}/cancel`)
  showSubmission(submission)
  if (draft) showReturned(draft, place)
}

/** Throws ApiError. */
export const retry = async (id: string): Promise<void> =>
  showSubmission(await call('retrySubmission', 'POST', `/v1/submissions/${id}/retry`))

/** Null: as soon as possible. Throws ApiError. */
export const reschedule = async (id: string, sendAt: WallTime | null): Promise<void> =>
  showSubmission(await call('patchSubmission', 'PATCH', `/v1/submissions/${id}`, { body: { sendAt } }))

/** Throws ApiError. */
export const decide = async (id: string, decision: 'arrived' | 'sendAgain' | 'backToDraft'): Promise<void> => {
  const { submission, draft } = await call('decideSubmission', 'POST', `/v1/submissions/${id}/decision`, {
    body: { decision },
  })
  showSubmission(submission)
  if (draft) showReturned(draft)
}

/** Put away on every device; back when that could not be said. */
export const putAway = async (submission: Submission): Promise<void> => {
  forgetSubmission(submission.id)
  try {
    await call('dismissSubmission', 'POST', `/v1/submissions/${submission.id}/dismiss`)
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not_found') return
    showSubmission(submission)
    showToast({ kind: 'problem', text: explain(error) })
  }
}
