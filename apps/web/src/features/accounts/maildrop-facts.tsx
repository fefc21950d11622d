import type { Account } from '@postern/shared/accounts.ts'
import type { MaildropFacts as Facts } from '@postern/shared/retrieval.ts'
import { useEffect } from 'react'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { patchAccount, refreshAccount } from '#data/patch-account.ts'
import { showToast } from '#data/toasts.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { fileSize, messageDate } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { count } from '#lib/text.ts'
import { Problem } from '#ui/problem.tsx'
import { MaildropParts } from './maildrop-parts.tsx'
import { nextLook } from './next-look.ts'

const freshEveryMs = 5000

/** What is in a maildrop, what of it is here, when it is looked at, and what there is to decide about it. */
export const MaildropFacts = ({ account }: { account: Account }) => {
  const { retrieval, maildrop, lastSyncedAt } = account
  // While something is in the way the plan is not what happens next; the card says what does.
  const nextLookAt = account.state === 'needs_person' || account.retryAt ? null : account.nextLookAt
  useFreshTimes(account.id, retrieval !== null)
  if (!retrieval) return null
  return (
    <>
      {retrieval.isOnHold && <Hold accountId={account.id} />}
      {maildrop && <Counts accountId={account.id} maildrop={maildrop} />}
      <p className="muted">
        {lastSyncedAt && `${t('maildrop.lookedAt', { date: messageDate(lastSyncedAt) })} `}
        {nextLookAt && nextLook(nextLookAt)}
      </p>
      {maildrop && maildrop.onlyThere > 0 && <p className="muted">{t('maildrop.onlyThereText')}</p>}
      {maildrop && <MaildropParts key={account.id} account={account} maildrop={maildrop} />}
      {maildrop && maildrop.copies > 0 && !retrieval.isOnHold && (
        <Copies accountId={account.id} copies={maildrop.copies} />
      )}
      {maildrop && maildrop.tooLarge.mails > 0 && <TooLarge {...maildrop.tooLarge} />}
      {maildrop && !maildrop.hasUniqueIds && <p className="muted">{t('maildrop.noUniqueIds')}</p>}
      {maildrop && !maildrop.hasTop && <p className="muted">{t('maildrop.noTop')}</p>}
    </>
  )
}

/** A look that finds nothing new is told to nobody; whoever wants to see that it was there asks. */
const useFreshTimes = (accountId: string, isPolled: boolean): void =>
  useEffect(() => {
    if (!isPolled) return
    const ask = () => {
      if (!document.hidden) refreshAccount(accountId).catch(() => undefined)
    }
    ask()
    const timer = setInterval(ask, freshEveryMs)
    return () => clearInterval(timer)
  }, [accountId, isPolled])

const Counts = ({ accountId, maildrop }: { accountId: string; maildrop: Facts }) => {
  const here = useApp(({ mailboxes }) =>
    Object.values(mailboxes).reduce(
      (sum, mailbox) => sum + (mailbox.accountId === accountId ? mailbox.messages : 0),
      0,
    ),
  )
  const { headersOnly } = maildrop
  const size = fileSize(maildrop.headersOnlyBytes)
  const facts = [
    t('maildrop.there', { n: maildrop.messages.toLocaleString(), size: fileSize(maildrop.bytes) }),
    t('maildrop.here', { n: here.toLocaleString() }),
    ...(headersOnly > 0
      ? [t(headersOnly === 1 ? 'parts.one' : 'parts.other', { n: headersOnly.toLocaleString(), size })]
      : []),
    ...(['notYet', 'onlyThere', 'waiting'] as const).flatMap((what) =>
      maildrop[what] > 0 ? t(`maildrop.${what}`, { n: maildrop[what].toLocaleString() }) : [],
    ),
  ]
  return <p>{facts.join(' · ')}</p>
}

/** Only a person can know that nothing is missing here. */
const Hold = ({ accountId }: { accountId: string }) => (
  <div className="notice warn row">
    <span className="notice-text">
      <strong>{t('hold.title')}</strong> {t('hold.text')}
    </span>
    <button
      type="button"
      className="button"
      onClick={() => void patchAccount(accountId, { retrieval: { isOnHold: false } })}
    >
      {t('hold.goOn')}
    </button>
  </div>
)

/** No list has a row for these: nothing is known of them but their size. */
const TooLarge = ({ mails, bytes }: Facts['tooLarge']) => (
  <div className="notice">
    <span className="notice-text">
      <strong>
        {t(mails === 1 ? 'tooLarge.one' : 'tooLarge.other', { n: mails.toLocaleString(), size: fileSize(bytes) })}
      </strong>{' '}
      {t('tooLarge.text')} {t('tooLarge.elsewhere')}
    </span>
  </div>
)

const Copies = ({ accountId, copies }: { accountId: string; copies: number }) => {
  const { isBusy, problem, attempt } = useAttempt()
  const remove = () =>
    attempt(async () => {
      const { mails } = await call('removeCopies', 'POST', `/v1/accounts/${accountId}/copies/remove`)
      showToast({ kind: 'done', text: t('copies.going', { copies: count('copies', mails) }) })
    })
  return (
    <div className="notice row">
      <span className="notice-text">
        <strong>{t('copies.here', { copies: count('copies', copies) })}</strong> {t('copies.text')}
      </span>
      <button type="button" className="button" disabled={isBusy} onClick={() => void remove()}>
        {t('copies.remove')}
      </button>
      <Problem problem={problem} />
    </div>
  )
}
