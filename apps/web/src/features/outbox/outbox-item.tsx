import type { Submission } from '@postern/shared/submissions.ts'
import { useState } from 'react'
import { decide, putAway, reschedule, retry, takeBack } from '#data/outbox.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { writeRecipient } from '#lib/address-list.ts'
import { t } from '#lib/composer-text.ts'
import { fullDate, messageDate, personName } from '#lib/format.ts'
import { writeWallTime } from '#lib/later-choices.ts'
import { PickTime } from '#ui/pick-time.tsx'
import { Problem } from '#ui/problem.tsx'
import { ServerSaid } from '#ui/server-said.tsx'
import { Evidence } from './evidence.tsx'

/** One mail: where it stands and why, for whom, and what can be done about it. */
export const OutboxItem = ({ submission }: { submission: Submission }) => {
  const { id, subject, recipients, state, problem: reason } = submission
  const { isBusy, problem, attempt } = useAttempt()
  const [isPicking, setPicking] = useState(false)
  const title = subject || t('view.noSubject')
  const button = (label: string, work: () => Promise<void>) => (
    <button
      type="button"
      className="button"
      disabled={isBusy}
      aria-label={`${label}: ${title}`}
      onClick={() => void attempt(work)}
    >
      {label}
    </button>
  )
  const isWaiting = state === 'scheduled' && submission.canCancel
  const canRetry = state === 'deferred' || state === 'failed' || (state === 'scheduled' && submission.sendAt !== null)
  const hasEnded = state === 'failed' || state === 'partly_sent'
  return (
    <li className="outbox-item" aria-label={title}>
      <div className="row">
        <strong dir="auto">{title}</strong>
        <span className="muted">
          {t('outbox.to', { people: recipients.map(personName).join(', ') })} · {messageDate(submission.createdAt)}
        </span>
      </div>
      <p className={hasEnded || state === 'in_doubt' ? 'outbox-state bad' : 'outbox-state'} role="status">
        {stateText(submission)}
      </p>
      {reason && (
        <div className={hasEnded ? 'notice bad' : 'notice'}>
          {reason.message} {reason.hint}
          <ServerSaid text={reason.serverText} />
        </div>
      )}
      {state === 'in_doubt' && <Evidence evidence={submission.evidence} />}
      <details open={state === 'partly_sent' || recipients.some((one) => one.state === 'refused')}>
        <summary>{t('outbox.recipients', { n: recipients.length })}</summary>
        <ul className="outbox-recipients">
          {recipients.map((one) => (
            <li key={`${one.kind} ${one.address}`}>
              <bdi>{writeRecipient(one)}</bdi> <span className="muted">{t(`recipient.${one.state}`)}</span>
              {one.text && <div className="muted">{one.text}</div>}
            </li>
          ))}
        </ul>
      </details>
      <Problem problem={problem} />
      <div className="row">
        {canRetry && button(t('outbox.now'), () => (isWaiting ? reschedule(id, null) : retry(id)))}
        {isWaiting && submission.sendAt && (
          <button type="button" className="button" disabled={isBusy} onClick={() => setPicking(true)}>
            {t('outbox.otherTime')}
          </button>
        )}
        {submission.canCancel && button(t('outbox.edit'), () => takeBack(id))}
        {state === 'in_doubt' && (
          <>
            {button(t('doubt.arrived'), () => decide(id, 'arrived'))}
            {button(t('doubt.again'), () => decide(id, 'sendAgain'))}
            {button(t('doubt.draft'), () => decide(id, 'backToDraft'))}
          </>
        )}
        {hasEnded && button(t('outbox.putAway'), () => putAway(submission))}
      </div>
      {isPicking && (
        <PickTime
          action={t('outbox.changeTime')}
          onClose={() => setPicking(false)}
          onPick={(sendAt) => {
            setPicking(false)
            void attempt(() => reschedule(id, sendAt))
          }}
        />
      )}
    </li>
  )
}

const stateText = ({ state, sendAt, notBefore, nextAttemptAt, attempts }: Submission): string => {
  if (state === 'scheduled')
    return sendAt
      ? t('state.sendAt', { date: writeWallTime(sendAt.wallTime), zone: sendAt.zone })
      : t('state.held', { date: fullDate(notBefore) })
  if (state === 'deferred')
    return nextAttemptAt
      ? t('state.deferred', { date: messageDate(nextAttemptAt), n: attempts })
      : t('state.deferredSoon', { n: attempts })
  return t(`submission.${state}`)
}
