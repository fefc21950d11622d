import type { Account } from '@postern/shared/accounts.ts'
import type { MaildropFacts as Facts } from '@postern/shared/retrieval.ts'
import { useState } from 'react'
import { call } from '#data/api.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { fileSize } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { count } from '#lib/text.ts'
import { Meter } from '#ui/meter.tsx'
import { Problem } from '#ui/problem.tsx'

/** Mails of which only the header is here: the rest of those that fit by one click, how far that is, and its end. */
export const MaildropParts = ({ account, maildrop }: { account: Account; maildrop: Facts }) => {
  const { fitting, beyond, coming, came } = maildrop
  const isPaused = account.state === 'paused'
  // Where everything stays there nobody wonders why these do.
  const isRemoving = account.retrieval !== null && !['keep', 'whenDeletedHere'].includes(account.retrieval.policy.kind)
  const never = beyond ? maildrop.headersOnly - fitting.mails - beyond.mails - coming.mails : 0
  const [wasComing, setWasComing] = useState(false)
  const isComing = coming.mails > 0
  if (isComing && !wasComing) setWasComing(true)
  const text = isComing
    ? t('rest.coming', amountOf({ mails: came.mails + coming.mails, bytes: came.bytes + coming.bytes }))
    : wasComing && (came.mails > 0 ? t('rest.ended', amountOf(came)) : t('rest.away'))
  return (
    <>
      {fitting.mails > 0 && (
        <Missing accountId={account.id} isPaused={isPaused} amount={fitting} text={textOf('fits', fitting.mails)} />
      )}
      {isRemoving && beyond !== null && beyond.mails > 0 && (
        <Missing
          accountId={account.id}
          isPaused={isPaused}
          amount={beyond}
          text={textOf('beyond', beyond.mails)}
          isBeyondLimit
        />
      )}
      {isRemoving && never > 0 && (
        <p className="notice">
          {textOf('never', never)} {t('tooLarge.elsewhere')}
        </p>
      )}
      <div role="status">{text && <p>{text}</p>}</div>
      {isComing && <Coming label={account.address} coming={coming} came={came} />}
      {isComing && isPaused && <p className="muted">{t('rest.waits')}</p>}
    </>
  )
}

const textOf = (what: 'fits' | 'beyond' | 'never', n: number): string =>
  t(`rest.${what}.${n === 1 ? 'one' : 'other'}`, { n: n.toLocaleString() })

const amountOf = ({ mails, bytes }: Facts['fitting']) => ({ rests: count('rests', mails), size: fileSize(bytes) })

const Missing = ({
  accountId,
  isPaused,
  amount,
  text,
  isBeyondLimit = false,
}: {
  accountId: string
  isPaused: boolean
  amount: Facts['fitting']
  text: string
  isBeyondLimit?: boolean
}) => {
  const { isBusy, problem, attempt } = useAttempt()
  const get = () =>
    attempt(async () => {
      await call('fetchRests', 'POST', `/v1/accounts/${accountId}/rests/fetch`, { body: { isBeyondLimit } })
    })
  return (
    <div className="notice row">
      <span className="notice-text">{text}</span>
      <button type="button" className="button" disabled={isBusy || isPaused} onClick={() => void get()}>
        {t('rest.get', amountOf(amount))}
      </button>
      <Problem problem={problem} />
    </div>
  )
}

const Coming = ({ label, coming, came }: Pick<Facts, 'coming' | 'came'> & { label: string }) => {
  const bytes = came.bytes + coming.bytes
  return (
    <>
      <Meter label={label} done={came.bytes} total={bytes} />
      <p className="muted">
        {t('rest.counts', { n: came.mails.toLocaleString(), done: fileSize(came.bytes), size: fileSize(bytes) })}
      </p>
    </>
  )
}
