import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { ApiError, call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { enter } from '#data/session.ts'
import { useTitle } from '#data/use-title.ts'
import { t } from '#lib/page-text.ts'
import { Field } from '#ui/field.tsx'

/** Signing in; as an overlay it keeps the page underneath as it was. */
export const SignInScreen = ({ isOverlay = false }: { isOverlay?: boolean }) => {
  useTitle(isOverlay ? null : t('session.signIn'))
  const known = useApp((state) => state.session?.user.address ?? '')
  const [address, setAddress] = useState(known)
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<ApiError | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [isUnclaimed, setUnclaimed] = useState(false)
  useEffect(() => {
    if (isOverlay) return
    call('getSetup', 'GET', '/v1/setup').then(
      ({ isClaimed }) => setUnclaimed(!isClaimed),
      () => undefined,
    )
  }, [isOverlay])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      await enter(await call('signIn', 'POST', '/v1/session', { body: { address, password } }))
    } catch (error) {
      setProblem(error instanceof ApiError ? error : null)
    } finally {
      setBusy(false)
    }
  }
  const form = (
    <form className="card" style={{ width: 'min(360px, 90vw)' }} onSubmit={(event) => void submit(event)}>
      <h1>{isOverlay ? t('session.ended') : t('session.signIn')}</h1>
      {isOverlay && <p>{t('session.endedText')}</p>}
      {isUnclaimed && (
        <div className="notice warn" role="note">
          {t('setup.unclaimed')}
        </div>
      )}
      <Field
        label={t('person.address')}
        type="email"
        autoComplete="username"
        required
        value={address}
        readOnly={isOverlay && known !== ''}
        onChange={(event) => setAddress(event.target.value)}
      />
      <Field
        label={t('password')}
        type="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      {problem && (
        <div className="notice bad" role="alert">
          {problem.message} {problem.detail.hint}
        </div>
      )}
      <button type="submit" className="button primary" disabled={isBusy}>
        {t('session.signIn')}
      </button>
    </form>
  )
  if (isOverlay) return <Over>{form}</Over>
  return <main className="page narrow">{form}</main>
}

/** Over everything, dialogs included, and not to be closed: what lies under it cannot be reached, by keys neither. */
const Over = ({ children }: { children: ReactNode }) => {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    ref.current?.showModal()
    // The address stands already: what is missing is the password.
    ref.current?.querySelector<HTMLInputElement>('input:not([readonly])')?.focus()
  }, [])
  return (
    <dialog
      ref={ref}
      className="dialog bare"
      aria-label={t('session.signIn')}
      onCancel={(event) => event.preventDefault()}
    >
      {children}
    </dialog>
  )
}
