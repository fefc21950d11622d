import type { Draft } from '@postern/shared/drafts.ts'
import type { Submission, SubmissionState, WallTime } from '@postern/shared/submissions.ts'
import { t } from '#lib/composer-text.ts'
import { navigate } from '#lib/route.ts'
import { isLate, lacksCopy } from '#lib/submission-needs.ts'
import { ApiError, call, explain } from './api.ts'
import { app } from './app-state.ts'
import { type Place, showReturned } from './draft-state.ts'
import { showToast } from './toasts.ts'
import { tellProgress } from './told-sending.ts'

/** What is on its way out: kept as the server tells, and what can be done about it. */
const hasEnded = (state: SubmissionState): boolean => state === 'sent' || state === 'cancelled'
const isOver = (submission: Submission): boolean =>
  submission.isDismissed || (hasEnded(submission.state) && !lacksCopy(submission))
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
  for (const told of meanwhile) told.push(submission)
  const before = app.get().outbox.find(({ id }) => id === submission.id)
  app.set(({ outbox }) => ({ outbox: withSubmission(outbox, submission) }))
  const title = submission.subject || t('view.noSubject')
  // The doubt ended by itself, and with it the line that told of it.
  if (before?.state === 'in_doubt' && submission.state === 'sent' && submission.evidence.length > 0)
    showToast({ kind: 'done', text: t('outbox.foundToast', { subject: title }) })
  const trouble = troubleOf(submission)
  const isTold = before !== undefined && troubleOf(before) === trouble
  if (!trouble || isTold || submission.isDismissed) return
  showToast({
    kind: 'problem',
    text: t(trouble, { subject: title }),
    action: { label: t('outbox.open'), run: () => navigate('/outbox') },
  })
}

const troubleOf = (submission: Submission) => {
  if (isLate(submission)) return 'outbox.lateToast'
  return lacksCopy(submission) ? 'outbox.copyToast' : troubles[submission.state]
}

const withSubmission = (outbox: Submission[], submission: Submission): Submission[] => {
  if (isOver(submission)) return outbox.filter(({ id }) => id !== submission.id)
  return outbox.some(({ id }) => id === submission.id)
    ? outbox.map((other) => (other.id === submission.id ? submission : other))
    : [submission, ...outbox]
}

/** What was shown since each list that is under way was asked for: that list may be older. */
const meanwhile = new Set<Submission[]>()

/** Throws ApiError. */
export const loadOutbox = async (signal?: AbortSignal): Promise<void> => {
  const told: Submission[] = []
  const userId = app.get().session?.user.id
  meanwhile.add(told)
  try {
    const ask = { query: { show: 'open' as const }, ...(signal ? { signal } : {}) }
    const { submissions } = await call('listSubmissions', 'GET', '/v1/submissions', ask)
    // Somebody else may have signed in here meanwhile.
    if (app.get().session?.user.id === userId) app.set({ outbox: told.reduce(withSubmission, submissions) })
  } finally {
    meanwhile.delete(told)
  }
}

/** How often the server has told of each by itself: of these an answer that was asked for before is older. */
const news = new Map<string, number>()

export const hearSubmission = (submission: Submission): void => {
  news.set(submission.id, (news.get(submission.id) ?? 0) + 1)
  showSubmission(submission)
}

const showUnlessTold = async <Answer>(
  id: string,
  ask: () => Promise<Answer>,
  submissionOf: (answer: Answer) => Submission,
): Promise<Answer> => {
  const before = news.get(id)
  const answer = await ask()
  if (news.get(id) === before) showSubmission(submissionOf(answer))
  return answer
}

/** To the request that made it, which may be older than what is known by now. Answers how far it is. */
export const showMade = (submission: Submission): Submission => {
  const known = ended.get(submission.id) ?? app.get().outbox.find(({ id }) => id === submission.id)
  if (!known) showSubmission(submission)
  return known ?? submission
}

export const forgetSubmission = (id: string): void =>
  app.set(({ outbox }) => ({ outbox: outbox.filter((other) => other.id !== id) }))

/** Of these the draft opens here. */
const takenBack = new Set<string>()
/** Asked once, by whoever shows it. */
export const wasTakenBack = (id: string): boolean => takenBack.delete(id)

/** It is a draft again, and opens. Throws ApiError. */
export const takeBack = (id: string, place: Place = 'docked'): Promise<void> =>
  openAsDraft(id, () => call('cancelSubmission', 'POST', `/v1/submissions/${id}/cancel`), place)

const openAsDraft = async (id: string, ask: () => Promise<Returned>, place?: Place): Promise<void> => {
  takenBack.add(id)
  try {
    const { draft } = await showUnlessTold(id, ask, submissionOf)
    if (draft) showReturned(draft, place)
  } catch (error) {
    takenBack.delete(id)
    throw error
  }
}

type Returned = { submission: Submission; draft: Draft | null }
const submissionOf = ({ submission }: Returned): Submission => submission

/** Throws ApiError. */
export const retry = async (id: string): Promise<void> => {
  await showUnlessTold(id, () => call('retrySubmission', 'POST', `/v1/submissions/${id}/retry`), itself)
}

/** Null: as soon as possible. Throws ApiError. */
export const reschedule = async (id: string, sendAt: WallTime | null): Promise<void> => {
  await showUnlessTold(
    id,
    () => call('patchSubmission', 'PATCH', `/v1/submissions/${id}`, { body: { sendAt } }),
    itself,
  )
}

const itself = (submission: Submission): Submission => submission

/** Throws ApiError. */
export const decide = async (id: string, decision: 'arrived' | 'sendAgain' | 'backToDraft'): Promise<void> => {
  const ask = () => call('decideSubmission', 'POST', `/v1/submissions/${id}/decision`, { body: { decision } })
  if (decision === 'backToDraft') return openAsDraft(id, ask)
  await showUnlessTold(id, ask, submissionOf)
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
