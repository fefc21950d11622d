import type { AccountCreate, DiscoveryResult } from '@postern/shared/accounts.ts'
import { type FormEvent, useState } from 'react'
import { call } from '#data/api.ts'
import { loadAccounts } from '#data/app-state.ts'
import { useTitle } from '#data/use-title.ts'
import { t } from '#lib/page-text.ts'
import { navigate, onLinkClick } from '#lib/route.ts'
import { Field } from '#ui/field.tsx'
import { formOf, OutgoingFields, pinned, ServerFields, type ServerForm, settingsOf } from './server-fields.tsx'
import { LiveTestReport, Problem, useLiveTest } from './use-live-test.tsx'

type Stage = 'address' | 'servers'

/** Address first; what was found is shown before it is used; the live test tells each step; then the mailbox fills. */
export const AddAccount = ({ isFirst }: { isFirst: boolean }) => {
  const [stage, setStage] = useState<Stage>('address')
  const [address, setAddress] = useState('')
  const [password, setPassword] = useState('')
  const [outgoingPassword, setOutgoingPassword] = useState('')
  const [found, setFound] = useState<DiscoveryResult | null>(null)
  const [incoming, setIncoming] = useState<ServerForm | null>(null)
  const [outgoing, setOutgoing] = useState<ServerForm | null>(null)
  const live = useLiveTest()

  useTitle(t('account.add'))
  const discover = (event: FormEvent) => {
    event.preventDefault()
    void live.attempt(async () => {
      const result = await call('discover', 'POST', '/v1/discovery', { body: { address } })
      const best = bestOf(result)
      const imap = best?.incoming.find(({ kind }) => kind === 'imap') ?? result.guesses.incoming[0]
      const smtp = best?.outgoing[0] ?? result.guesses.outgoing[0]
      setFound(result)
      setIncoming(imap ? formOf(imap) : null)
      setOutgoing(smtp ? formOf(smtp) : null)
      setStage('servers')
    })
  }
  const add = (event: FormEvent) => {
    event.preventDefault()
    if (!incoming) return
    void live.attempt(async () => {
      const body: AccountCreate = {
        address,
        name: '',
        kind: 'imap',
        password,
        outgoingPassword: outgoingPassword || null,
        incoming: settingsOf(incoming),
        outgoing: outgoing ? settingsOf(outgoing) : null,
      }
      if (!(await live.test(body))) return
      const { id } = await call('createAccount', 'POST', '/v1/accounts', { body })
      await loadAccounts()
      navigate(`/?account=${id}`, { replace: true })
    })
  }
  const errors = live.problem?.detail.fields
  return (
    <main className="page">
      <div className="page-head">
        <h1 style={{ flex: 1 }}>{isFirst ? t('add.first') : t('add.another')}</h1>
        {isFirst ? (
          <a className="button" href="/settings" onClick={(event) => onLinkClick(event, '/settings')}>
            {t('settings')}
          </a>
        ) : (
          <a className="button" href="/" onClick={(event) => onLinkClick(event, '/')}>
            {t('cancel')}
          </a>
        )}
      </div>
      {stage === 'address' ? (
        <form className="card" onSubmit={discover}>
          <Field
            label={t('add.address')}
            type="email"
            required
            autoComplete="email"
            value={address}
            onChange={(event) => setAddress(event.target.value)}
            hint={t('add.addressHint')}
          />
          <button type="submit" className="button primary" disabled={live.isBusy}>
            {live.isBusy ? t('add.looking') : t('add.continue')}
          </button>
        </form>
      ) : (
        <form className="card" onSubmit={add}>
          <Found found={found} />
          {incoming && (
            <ServerFields
              legend={t('servers.incoming')}
              which="incoming"
              value={incoming}
              errors={errors}
              onChange={setIncoming}
            />
          )}
          <Field
            label={t('password')}
            type="password"
            required
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            error={errors?.password}
            hint={t('add.passwordHint')}
          />
          <OutgoingFields
            value={outgoing}
            password={outgoingPassword}
            fallback={() =>
              formOf(found?.guesses.outgoing[0] ?? { host: '', port: 465, security: 'tls', username: address })
            }
            errors={errors}
            onChange={setOutgoing}
            onPassword={setOutgoingPassword}
          />
          <LiveTestReport
            test={live}
            onTrust={({ server, certificate }) => {
              const pin = (old: ServerForm | null) => old && pinned(old, certificate)
              if (server === 'incoming') setIncoming(pin)
              else setOutgoing(pin)
            }}
          />
          <div className="row end">
            <button type="button" className="button" onClick={() => setStage('address')}>
              {t('back')}
            </button>
            <button type="submit" className="button primary" disabled={live.isBusy}>
              {live.isBusy ? t('check.running') : t('add.submit')}
            </button>
          </div>
        </form>
      )}
      {stage === 'address' && <Problem problem={live.problem} />}
    </main>
  )
}

/** The first that names a server this version can speak to. */
const bestOf = ({ candidates }: DiscoveryResult) =>
  candidates.find(({ incoming }) => incoming.some(({ kind }) => kind === 'imap'))

const Found = ({ found }: { found: DiscoveryResult | null }) => {
  const usable = found ? bestOf(found) : undefined
  const best = usable ?? found?.candidates[0]
  const hasImap = usable !== undefined
  return (
    <>
      {best && hasImap && (
        <div className="notice">
          {best.explanation} {t('found.look')}
        </div>
      )}
      {best && !hasImap && (
        <div className="notice warn">
          {best.explanation} {t('found.popOnly')}
        </div>
      )}
      {!best && <div className="notice warn">{t('found.nothing')}</div>}
      {found?.advice && (
        <div className="notice warn">
          {found.advice.text}{' '}
          {found.advice.helpUrl && (
            <a href={found.advice.helpUrl} target="_blank" rel="noopener noreferrer">
              {t('found.howTo')}
            </a>
          )}
        </div>
      )}
    </>
  )
}
