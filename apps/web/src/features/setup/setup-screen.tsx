import { type FormEvent, useEffect, useState } from 'react'
import { ApiError, call } from '#data/api.ts'
import { enter } from '#data/session.ts'
import { useTitle } from '#data/use-title.ts'
import { t } from '#lib/page-text.ts'
import { navigate } from '#lib/route.ts'
import { Field } from '#ui/field.tsx'
import { Strength } from './strength.tsx'

/** The first visit with the printed code, or an invited person's first visit. */
export const SetupScreen = ({ kind }: { kind: 'setup' | 'invitation' }) => {
  useTitle(kind === 'setup' ? t('setup.title') : t('invitation.title'))
  const [secret] = useState(
    () => new URLSearchParams(location.hash.slice(1)).get(kind === 'setup' ? 'code' : 'token') ?? '',
  )
  const [name, setName] = useState('')
  const [address, setAddress] = useState('')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<ApiError | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [isClaimed, setClaimed] = useState(false)
  useEffect(() => {
    if (kind === 'setup')
      void call('getSetup', 'GET', '/v1/setup').then(
        (state) => setClaimed(state.isClaimed),
        () => undefined,
      )
  }, [kind])

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      const person = { name, address, password }
      const session =
        kind === 'setup'
          ? await call('createOwner', 'POST', '/v1/setup', { body: { ...person, code: secret } })
          : await call('acceptInvitation', 'POST', '/v1/invitations/accept', { body: { ...person, token: secret } })
      await enter(session)
      navigate('/', { replace: true })
    } catch (error) {
      setProblem(error instanceof ApiError ? error : null)
    } finally {
      setBusy(false)
    }
  }
  const fieldError = (field: string) => problem?.detail.fields?.[field]
  if (isClaimed)
    return (
      <main className="page narrow">
        <h1>{t('setup.claimed')}</h1>
        <p>{t('setup.claimedText')}</p>
        <a className="button primary" href="/">
          {t('session.signIn')}
        </a>
      </main>
    )
  return (
    <main className="page narrow">
      <h1>{kind === 'setup' ? t('setup.welcome') : t('invitation.welcome')}</h1>
      {secret === '' && (
        <div className="notice warn">{kind === 'setup' ? t('setup.noCode') : t('invitation.noToken')}</div>
      )}
      <form className="card" onSubmit={(event) => void submit(event)}>
        <p>{kind === 'setup' ? t('setup.text') : t('invitation.text')}</p>
        <Field
          label={t('person.name')}
          autoComplete="name"
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
          error={fieldError('name')}
        />
        <Field
          label={t('person.address')}
          type="email"
          autoComplete="username"
          required
          value={address}
          onChange={(event) => setAddress(event.target.value)}
          error={fieldError('address')}
          hint={t('setup.addressHint')}
        />
        <Field
          label={t('password')}
          type="password"
          autoComplete="new-password"
          required
          minLength={10}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          error={fieldError('password')}
          hint={<Strength password={password} about={[name, address]} />}
        />
        {problem && (
          <div className="notice bad" role="alert">
            {problem.message} {problem.detail.hint}
          </div>
        )}
        <button type="submit" className="button primary" disabled={isBusy}>
          {kind === 'setup' ? t('setup.create') : t('invitation.create')}
        </button>
      </form>
    </main>
  )
}
