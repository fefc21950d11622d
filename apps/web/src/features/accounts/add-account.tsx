import type { AccountCreate, AccountKind, CheckEvent, DiscoveryResult } from '@postern/shared/accounts.ts'
import type { RelayOffer } from '@postern/shared/relay.ts'
import { type FormEvent, useState } from 'react'
import { loadAccounts } from '#data/account-tree.ts'
import { call } from '#data/api.ts'
import { refreshIdentities } from '#data/identities.ts'
import { useTitle } from '#data/use-title.ts'
import { t } from '#lib/page-text.ts'
import { unnamedDomains } from '#lib/relay-domains.ts'
import { navigate, onLinkClick } from '#lib/route.ts'
import { Field, focusInvalid } from '#ui/field.tsx'
import { Problem } from '#ui/problem.tsx'
import { ChooseKind } from './choose-kind.tsx'
import { ConfirmPolicy } from './confirm-policy.tsx'
import { MailboxIsHere } from './mailbox-is-here.tsx'
import { askRelayOffer, OutgoingFields, type Sending } from './outgoing-fields.tsx'
import {
  candidateFor,
  foundKinds,
  guessedOutgoing,
  incomingFor,
  proposedIncoming,
  proposedOutgoing,
} from './proposals.ts'
import { type Answers, recommendKind, usualAnswers } from './recommend-kind.ts'
import { RetrievalFields } from './retrieval-fields.tsx'
import { type RetrievalForm, readRetrieval, retrievalFormOf, usualRetrieval } from './retrieval-form.ts'
import { pinned, ServerFields, type ServerForm, settingsOf } from './server-fields.tsx'
import { LiveTestReport, useLiveTest } from './use-live-test.tsx'

type Stage = 'address' | 'servers'

/** Address first; what was found is shown before it is used; the live test tells each step; then the mailbox fills. */
export const AddAccount = ({ isFirst }: { isFirst: boolean }) => {
  const [stage, setStage] = useState<Stage>('address')
  const [address, setAddress] = useState('')
  const [password, setPassword] = useState('')
  /** What is answered below is about this one. */
  const [askedFor, setAskedFor] = useState('')
  const [found, setFound] = useState<DiscoveryResult | null>(null)
  const [incoming, setIncoming] = useState<ServerForm | null>(null)
  const [sending, setSending] = useState<Sending>(noSending)
  const [relay, setRelay] = useState<RelayOffer | null>(null)
  const [kind, setKind] = useState<AccountKind>('imap')
  const [answers, setAnswers] = useState(usualAnswers)
  const [retrieval, setRetrieval] = useState(() => retrievalFormOf(usualRetrieval))
  /** Works, and waits for the word that mail may go at the provider. */
  const [asks, setAsks] = useState<AccountCreate | null>(null)
  const live = useLiveTest()

  useTitle(t('account.add'))
  const discover = (event: FormEvent) => {
    event.preventDefault()
    void live.attempt(async () => {
      const [result, offer] = await Promise.all([
        call('discover', 'POST', '/v1/discovery', { body: { address } }),
        // The account is added without it as well.
        askRelayOffer().catch(() => null),
      ])
      const isAnother = found !== null && askedFor !== address
      const said = isAnother ? usualAnswers : answers
      if (isAnother) {
        setRetrieval(retrievalFormOf(usualRetrieval))
        setPassword('')
      }
      const first = recommendKind(said, foundKinds(result))
      setAskedFor(address)
      setAnswers(said)
      setFound(result)
      setRelay(offer)
      setKind(first.kind)
      setIncoming(proposedIncoming(result, first.kind))
      setSending({ ...noSending, ...proposedSending(result, { kind: first.kind, relay: offer, address }) })
      setStage('servers')
    })
  }
  const choose = (next: AccountKind) => {
    if (found && next !== kind) setIncoming((old) => old && incomingFor(found, old, { from: kind, to: next }))
    setKind(next)
  }
  const answer = (next: Answers) => {
    if (!found) return
    setAnswers(next)
    const suited = recommendKind(next, foundKinds(found))
    choose(suited.kind)
    setRetrieval((old) => ({ ...retrievalFormOf({ ...usualRetrieval, policy: suited.policy }), ...lookOf(old) }))
  }
  const add = ({ beside, by }: { beside: boolean; by: Sending }) => {
    const read = readRetrieval(retrieval)
    if (!incoming || (kind === 'pop3' && read.kind === 'wrong')) return
    const own = by.usesRelay ? null : by.outgoing
    setSending(by)
    void live.attempt(async () => {
      const body: AccountCreate = {
        address,
        name: '',
        kind,
        password,
        outgoingPassword: (own && by.password) || null,
        incoming: settingsOf(incoming),
        outgoing: own && settingsOf(own),
        usesRelay: by.usesRelay,
        beside,
        ...(kind === 'pop3' && read.kind === 'read' ? { retrieval: read.wishes } : {}),
      }
      if (!(await live.test(body))) return
      if (body.retrieval && retrieval.policy !== 'keep') setAsks(body)
      else await create(body)
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
            // The page is for nothing else.
            autoFocus
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
        <form
          className="card"
          onSubmit={(event) => {
            event.preventDefault()
            const form = event.currentTarget
            // What an earlier test came to is not about what stands in the fields now.
            if (kind === 'pop3' && readRetrieval(retrieval).kind === 'wrong')
              void live.attempt(async () => focusInvalid(form))
            else add({ beside: false, by: sending })
          }}
        >
          {found && (
            <>
              <Found found={found} kind={kind} />
              <ChooseKind
                value={kind}
                policy={retrieval.policy}
                recommended={recommendKind(answers, foundKinds(found))}
                answers={answers}
                onChange={choose}
                onAnswer={answer}
              />
            </>
          )}
          {incoming && <ServerFields kind={kind} value={incoming} errors={errors} onChange={setIncoming} />}
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
          {kind === 'pop3' && (
            <fieldset className="choice-group">
              <legend>{t('retrieval.legend')}</legend>
              <RetrievalFields value={retrieval} onChange={(change) => setRetrieval({ ...retrieval, ...change })} />
            </fieldset>
          )}
          {found && (
            <OutgoingFields
              value={sending}
              relay={relay}
              addresses={[address]}
              fallback={proposedOutgoing(found, kind) ?? guessedOutgoing(found)}
              isGuessed={proposedOutgoing(found, kind) === null}
              errors={errors}
              onChange={setSending}
            />
          )}
          <LiveTestReport
            test={live}
            onTrust={({ server, certificate }) => {
              const pin = (old: ServerForm | null) => old && pinned(old, certificate)
              if (server === 'incoming') setIncoming(pin)
              else setSending((old) => ({ ...old, outgoing: pin(old.outgoing) }))
            }}
          >
            {live.events.some((event) => event.kind === 'failed' && event.server === 'outgoing') && (
              <div className="row" style={{ marginBlockEnd: 16 }}>
                <button
                  type="button"
                  className="button primary"
                  disabled={live.isBusy}
                  onClick={() => add({ beside: false, by: noSending })}
                >
                  {t('add.withoutSending')}
                </button>
                <span className="muted">{t('add.sendingLater')}</span>
              </div>
            )}
          </LiveTestReport>
          {incoming && (
            <MailboxIsHere
              problem={live.problem}
              kind={kind}
              typed={{ incoming: settingsOf(incoming), password }}
              onBeside={() => add({ beside: true, by: sending })}
            />
          )}
          <div className="row end">
            <button type="button" className="button" onClick={() => setStage('address')}>
              {t('back')}
            </button>
            <button type="submit" className="button primary" disabled={live.isBusy}>
              {live.isBusy ? t('check.running') : t('add.submit')}
            </button>
          </div>
          {asks && (
            <ConfirmPolicy
              form={retrieval}
              there={live.events.map(foundThere).find(Boolean)}
              onConfirm={() => void live.attempt(() => create(asks))}
              onClose={() => setAsks(null)}
            />
          )}
        </form>
      )}
      {stage === 'address' && <Problem problem={live.problem} />}
    </main>
  )
}

const noSending: Sending = { usesRelay: false, outgoing: null, password: '' }

/** The relay only for mail that it may speak for: other mail may be taken for forged, and an own server is at least worth a guess. */
const proposedSending = (
  found: DiscoveryResult,
  { kind, relay, address }: { kind: AccountKind; relay: RelayOffer | null; address: string },
): Pick<Sending, 'usesRelay' | 'outgoing'> => {
  const outgoing = proposedOutgoing(found, kind)
  if (outgoing || !relay) return { usesRelay: false, outgoing }
  const usesRelay = unnamedDomains([address], relay.domains).length === 0
  return { usesRelay, outgoing: usesRelay ? null : guessedOutgoing(found) }
}

const create = async (body: AccountCreate) => {
  const { id } = await call('createAccount', 'POST', '/v1/accounts', { body })
  // It is made. Where this cannot be asked for just now, it comes by push.
  await Promise.allSettled([loadAccounts(), refreshIdentities()])
  navigate(`/?account=${id}`, { replace: true })
}

/** What was typed of it is not what the answers are about. */
const lookOf = ({ everyMinutes, megabytes }: RetrievalForm) => ({ everyMinutes, megabytes })

const Found = ({ found, kind }: { found: DiscoveryResult; kind: AccountKind }) => {
  const best = candidateFor(found, kind)
  return (
    <>
      {best ? (
        <div className="notice">
          {best.explanation} {t('found.look')}
        </div>
      ) : (
        <div className="notice warn">
          {found.candidates.length === 0 && t('found.nothing')} {t('found.usual')}
        </div>
      )}
      {found.advice && (
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

/** What the test says of the maildrop itself. */
const foundThere = (event: CheckEvent): string | null =>
  event.kind === 'step' && event.server === 'incoming' && event.step === 'list' && event.state === 'ok'
    ? event.note
    : null
