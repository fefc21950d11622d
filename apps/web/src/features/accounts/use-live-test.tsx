import type { AccountCreate, CheckEvent } from '@postern/shared/accounts.ts'
import { useState } from 'react'
import { ApiError } from '#data/api.ts'
import { type CheckFailed, CheckSteps } from './check-steps.tsx'
import { runCheck } from './run-check.ts'

/** What adding and editing an account share: work that may go wrong, with the live test as a step of it. */
export type LiveTest = {
  isBusy: boolean
  problem: ApiError | null
  events: CheckEvent[]
  attempt: (work: () => Promise<void>) => Promise<void>
  /** Tells each step as it happens; answers whether the account works. */
  test: (wanted: AccountCreate) => Promise<boolean>
  forget: () => void
}

export const useLiveTest = (): LiveTest => {
  const [events, setEvents] = useState<CheckEvent[]>([])
  const [problem, setProblem] = useState<ApiError | null>(null)
  const [isBusy, setBusy] = useState(false)
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true)
    setProblem(null)
    setEvents([])
    try {
      await work()
    } catch (error) {
      setProblem(error instanceof ApiError ? error : new ApiError('internal', {}))
    } finally {
      setBusy(false)
    }
  }
  const test = (wanted: AccountCreate) => runCheck(wanted, (next) => setEvents((old) => [...old, next]))
  return { isBusy, problem, events, attempt, test, forget: () => setEvents([]) }
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

export const Problem = ({ problem }: { problem: ApiError | null }) =>
  problem && (
    <div className="notice bad" role="alert">
      {problem.message} {problem.detail.hint}
    </div>
  )
