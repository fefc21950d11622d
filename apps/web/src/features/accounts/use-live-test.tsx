import type { AccountCreate, CheckEvent } from '@postern/shared/accounts.ts'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { type Attempt, useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/page-text.ts'
import { Problem } from '#ui/problem.tsx'
import { type CheckFailed, CheckSteps } from './check-steps.tsx'
import { runCheck } from './run-check.ts'

/** What all forms of mail servers share: work that may go wrong, with the live test as a step of it. */
export type LiveTest<Wanted> = Attempt & {
  events: CheckEvent[]
  /** The test itself is under way, and can be cancelled. */
  isTesting: boolean
  /** Tells each step as it happens; answers whether it works. Cancelled: false, and as if it had not begun. */
  test: (wanted: Wanted) => Promise<boolean>
  cancel: () => void
  forget: () => void
}

/** `path`: of the operation that tries it. */
export const useLiveTest = <Wanted = AccountCreate>(path = '/v1/account-checks'): LiveTest<Wanted> => {
  const [events, setEvents] = useState<CheckEvent[]>([])
  const [isTesting, setTesting] = useState(false)
  const running = useRef<AbortController | null>(null)
  const { isBusy, problem, attempt } = useAttempt()
  const forget = () => setEvents([])
  const cancel = () => running.current?.abort()
  useEffect(() => () => running.current?.abort(), [])
  const attemptAnew = (work: () => Promise<void>) => {
    forget()
    return attempt(work)
  }
  const test = async (wanted: Wanted) => {
    const controller = new AbortController()
    running.current = controller
    const { signal } = controller
    setTesting(true)
    try {
      return await runCheck(wanted, { path, signal, onEvent: (next) => setEvents((old) => [...old, next]) })
    } catch (error) {
      if (!signal.aborted) throw error
      forget()
      return false
    } finally {
      setTesting(false)
    }
  }
  return { isBusy, isTesting, problem, events, attempt: attemptAnew, test, cancel, forget }
}

/** The steps, and what went wrong; a certificate that is trusted begins a new test. `children`: the way on from a failure. */
export const LiveTestReport = ({
  test: { isBusy, isTesting, events, problem, cancel, forget },
  onTrust,
  refusal,
  children,
}: {
  test: Omit<LiveTest<never>, 'test'>
  onTrust: (failed: CheckFailed) => void
  /** What did not come about where the test passed and something was refused after it. */
  refusal?: string
  children?: ReactNode
}) => {
  const report = useRef<HTMLDivElement>(null)
  const wasBusy = useRef(false)
  const begunAt = useRef<Element | null>(null)
  useEffect(() => {
    if (isBusy && !wasBusy.current) begunAt.current = document.activeElement
    if (wasBusy.current && !isBusy) showEnd(report.current, begunAt.current)
    wasBusy.current = isBusy
  }, [isBusy])
  return (
    <div ref={report}>
      {events.length > 0 && (
        <CheckSteps
          events={events}
          onTrust={(failed) => {
            onTrust(failed)
            forget()
          }}
        />
      )}
      {isTesting && (
        <button type="button" className="button" onClick={cancel}>
          {t('check.cancel')}
        </button>
      )}
      <Problem problem={problem} title={refusal} />
      {children}
    </div>
  )
}

/**
 * Brings what went wrong and the buttons below it into view, the former first, and the keyboard there, unless somebody went on to
 * another field meanwhile.
 */
const showEnd = (report: HTMLElement | null, begunAt: Element | null): void => {
  const form = report?.closest('form')
  const submit = form?.querySelector<HTMLElement>('[type=submit]')
  const now = document.activeElement
  const wentOn = now !== begunAt && now !== submit && now !== form && form?.contains(now)
  const alert = report?.querySelector<HTMLElement>('[role=alert]')
  if (alert) {
    submit?.scrollIntoView({ block: 'nearest' })
    alert.scrollIntoView({ block: 'nearest' })
    if (!wentOn) alert.focus({ preventScroll: true })
    // The button that was pressed is gone, or was out of use.
  } else if (document.activeElement === document.body) submit?.focus()
}
