import type { Submission } from '@postern/shared/submissions.ts'
import { useEffect, useState } from 'react'
import { t } from '#lib/composer-text.ts'
import { writeDeparture } from '#lib/departure-text.ts'
import { clockTime, messageDate } from '#lib/format.ts'
import { lacksCopy } from '#lib/submission-needs.ts'
import { ServerSaid } from '#ui/server-said.tsx'
import { Evidence } from './evidence.tsx'

/** Nothing more comes of it by itself. */
export const hasEnded = (submission: Submission): boolean =>
  submission.state === 'failed' || submission.state === 'partly_sent' || lacksCopy(submission)

/** Where it stands and why. */
export const OutboxState = ({ submission }: { submission: Submission }) => {
  const { state, problem: reason, evidence } = submission
  const isOver = hasEnded(submission)
  const isHeld = useIsAhead(submission.notBefore)
  return (
    <>
      <p className={isOver || state === 'in_doubt' ? 'outbox-state bad' : 'outbox-state'} role="status">
        {stateText(submission, isHeld)}
      </p>
      {reason && (
        <div className={isOver ? 'notice bad' : 'notice'}>
          {reason.message} {reason.hint}
          <ServerSaid text={reason.serverText} />
        </div>
      )}
      {state === 'in_doubt' && <Evidence evidence={evidence} />}
    </>
  )
}

const longestTimerMs = 2 ** 31 - 1

/** Nobody tells when a time is over. */
const useIsAhead = (instant: string): boolean => {
  const [rung, setRung] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a long time takes several timers
  useEffect(() => {
    const leftMs = Date.parse(instant) - Date.now()
    if (leftMs <= 0) return
    const timer = setTimeout(() => setRung((times) => times + 1), Math.min(leftMs, longestTimerMs))
    return () => clearTimeout(timer)
  }, [instant, rung])
  return Date.parse(instant) > Date.now()
}

const stateText = (submission: Submission, isHeld: boolean): string => {
  const { state, sendAt, notBefore, nextAttemptAt, attempts, problem } = submission
  const goesThen = sendAt !== null || problem === null
  if (state === 'scheduled' && isHeld && goesThen)
    return sendAt ? `${writeDeparture(sendAt)}.` : t('state.held', { time: clockTime(notBefore) })
  if (lacksCopy(submission)) return t('state.noCopy')
  const isWaiting = state === 'scheduled' || state === 'queued' || state === 'deferred'
  if (isWaiting && problem) {
    if (nextAttemptAt === null || problem.code === 'account.not_ready') return t('state.parked')
    const date = messageDate(nextAttemptAt)
    return attempts === 0 ? t('state.turn', { date }) : t('state.deferred', { date, n: attempts })
  }
  return state === 'scheduled' || state === 'deferred' ? t('submission.queued') : t(`submission.${state}`)
}
