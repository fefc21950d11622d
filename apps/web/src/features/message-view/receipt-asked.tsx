import type { Message } from '@postern/shared/messages.ts'
import type { MailAsk } from '@postern/shared/reports.ts'
import { call } from '#data/api.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { fullDate, personName } from '#lib/format.ts'
import { t } from '#lib/text.ts'
import { Problem } from '#ui/problem.tsx'

type Receipt = NonNullable<MailAsk['receipt']>

/** A mail that asks for a receipt: answered once, for all devices, and never by itself. */
export const ReceiptAsked = ({ message, receipt }: { message: Message; receipt: Receipt }) => {
  const { isBusy, problem, attempt } = useAttempt()
  const { state, to, at } = receipt
  if (state === 'sent' || state === 'refused')
    return (
      <p className="muted report">
        <bdi>{t(`receipt.${state}`, { address: to, date: at ? fullDate(at) : '' })}</bdi>
      </p>
    )
  // Another program has answered: nothing to ask.
  if (state === 'elsewhere') return null
  const from = message.from[0]
  const name = from ? personName(from) : to
  const answer = (said: 'send' | 'refuse') =>
    attempt(async () => {
      await call('answerReceipt', 'POST', `/v1/messages/${message.id}/receipt`, { body: { answer: said } })
    })
  return (
    <>
      <div className="notice row">
        <span className="notice-text">
          <bdi>{t(receipt.isElsewhere ? 'receipt.askedElsewhere' : 'receipt.asked', { name, address: to })}</bdi>
        </span>
        <button type="button" className="button" disabled={isBusy} onClick={() => void answer('send')}>
          {t('receipt.send')}
        </button>
        <button type="button" className="button" disabled={isBusy} onClick={() => void answer('refuse')}>
          {t('receipt.refuse')}
        </button>
      </div>
      <Problem problem={problem} />
    </>
  )
}
