import { Paperclip } from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { attachFromMail } from '#data/attachments.ts'
import { useAnswer } from '#data/use-answer.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/composer-text.ts'
import { listDate, personName } from '#lib/format.ts'
import { nameOf } from '#lib/mailbox-name.ts'
import { Dialog } from '#ui/dialog.tsx'
import { ListState } from '#ui/list-state.tsx'
import { Problem } from '#ui/problem.tsx'

const most = 20
/** Where a search puts its marks. */
const unmarked = (text: string): string => text.replace(/[\ue000\ue001]/g, '')

/** Finds a mail in all mailboxes and attaches it whole. */
export const AttachMail = ({ draftKey, onClose }: { draftKey: string; onClose: () => void }) => {
  const [words, setWords] = useState('')
  const { isBusy, problem, attempt } = useAttempt()
  const q = words.trim()
  const { value, status, reload } = useAnswer(q === '' ? null : q, (signal) =>
    call('search', 'GET', '/v1/search', { query: { q, limit: most }, signal }),
  )
  const mailboxes = useApp((state) => state.mailboxes)
  const placeOf = (id: string) => {
    const mailbox = mailboxes[id]
    return mailbox && ` · ${nameOf(mailbox)}`
  }
  const hits = q === '' ? [] : (value?.hits ?? [])
  return (
    <Dialog title={t('attach.mailTitle')} onClose={onClose} onKeyDown={(event) => onKey(event, onClose)}>
      <input
        className="input"
        type="search"
        aria-label={t('attach.mailSearch')}
        placeholder={t('attach.mailSearch')}
        autoFocus
        value={words}
        onChange={({ target }) => setWords(target.value)}
      />
      <Problem problem={problem} />
      <ul className="mail-choices" aria-label={t('attach.mailFound')}>
        {hits.map(({ row, messageId, subject }) => (
          <li key={messageId}>
            <button
              type="button"
              disabled={isBusy}
              onClick={() =>
                void attempt(async () => {
                  await attachFromMail(draftKey, { messageId, partId: null })
                  onClose()
                })
              }
            >
              <strong dir="auto">{unmarked(subject) || t('view.noSubject')}</strong>
              <span className="muted">
                <bdi>{row.senders.map(personName).join(', ')}</bdi> · {listDate(row.latestAt)}
                {placeOf(row.mailboxId)}{' '}
                {row.hasAttachment && <Paperclip size={13} role="img" aria-label={t('attach.list')} />}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {q !== '' && (
        <ListState
          status={status}
          isEmpty={hits.length === 0}
          empty={t('attach.mailNone')}
          failed={t('search.failed')}
          lines={3}
          onRetry={reload}
        />
      )}
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {t('cancel')}
        </button>
      </div>
    </Dialog>
  )
}

/** Arrows go from the words through what they found; Escape is not spent on emptying the field. */
const onKey = (event: KeyboardEvent, onClose: () => void): void => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (by === undefined && event.key !== 'Escape') return
  event.preventDefault()
  if (by === undefined) {
    onClose()
    return
  }
  const stops: Element[] = [...event.currentTarget.querySelectorAll('input, .mail-choices button')]
  const at = document.activeElement ? stops.indexOf(document.activeElement) : -1
  const next = stops[Math.min(stops.length - 1, Math.max(0, at + by))]
  if (next instanceof HTMLElement) next.focus()
}
