import { type FormEvent, useState } from 'react'
import { ApiError, call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { fullDate } from '#lib/format.ts'
import { Field } from '#ui/field.tsx'
import { ListState } from '#ui/list-state.tsx'

/** The password, and where it is used right now. */
export const SessionsSection = () => {
  const { value, status, reload } = useAnswer('sessions', (signal) =>
    call('listSessions', 'GET', '/v1/sessions', { signal }),
  )
  const sessions = value?.sessions ?? []
  return (
    <>
      <PasswordForm onChanged={reload} />
      <section className="card" aria-label="Devices">
        <h2>Signed in on</h2>
        <ListState
          status={status}
          isEmpty={sessions.length === 0}
          empty="Nowhere."
          failed="The devices could not be loaded."
          lines={2}
          onRetry={reload}
        />
        <table className="plain">
          <tbody>
            {sessions.map((session) => (
              <tr key={session.id}>
                <td>
                  {session.userAgent.replace(/^.*?\(([^)]*)\).*?((Firefox|Chrome|Safari|Edg)\/[\d]+).*$/, '$2, $1') ||
                    'A program'}
                  <div className="muted">
                    {session.address}, {fullDate(session.lastSeenAt)}
                  </div>
                </td>
                <td style={{ textAlign: 'end' }}>
                  {session.isCurrent ? (
                    'This device'
                  ) : (
                    <button
                      type="button"
                      className="button"
                      onClick={() => void call('revokeSession', 'DELETE', `/v1/sessions/${session.id}`).then(reload)}
                    >
                      Sign out
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}

const PasswordForm = ({ onChanged }: { onChanged: () => void }) => {
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const [problem, setProblem] = useState<ApiError | null>(null)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    try {
      await call('changePassword', 'POST', '/v1/password', { body: { current, next } })
      setCurrent('')
      setNext('')
      setProblem(null)
      showToast({ kind: 'done', text: 'The password is changed; all other devices are signed out.' })
      onChanged()
    } catch (error) {
      setProblem(error instanceof ApiError ? error : null)
    }
  }
  return (
    <form className="card" onSubmit={(event) => void submit(event)} aria-label="Password">
      <h2>Change the password</h2>
      <Field
        label="Current password"
        type="password"
        autoComplete="current-password"
        required
        value={current}
        error={problem?.detail.fields?.current}
        onChange={(event) => setCurrent(event.target.value)}
      />
      <Field
        label="New password"
        type="password"
        autoComplete="new-password"
        required
        minLength={10}
        value={next}
        error={problem?.detail.fields?.password ?? problem?.detail.fields?.next}
        onChange={(event) => setNext(event.target.value)}
      />
      {problem && !problem.detail.fields && (
        <div className="notice bad" role="alert">
          {problem.message} {problem.detail.hint}
        </div>
      )}
      <button type="submit" className="button primary">
        Change it
      </button>
    </form>
  )
}
