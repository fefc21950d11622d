import { type ComponentType, useState } from 'react'
import { takeInQuote } from '#data/edit-quote.ts'
import { focusComposer } from '#data/open-drafts.ts'
import { changeDraft } from '#data/save-drafts.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/composer-text.ts'
import { Problem } from '#ui/problem.tsx'

/** The mail that goes out below what is written, unchanged: sealed, until it is asked to be edited. */
export const QuotedOriginal = ({
  draftKey,
  messageId,
  SealedMail,
}: {
  draftKey: string
  messageId: string
  SealedMail: ComponentType<{ messageId: string }>
}) => {
  const [isOpen, setOpen] = useState(false)
  const { isBusy, problem, attempt } = useAttempt()
  return (
    <section className="quoted-original" aria-label={t('quote.label')}>
      <div className="row">
        <button type="button" className="link-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t(isOpen ? 'quote.hide' : 'quote.show')}
        </button>
        <span className="grow" />
        <button
          type="button"
          className="link-button"
          disabled={isBusy}
          onClick={() =>
            void attempt(async () => {
              await takeInQuote(draftKey)
              focusComposer(draftKey)
            })
          }
        >
          {t('quote.edit')}
        </button>
        <button
          type="button"
          className="link-button"
          onClick={() => {
            changeDraft(draftKey, { quotes: false })
            focusComposer(draftKey)
          }}
        >
          {t('quote.leaveOut')}
        </button>
      </div>
      <Problem problem={problem} />
      {isOpen && <SealedMail messageId={messageId} />}
    </section>
  )
}
