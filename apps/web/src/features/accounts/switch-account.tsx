import type { Account, AccountKind, AccountSwitchPlan, ServerSettings } from '@postern/shared/accounts.ts'
import { type FormEvent, useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { app } from '#data/app-state.ts'
import { showAccount } from '#data/patch-account.ts'
import { useAnswer } from '#data/use-answer.ts'
import { fileSize, fullDate } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { goBack, navigate, onLinkClick, useRoute } from '#lib/route.ts'
import { Dialog } from '#ui/dialog.tsx'
import { Field } from '#ui/field.tsx'
import { Meter } from '#ui/meter.tsx'
import { foundKinds, proposedIncoming } from './proposals.ts'
import { formOf, pinned, ServerFields, settingsOf, usualBeside } from './server-fields.tsx'
import { switchWords } from './switch-words.ts'
import { LiveTestReport, useLiveTest } from './use-live-test.tsx'

/** Offers the other protocol; while an account changes, how far that is. */
export const SwitchCard = ({ account }: { account: Account }) => {
  const page = `/accounts/${account.id}`
  const isOpen = useRoute().hash === switchHash
  const to = targetOf(account)
  return (
    <section className="card" aria-label={t('switch.label')}>
      <h2>{t('switch.title', { from: nameOf(to === 'imap' ? 'pop3' : 'imap'), protocol: nameOf(to) })}</h2>
      {account.switching === null ? (
        <>
          <p>{t(to === 'imap' ? 'switch.offer' : 'home.offer')}</p>
          <button type="button" className="button" onClick={() => navigate(`${page}#${switchHash}`)}>
            {t('switch.open', { protocol: nameOf(to) })}
          </button>
          <LastChange account={account} />
        </>
      ) : (
        <SwitchProgress account={account} to={to} />
      )}
      {isOpen && <SwitchDialog account={account} onClose={() => goBack(page)} />}
    </section>
  )
}

const nameOf = (kind: AccountKind): string => kind.toUpperCase()

/** On the page of an account it opens the dialog. */
export const switchHash = 'switch'

/** What it changes to, or could. */
const targetOf = ({ kind, switching }: Account): AccountKind => switching?.to ?? (kind === 'imap' ? 'pop3' : 'imap')

const SwitchDialog = ({ account, onClose }: { account: Account; onClose: () => void }) => {
  // Once it has changed, the dialog is about that, and offers no way back.
  const [to] = useState(targetOf(account))
  const isForm = account.kind !== to && account.switching === null
  return (
    <Dialog
      title={t('switch.dialog', { address: account.address, protocol: nameOf(to) })}
      onClose={onClose}
      size="wide"
    >
      {isForm ? (
        <SwitchForm account={account} to={to} onClose={onClose} />
      ) : (
        <>
          <SwitchProgress account={account} to={to} />
          <div className="row end">
            <button type="button" className="button primary" onClick={onClose}>
              {t('close')}
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}

/** What will happen, the server, the password; a test of them comes first. */
const SwitchForm = ({ account, to, onClose }: { account: Account; to: AccountKind; onClose: () => void }) => {
  const [typed] = useState(() => typedFor(account.id))
  const { value: plan, status } = usePlan(account.id)
  const [incoming, setIncoming] = useProposal(account, to, {
    isAsked: status !== 'loading',
    known: typed?.incoming ?? plan?.incoming ?? null,
  })
  const [password, setPassword] = useState(typed?.password ?? '')
  const [isMissing, setMissing] = useState(false)
  useEffect(() => () => app.set({ typedLogin: null }), [])
  const live = useLiveTest()
  const start = (event: FormEvent) => {
    event.preventDefault()
    if (!incoming) return
    void live.attempt(async () => {
      const { address, name } = account
      const body = { kind: to, incoming: settingsOf(incoming), password }
      if (!(await live.test({ ...body, address, name, outgoing: null, outgoingPassword: null }))) return
      await showAccount(account.id, () => call('switchAccount', 'POST', `/v1/accounts/${account.id}/switch`, { body }))
    })
  }
  const errors = live.problem?.detail.fields
  const otherId = live.problem?.code === 'account.exists' ? live.problem.detail.accountId : undefined
  return (
    <form onSubmit={start}>
      {to === 'imap' ? <IntoImap plan={plan} /> : <IntoPop3 plan={plan} />}
      {incoming === null ? (
        <p className="muted">{t('add.looking')}</p>
      ) : (
        <ServerFields kind={to} value={incoming} errors={errors} onChange={setIncoming} />
      )}
      <Field
        label={t('password')}
        type="password"
        required
        autoComplete="off"
        value={password}
        error={isMissing && password === '' ? t('switch.passwordMissing') : errors?.password}
        onInvalid={(event) => {
          event.preventDefault()
          setMissing(true)
          event.currentTarget.focus()
        }}
        onChange={(event) => setPassword(event.target.value)}
        hint={t('switch.passwordHint')}
      />
      <LiveTestReport
        test={live}
        onTrust={({ certificate }) => setIncoming((old) => old && pinned(old, certificate))}
        refusal={t('switch.refused', { protocol: nameOf(to) })}
      >
        {otherId !== undefined && (
          <a
            className="button"
            href={`/accounts/${otherId}`}
            onClick={(event) => onLinkClick(event, `/accounts/${otherId}`)}
          >
            {t('exists.open')}
          </a>
        )}
      </LiveTestReport>
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {t('cancel')}
        </button>
        <button type="submit" className="button primary" disabled={live.isBusy || incoming === null}>
          {live.isBusy ? t('check.running') : t('switch.submit', { protocol: nameOf(to) })}
        </button>
      </div>
    </form>
  )
}

/** What was typed on the way here. */
const typedFor = (accountId: string) => {
  const { typedLogin } = app.get()
  return typedLogin?.accountId === accountId ? typedLogin : null
}

const usePlan = (accountId: string) =>
  useAnswer(accountId, (signal) => call('planSwitch', 'GET', `/v1/accounts/${accountId}/switch`, { signal }))

const amountOf = ({ mails, bytes }: AccountSwitchPlan) => ({ n: mails.toLocaleString(), size: fileSize(bytes) })

const IntoImap = ({ plan }: { plan: AccountSwitchPlan | null }) => (
  <>
    <p>
      {t('switch.text')} {plan !== null && t(plan.mails === 0 ? 'switch.allThere' : 'switch.toBring', amountOf(plan))}
    </p>
    <p>{t('switch.wins')}</p>
    <p>{t('switch.deletedHere')}</p>
  </>
)

/** What is fetched first, what is no longer seen, and what becomes of mail at the provider. */
const IntoPop3 = ({ plan }: { plan: AccountSwitchPlan | null }) => (
  <>
    <p>
      {t('home.text')} {plan !== null && plan.mails > 0 && t('home.toFetch', amountOf(plan))} {t('home.inboxToo')}
    </p>
    <p>
      {t('home.policy')} {t('home.mailboxes')}
    </p>
    {plan !== null && plan.leftOut.length > 0 && (
      <p className="notice">{t('home.leftOut', { paths: plan.leftOut.join(', ') })}</p>
    )}
  </>
)

/**
 * What is known already, else what is found of the provider's other server, else the host that it has now; null while that is
 * looked up.
 */
const useProposal = (
  { address, incoming }: Account,
  to: AccountKind,
  { isAsked, known }: { isAsked: boolean; known: ServerSettings | null },
) => {
  const [form, setForm] = useState(known && formOf(known))
  const [own] = useState(incoming)
  const isSettled = form !== null
  useEffect(() => {
    if (isSettled || !isAsked) return
    if (known) return setForm(formOf(known))
    const looking = new AbortController()
    call('discover', 'POST', '/v1/discovery', { body: { address }, signal: looking.signal })
      .then((found) => foundKinds(found)[to] && { ...proposedIncoming(found, to), username: own.username })
      .catch(() => null)
      .then((found) => {
        if (!looking.signal.aborted) setForm((old) => old ?? (found || usualBeside(own, to)))
      })
    return () => looking.abort()
  }, [address, own, to, isSettled, isAsked, known])
  return [form, setForm] as const
}

const SwitchProgress = ({ account, to }: { account: Account; to: AccountKind }) =>
  account.switching === null ? (
    <>
      <p role="status">{t('switch.done', { protocol: nameOf(to) })}</p>
      <LastChange account={account} />
    </>
  ) : (
    <SwitchMeter account={account} to={to} switching={account.switching} />
  )

/** What the last change came to, of how many mails, as long as the timeline tells of it. */
const LastChange = ({ account: { id, kind } }: { account: Account }) => {
  const { value } = useAnswer(`${id} ${kind}`, (signal) =>
    call('listSyncEvents', 'GET', `/v1/accounts/${id}/events`, { signal }),
  )
  const last = value?.events.find((event) => event.kind === 'switch')
  if (!last) return null
  return (
    <p className="muted" style={{ marginBlockStart: 8 }}>
      {t('switch.last', { date: fullDate(last.at), text: last.text })}
    </p>
  )
}

type Switching = NonNullable<Account['switching']>

const SwitchMeter = ({ account, to, switching }: { account: Account; to: AccountKind; switching: Switching }) => {
  const { total, found, brought } = switching
  const done = Math.min(total, found + brought)
  const { text, counts } = switchWords(account.kind, switching)
  return (
    <>
      <p role="status">{text}</p>
      {total > 0 && <Meter label={account.address} done={done} total={total} />}
      {counts !== '' && <p className="muted">{counts}</p>}
      {to === 'pop3' && account.kind === 'imap' && <CancelSwitch accountId={account.id} />}
    </>
  )
}

const CancelSwitch = ({ accountId }: { accountId: string }) => {
  const cancel = () => showAccount(accountId, () => call('cancelSwitch', 'DELETE', `/v1/accounts/${accountId}/switch`))
  return (
    <button type="button" className="button" onClick={() => void cancel()}>
      {t('home.cancel')}
    </button>
  )
}
