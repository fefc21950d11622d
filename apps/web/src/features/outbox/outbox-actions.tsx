import type { Submission } from '@postern/shared/submissions.ts'
import { useState } from 'react'
import { askCompose } from '#data/compose-wish.ts'
import { decide, putAway, reschedule, retry, takeBack } from '#data/outbox.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/composer-text.ts'
import { lacksCopy } from '#lib/submission-needs.ts'
import { PickTime } from '#ui/pick-time.tsx'
import { Problem } from '#ui/problem.tsx'
import { hasEnded } from './outbox-state.tsx'

/** What can be done about it. */
export const OutboxActions = ({ submission }: { submission: Submission }) => {
  const { id, subject, state } = submission
  const { isBusy, problem, attempt } = useAttempt()
  const [isPicking, setPicking] = useState(false)
  const title = subject || t('view.noSubject')
  const button = (label: string, onClick: () => void) => (
    <button type="button" className="button" disabled={isBusy} aria-label={`${label}: ${title}`} onClick={onClick}>
      {label}
    </button>
  )
  const doing = (label: string, work: () => Promise<void>) => button(label, () => void attempt(work))
  const isWaiting = state === 'scheduled' && submission.canCancel
  const canRetry = state === 'deferred' || state === 'failed' || (state === 'scheduled' && submission.sendAt !== null)
  return (
    <>
      <Problem problem={problem} />
      <div className="row">
        {canRetry && doing(t('outbox.now'), () => (isWaiting ? reschedule(id, null) : retry(id)))}
        {isWaiting && submission.sendAt && button(t('outbox.otherTime'), () => setPicking(true))}
        {submission.canCancel && doing(t('outbox.edit'), () => takeBack(id))}
        {state === 'in_doubt' && (
          <>
            {doing(t('doubt.arrived'), () => decide(id, 'arrived'))}
            {doing(t('doubt.again'), () => decide(id, 'sendAgain'))}
            {doing(t('doubt.draft'), () => decide(id, 'backToDraft'))}
          </>
        )}
        {state === 'partly_sent' &&
          submission.draftId !== null &&
          button(t('outbox.writeAgain'), () => askCompose({ kind: 'writeAgain', submissionId: id }))}
        {lacksCopy(submission) && doing(t('outbox.copyAgain'), () => retry(id))}
        {hasEnded(submission) && doing(t('outbox.putAway'), () => putAway(submission))}
      </div>
      {isPicking && (
        <PickTime
          action={t('outbox.changeTime')}
          planned={submission.sendAt}
          onClose={() => setPicking(false)}
          onPick={(sendAt) => {
            setPicking(false)
            void attempt(() => reschedule(id, sendAt))
          }}
        />
      )}
    </>
  )
}
