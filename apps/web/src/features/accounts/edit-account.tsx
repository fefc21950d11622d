import type { Account, ServerSettings } from '@postern/shared/accounts.ts'
import { type FormEvent, useState } from 'react'
import { call } from '#data/api.ts'
import { useIdentities } from '#data/identities.ts'
import { showToast } from '#data/toasts.ts'
import { t } from '#lib/page-text.ts'
import { Field } from '#ui/field.tsx'
import { OutgoingFields, type Sending, useRelayOffer } from './outgoing-fields.tsx'
import { formOf, isSameForm, pinned, ServerFields, settingsOf } from './server-fields.tsx'
import { LiveTestReport, useLiveTest } from './use-live-test.tsx'

/** Name, servers and password. A new server or password is tested first, step by step, as when the account was added. */
export const EditAccount = ({ account }: { account: Account }) => {
  const [name, setName] = useState(account.name)
  const [incoming, setIncoming] = useState(() => formOf(account.incoming))
  const [sending, setSending] = useState(() => sendingOf(account))
  const relay = useRelayOffer()
  const identities = useIdentities().filter(({ accountId }) => accountId === account.id)
  const [password, setPassword] = useState('')
  const live = useLiveTest()
  const { usesRelay, password: outgoingPassword } = sending
  // The own server stays as it is while the relay is the way.
  const outgoing = usesRelay ? account.outgoing : sending.outgoing && settingsOf(sending.outgoing)
  const servers = { incoming: settingsOf(incoming), outgoing, usesRelay }
  const isOutgoingNew =
    !usesRelay && outgoing !== null && (!isSame(outgoing, account.outgoing) || outgoingPassword !== '')
  const isMoved = isOutgoingNew || !isSame(servers.incoming, account.incoming)
  const isDoubted = isCertificateProblem(account)
  const isTested = isMoved || password !== ''

  const store = async () => {
    if (isTested) {
      const { address, kind } = account
      const wanted = {
        address,
        kind,
        name,
        password,
        incoming: servers.incoming,
        outgoing: isOutgoingNew ? outgoing : null,
        outgoingPassword: outgoingPassword || null,
      }
      if (!(await live.test(wanted))) return
    }
    const passwords = isTested
      ? { password, ...(usesRelay || outgoingPassword === '' ? {} : { outgoingPassword }) }
      : {}
    await call('patchAccount', 'PATCH', `/v1/accounts/${account.id}`, { body: { name, ...servers, ...passwords } })
    setPassword('')
    setSending((old) => ({ ...old, password: '' }))
    showToast({ kind: 'done', text: t('saved') })
  }
  const save = (event: FormEvent) => {
    event.preventDefault()
    void live.attempt(store)
  }
  const errors = live.problem?.detail.fields
  return (
    <form className="card" onSubmit={save} aria-label={t('settings')}>
      <h2>{t('edit.title')}</h2>
      <Field
        label={t('person.name')}
        value={name}
        onChange={(event) => setName(event.target.value)}
        hint={t('edit.nameHint')}
      />
      <ServerFields kind={account.kind} value={incoming} errors={errors} onChange={setIncoming} />
      <OutgoingFields
        value={sending}
        relay={relay}
        addresses={identities.map(({ address }) => address)}
        fallback={formOf({ ...account.incoming, port: 465, security: 'tls', pinnedFingerprint: null })}
        isGuessed={account.outgoing === null}
        errors={errors}
        onChange={setSending}
      />
      <Field
        label={isMoved || isDoubted ? t('password') : t('password.new')}
        type="password"
        data-account-password
        autoComplete="new-password"
        required={isMoved}
        value={password}
        error={errors?.password}
        onChange={(event) => setPassword(event.target.value)}
        hint={isMoved || isDoubted ? t('edit.passwordNeeded') : t('edit.passwordKept')}
      />
      <LiveTestReport
        test={live}
        onTrust={({ server, certificate }) => {
          if (server === 'incoming') setIncoming((old) => pinned(old, certificate))
          else setSending((old) => ({ ...old, outgoing: old.outgoing && pinned(old.outgoing, certificate) }))
        }}
      />
      <button type="submit" className="button primary" disabled={live.isBusy}>
        {live.isBusy ? t('check.running') : isTested ? t('edit.submit') : t('save')}
      </button>
    </form>
  )
}

const sendingOf = ({ usesRelay, outgoing }: Account): Sending => ({
  usesRelay,
  outgoing: outgoing && formOf(outgoing),
  password: '',
})

/** The way out of a certificate that changed goes through the test: it shows the new one before anything is sent. */
export const isCertificateProblem = ({ problem }: Account): boolean =>
  /^tls\.(name|expired|untrusted|pin_changed)$/.test(problem?.code ?? '')

const isSame = (a: ServerSettings, b: ServerSettings | null): boolean => b !== null && isSameForm(formOf(a), formOf(b))
