import { type FormEvent, useState } from 'react'
import { ApiError, call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { fullDate } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
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
      <section className="card" aria-label={t('devices.label')}>
        <h2>{t('devices.title')}</h2>
        <ListState
          status={status}
          isEmpty={sessions.length === 0}
          empty={t('devices.none')}
          failed={t('devices.failed')}
          lines={2}
          onRetry={reload}
        />
        <table className="plain">
          <tbody>
            {sessions.map((session) => (
              <tr key={session.id}>
                <td>
                  {session.userAgent.replace(/^.*?\(([^)]*)\).*?((Firefox|Chrome|Safari|Edg)\/[\d]+).*$/, '$2, $1') ||
                    t('devices.program')}
                  <div className="muted">
                    {session.address}, {fullDate(session.lastSeenAt)}
                  </div>
                </td>
                <td style={{ textAlign: 'end' }}>
                  {session.isCurrent ? (
                    t('devices.this')
                  ) : (
                    <button
                      type="button"
                      className="button"
                      onClick={() => void call('revokeSession', 'DELETE', `/v1/sessions/${session.id}`).then(reload)}
                    >
                      {t('session.signOut')}
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
      showToast({ kind: 'done', text: t('password.changed') })
      onChanged()
    } catch (error) {
      setProblem(error instanceof ApiError ? error : null)
    }
  }
  return (
    <form className="card" onSubmit={(event) => void submit(event)} aria-label={t('password')}>
      <h2>{t('password.title')}</h2>
      <Field
        label={t('password.current')}
        type="password"
        autoComplete="current-password"
        required
        value={current}
        error={problem?.detail.fields?.current}
        onChange={(event) => setCurrent(event.target.value)}
      />
      <Field
        label={t('password.new')}
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
        {t('password.change')}
      </button>
    </form>
  )
}
