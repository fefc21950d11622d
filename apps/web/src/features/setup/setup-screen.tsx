import { type FormEvent, useEffect, useState } from 'react'
import { ApiError, call } from '#data/api.ts'
import { enter } from '#data/session.ts'
import { useTitle } from '#data/use-title.ts'
import { navigate } from '#lib/route.ts'
import { Field } from '#ui/field.tsx'
import { Strength } from './strength.tsx'

/** The first visit with the printed code, or an invited person's first visit. */
export const SetupScreen = ({ kind }: { kind: 'setup' | 'invitation' }) => {
  useTitle(kind === 'setup' ? 'Set up' : 'Invitation')
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
        <h1>This Postern has an owner</h1>
        <p>Sign in, or ask the owner for an invitation.</p>
        <a className="button primary" href="/">
          Sign in
        </a>
      </main>
    )
  return (
    <main className="page narrow">
      <h1>{kind === 'setup' ? 'Welcome to your Postern' : 'You are invited to this Postern'}</h1>
      {secret === '' && (
        <div className="notice warn">
          {kind === 'setup'
            ? 'The address lacks its code. Open the whole address that Postern printed in the terminal or its log when it started; it ends with #code=…'
            : 'The link is not complete. Ask the owner to send it again.'}
        </div>
      )}
      <form className="card" onSubmit={(event) => void submit(event)}>
        <p>
          {kind === 'setup'
            ? 'You become the owner: you add mailboxes, and you decide who else may.'
            : 'Choose how you sign in here. Your mail accounts come next.'}
        </p>
        <Field
          label="Name"
          autoComplete="name"
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
          error={fieldError('name')}
        />
        <Field
          label="Address"
          type="email"
          autoComplete="username"
          required
          value={address}
          onChange={(event) => setAddress(event.target.value)}
          error={fieldError('address')}
          hint="You sign in with it. It need not be one of the mailboxes you add."
        />
        <Field
          label="Password"
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
          {kind === 'setup' ? 'Create the owner' : 'Create my account'}
        </button>
      </form>
    </main>
  )
}
