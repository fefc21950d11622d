import type { Account, ServerSettings } from '@postern/shared/accounts.ts'
import { type FormEvent, useState } from 'react'
import { call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { t } from '#lib/text.ts'
import { Field } from '#ui/field.tsx'
import { formOf, OutgoingFields, pinned, ServerFields, settingsOf } from './server-fields.tsx'
import { LiveTestReport, useLiveTest } from './use-live-test.tsx'

/** Name, servers and password. A new server or password is tested first, step by step, as when the account was added. */
export const EditAccount = ({ account }: { account: Account }) => {
  const [name, setName] = useState(account.name)
  const [incoming, setIncoming] = useState(() => formOf(account.incoming))
  const [outgoing, setOutgoing] = useState(() => account.outgoing && formOf(account.outgoing))
  const [password, setPassword] = useState('')
  const [outgoingPassword, setOutgoingPassword] = useState('')
  const live = useLiveTest()
  const servers = { incoming: settingsOf(incoming), outgoing: outgoing && settingsOf(outgoing) }
  const isOutgoingNew =
    servers.outgoing !== null && (!isSame(servers.outgoing, account.outgoing) || outgoingPassword !== '')
  const isMoved = isOutgoingNew || !isSame(servers.incoming, account.incoming)
  const isDoubted = isCertificateProblem(account)
  const isTested = isMoved || password !== ''

  const store = async () => {
    if (isTested) {
      const { address, kind } = account
      const outgoing = isOutgoingNew ? servers.outgoing : null
      const wanted = {
        address,
        kind,
        name,
        password,
        incoming: servers.incoming,
        outgoing,
        outgoingPassword: outgoingPassword || null,
      }
      if (!(await live.test(wanted))) return
    }
    const passwords = isTested ? { password, ...(outgoingPassword === '' ? {} : { outgoingPassword }) } : {}
    await call('patchAccount', 'PATCH', `/v1/accounts/${account.id}`, { body: { name, ...servers, ...passwords } })
    setPassword('')
    setOutgoingPassword('')
    showToast({ kind: 'done', text: 'Saved' })
  }
  const save = (event: FormEvent) => {
    event.preventDefault()
    void live.attempt(store)
  }
  const errors = live.problem?.detail.fields
  return (
    <form className="card" onSubmit={save} aria-label="Settings">
      <h2>Name, servers, password</h2>
      <Field
        label="Name"
        value={name}
        onChange={(event) => setName(event.target.value)}
        hint="Shown instead of the address."
      />
      <ServerFields
        legend="Incoming mail (IMAP)"
        which="incoming"
        value={incoming}
        errors={errors}
        onChange={setIncoming}
      />
      <OutgoingFields
        value={outgoing}
        password={outgoingPassword}
        fallback={() => formOf({ ...account.incoming, port: 465, security: 'tls' })}
        errors={errors}
        onChange={setOutgoing}
        onPassword={setOutgoingPassword}
      />
      <Field
        label={isMoved || isDoubted ? 'Password' : 'New password'}
        type="password"
        data-account-password
        autoComplete="new-password"
        required={isMoved}
        value={password}
        error={errors?.password}
        onChange={(event) => setPassword(event.target.value)}
        hint={
          isMoved || isDoubted
            ? 'Needed again: a stored password is never sent to a server it was not entered for.'
            : 'Leave empty to keep the one that is stored.'
        }
      />
      <LiveTestReport
        test={live}
        onTrust={({ server, certificate }) => {
          if (server === 'incoming') setIncoming((old) => pinned(old, certificate))
          else setOutgoing((old) => old && pinned(old, certificate))
        }}
      />
      <button type="submit" className="button primary" disabled={live.isBusy}>
        {live.isBusy ? 'Testing …' : isTested ? 'Test and save' : t('save')}
      </button>
    </form>
  )
}

/** The way out of a certificate that changed goes through the test: it shows the new one before anything is sent. */
export const isCertificateProblem = ({ problem }: Account): boolean =>
  /^tls\.(name|expired|untrusted|pin_changed)$/.test(problem?.code ?? '')

const isSame = (a: ServerSettings, b: ServerSettings | null): boolean =>
  b !== null && JSON.stringify(settingsOf(formOf(a))) === JSON.stringify(settingsOf(formOf(b)))
