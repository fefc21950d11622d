import type { AccountCreate, CheckEvent } from '@postern/shared/accounts.ts'
import { useState } from 'react'
import { type Attempt, useAttempt } from '#data/use-attempt.ts'
import { Problem } from '#ui/problem.tsx'
import { type CheckFailed, CheckSteps } from './check-steps.tsx'
import { runCheck } from './run-check.ts'

/** What adding and editing an account share: work that may go wrong, with the live test as a step of it. */
export type LiveTest = Attempt & {
  events: CheckEvent[]
  /** Tells each step as it happens; answers whether the account works. */
  test: (wanted: AccountCreate) => Promise<boolean>
  forget: () => void
}

export const useLiveTest = (): LiveTest => {
  const [events, setEvents] = useState<CheckEvent[]>([])
  const { isBusy, problem, attempt } = useAttempt()
  const forget = () => setEvents([])
  const attemptAnew = (work: () => Promise<void>) => {
    forget()
    return attempt(work)
  }
  const test = (wanted: AccountCreate) => runCheck(wanted, (next) => setEvents((old) => [...old, next]))
  return { isBusy, problem, events, attempt: attemptAnew, test, forget }
}

/** The steps, and what went wrong; a certificate that is trusted begins a new test. */
export const LiveTestReport = ({
  test: { events, problem, forget },
  onTrust,
}: {
  test: LiveTest
  onTrust: (failed: CheckFailed) => void
}) => (
  <>
    {events.length > 0 && (
      <CheckSteps
        events={events}
        onTrust={(failed) => {
          onTrust(failed)
          forget()
        }}
      />
    )}
    <Problem problem={problem} />
  </>
)
