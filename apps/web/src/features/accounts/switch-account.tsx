import type { Account } from '@postern/shared/accounts.ts'
import { type FormEvent, useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { app } from '#data/app-state.ts'
import { t } from '#lib/page-text.ts'
import { goBack, navigate, useRoute } from '#lib/route.ts'
import { Dialog } from '#ui/dialog.tsx'
import { Field } from '#ui/field.tsx'
import { proposedIncoming } from './proposals.ts'
import { pinned, ServerFields, type ServerForm, settingsOf } from './server-fields.tsx'
import { LiveTestReport, useLiveTest } from './use-live-test.tsx'

/** Offered for a POP3 account; while one changes, how far that is. */
export const SwitchCard = ({ account }: { account: Account }) => {
  const page = `/accounts/${account.id}`
  const isOpen = useRoute().hash === switchHash
  if (account.kind !== 'pop3' && account.switching === null && !isOpen) return null
  return (
    <section className="card" aria-label={t('switch.label')}>
      <h2>{t('switch.title')}</h2>
      {account.kind === 'pop3' ? (
        <>
          <p>{t('switch.offer')}</p>
          <button type="button" className="button" onClick={() => navigate(`${page}#${switchHash}`)}>
            {t('switch.open')}
          </button>
        </>
      ) : (
        <SwitchProgress account={account} />
      )}
      {isOpen && <SwitchDialog account={account} onClose={() => goBack(page)} />}
    </section>
  )
}

/** On the page of an account it opens the dialog. */
export const switchHash = 'switch'

const SwitchDialog = ({ account, onClose }: { account: Account; onClose: () => void }) => (
  <Dialog title={t('switch.dialog', { address: account.address })} onClose={onClose} size="wide">
    {account.kind === 'pop3' ? (
      <SwitchForm account={account} onClose={onClose} />
    ) : (
      <>
        <SwitchProgress account={account} />
        <div className="row end">
          <button type="button" className="button primary" onClick={onClose}>
            {t('close')}
          </button>
        </div>
      </>
    )}
  </Dialog>
)

/** What will happen, the server, the password; a test of them comes first. */
const SwitchForm = ({ account, onClose }: { account: Account; onClose: () => void }) => {
  const [incoming, setIncoming] = useProposal(account)
  const [password, setPassword] = useState('')
  const live = useLiveTest()
  const start = (event: FormEvent) => {
    event.preventDefault()
    if (!incoming) return
    void live.attempt(async () => {
      const { address, name } = account
      const body = { kind: 'imap' as const, incoming: settingsOf(incoming), password }
      if (!(await live.test({ ...body, address, name, outgoing: null, outgoingPassword: null }))) return
      const changed = await call('switchAccount', 'POST', `/v1/accounts/${account.id}/switch`, { body })
      app.set((state) => ({ accounts: state.accounts.map((other) => (other.id === account.id ? changed : other)) }))
    })
  }
  const errors = live.problem?.detail.fields
  return (
    <form onSubmit={start}>
      <p>{t('switch.text')}</p>
      {incoming === null ? (
        <p className="muted">{t('add.looking')}</p>
      ) : (
        <ServerFields kind="imap" value={incoming} errors={errors} onChange={setIncoming} />
      )}
      <Field
        label={t('password')}
        type="password"
        required
        autoComplete="off"
        value={password}
        error={errors?.password}
        onChange={(event) => setPassword(event.target.value)}
        hint={t('switch.passwordHint')}
      />
      <LiveTestReport
        test={live}
        onTrust={({ certificate }) => setIncoming((old) => old && pinned(old, certificate))}
      />
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {t('cancel')}
        </button>
        <button type="submit" className="button primary" disabled={live.isBusy || incoming === null}>
          {live.isBusy ? t('check.running') : t('switch.submit')}
        </button>
      </div>
    </form>
  )
}

/** What is known of the provider's IMAP server; null while that is looked up. */
const useProposal = ({ address, incoming }: Account) => {
  const [form, setForm] = useState<ServerForm | null>(null)
  const { username } = incoming
  useEffect(() => {
    const looking = new AbortController()
    call('discover', 'POST', '/v1/discovery', { body: { address }, signal: looking.signal })
      .then((found) => ({ ...proposedIncoming(found, 'imap'), username }))
      .catch((): ServerForm => ({ host: '', port: '993', security: 'tls', username, pinnedFingerprint: null }))
      .then((proposed) => {
        if (!looking.signal.aborted) setForm((old) => old ?? proposed)
      })
    return () => looking.abort()
  }, [address, username])
  return [form, setForm] as const
}

const SwitchProgress = ({ account: { address, switching } }: { account: Account }) => {
  if (switching === null) return <p role="status">{t('switch.done')}</p>
  const done = Math.min(switching.total, switching.found + switching.uploaded)
  const { total, found, uploaded, isTold } = switching
  return (
    <>
      <p role="status">{t(isTold ? 'switch.left' : 'switch.running', { n: (total - done).toLocaleString() })}</p>
      <div
        className="meter"
        role="progressbar"
        aria-label={address}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={done}
      >
        <div style={{ width: `${total > 0 ? Math.round((done / total) * 100) : 0}%` }} />
      </div>
      <p className="muted">
        {t('switch.counts', { found: found.toLocaleString(), uploaded: uploaded.toLocaleString() })}
      </p>
    </>
  )
}
