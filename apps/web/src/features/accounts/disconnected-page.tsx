import type { AccountKind, DisconnectedAccount } from '@postern/shared/accounts.ts'
import { type FormEvent, useEffect, useState } from 'react'
import { loadAccounts } from '#data/account-tree.ts'
import { call } from '#data/api.ts'
import { app } from '#data/app-state.ts'
import { refreshIdentities } from '#data/identities.ts'
import { useAnswer } from '#data/use-answer.ts'
import { fileSize, fullDate } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { navigate, onLinkClick } from '#lib/route.ts'
import { Confirm } from '#ui/confirm.tsx'
import { Choice, Field } from '#ui/field.tsx'
import { AccountHead } from './account-head.tsx'
import { onlyHereText } from './only-here.ts'
import { formOf, pinned, ServerFields, settingsOf, usualBeside } from './server-fields.tsx'
import { LiveTestReport, useLiveTest } from './use-live-test.tsx'

/** An account that nobody looks after: what it holds, how it is taken up again, and how it is erased. */
export const DisconnectedPage = ({ accountId }: { accountId: string }) => {
  const { value, status } = useAnswer('disconnected', (signal) =>
    call('listDisconnected', 'GET', '/v1/disconnected-accounts', { signal }),
  )
  const account = value?.accounts.find(({ id }) => id === accountId)
  if (!account)
    return (
      <main className="page">
        {status !== 'loading' && <p>{t('account.gone')}</p>}
        <a href="/" onClick={(event) => onLinkClick(event, '/')}>
          {t('back')}
        </a>
      </main>
    )
  return (
    <main className="page">
      <AccountHead account={account} />
      <ConnectCard account={account} />
      <EraseCard account={account} />
    </main>
  )
}

const eraseText = (account: DisconnectedAccount): string =>
  [t('connect.eraseText', keptOf(account)), ...(account.onlyHere ? [onlyHereText(account.onlyHere)] : [])].join(' ')

const keptOf = ({ mails, bytes }: DisconnectedAccount) => ({ n: mails.toLocaleString(), size: fileSize(bytes) })

const ConnectCard = ({ account }: { account: DisconnectedAccount }) => {
  const [typed] = useState(() => {
    const { typedLogin } = app.get()
    return typedLogin?.accountId === account.id ? typedLogin : null
  })
  const isOfferedImap = account.kind === 'pop3'
  const [kind, setKind] = useState<AccountKind>(isOfferedImap && typed ? typed.kind : account.kind)
  const [incoming, setIncoming] = useState(() => formOf(typed?.kind === kind ? typed.incoming : account.incoming))
  const [password, setPassword] = useState(typed?.password ?? '')
  useEffect(() => () => app.set({ typedLogin: null }), [])
  const live = useLiveTest()
  const choose = (value: string) => {
    const next = value === 'imap' ? 'imap' : 'pop3'
    setKind(next)
    setIncoming(next === account.kind ? formOf(account.incoming) : usualBeside(account.incoming, next))
  }
  const connect = (event: FormEvent) => {
    event.preventDefault()
    void live.attempt(async () => {
      const { id, address, name } = account
      const body = { kind, incoming: settingsOf(incoming), password }
      if (!(await live.test({ ...body, address, name, outgoing: null, outgoingPassword: null }))) return
      await call('connectAccount', 'POST', `/v1/disconnected-accounts/${id}/connect`, { body })
      // It is connected. Where this cannot be asked for just now, it comes by push.
      await Promise.allSettled([loadAccounts(), refreshIdentities()])
      navigate(`/?account=${id}`, { replace: true })
    })
  }
  const errors = live.problem?.detail.fields
  return (
    <section className="card" aria-label={t('connect.title')}>
      <h2>{t('connect.title')}</h2>
      <p>{t('connect.kept', { ...keptOf(account), date: fullDate(account.disconnectedAt) })}</p>
      <form onSubmit={connect}>
        {isOfferedImap && (
          <Choice
            label={t('connect.by')}
            value={kind}
            options={[
              { value: 'pop3', label: t('connect.asBefore') },
              { value: 'imap', label: t('connect.byImap') },
            ]}
            onChange={choose}
          />
        )}
        {kind !== account.kind && <p>{t('switch.text')}</p>}
        <ServerFields kind={kind} value={incoming} errors={errors} onChange={setIncoming} />
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
        <LiveTestReport test={live} onTrust={({ certificate }) => setIncoming((old) => pinned(old, certificate))} />
        <div className="row end">
          <button type="submit" className="button primary" disabled={live.isBusy}>
            {live.isBusy ? t('check.running') : t('connect.submit')}
          </button>
        </div>
      </form>
    </section>
  )
}

const EraseCard = ({ account }: { account: DisconnectedAccount }) => {
  const [isAsking, setAsking] = useState(false)
  const erase = async () => {
    await call('eraseDisconnected', 'DELETE', `/v1/disconnected-accounts/${account.id}`)
    navigate('/settings/accounts', { replace: true })
  }
  return (
    <section className="card" aria-label={t('remove.erase')}>
      <h2>{t('remove.erase')}</h2>
      <p>{eraseText(account)}</p>
      <button type="button" className="button danger" onClick={() => setAsking(true)}>
        {t('connect.erase')}
      </button>
      {isAsking && (
        <Confirm
          title={t('connect.eraseTitle', { address: account.address })}
          text={eraseText(account)}
          action={t('remove.erase')}
          cancel={t('cancel')}
          onConfirm={() => void erase()}
          onClose={() => setAsking(false)}
        />
      )}
    </section>
  )
}
