import type { Submission } from '@postern/shared/submissions.ts'
import { writeRecipient } from '#lib/address-list.ts'
import { t } from '#lib/composer-text.ts'
import { messageDate, personName } from '#lib/format.ts'
import { onLinkClick } from '#lib/route.ts'
import { OutboxActions } from './outbox-actions.tsx'
import { OutboxState } from './outbox-state.tsx'

/** One mail: where it stands and why, for whom, and what can be done about it. Its subject leads to what is in it. */
export const OutboxItem = ({ submission, isOpen }: { submission: Submission; isOpen: boolean }) => {
  const { id, subject, recipients, state } = submission
  const title = subject || t('view.noSubject')
  const at = `/outbox/${id}`
  return (
    <li className="outbox-item" aria-label={title}>
      <div className="row">
        <a
          className="outbox-subject"
          dir="auto"
          href={at}
          aria-current={isOpen ? 'true' : undefined}
          onClick={(event) => onLinkClick(event, at)}
        >
          {title}
        </a>
        <span className="muted">
          {peopleText(recipients)} · {messageDate(submission.createdAt)}
        </span>
      </div>
      <OutboxState submission={submission} />
      <details open={state === 'partly_sent' || recipients.some((one) => one.state === 'refused')}>
        <summary>{t('outbox.recipients', { n: recipients.length })}</summary>
        <ul className="outbox-recipients">
          {recipients.map((one) => (
            <li key={`${one.kind} ${one.address}`}>
              <bdi>{writeRecipient(one)}</bdi> <span className="muted">{t(`recipient.${one.state}`)}</span>
              {one.text && <div className="muted">{one.text}</div>}
            </li>
          ))}
        </ul>
      </details>
      <OutboxActions submission={submission} />
    </li>
  )
}

/** As many as one reads; all of them are below. */
const namesShown = 3

const peopleText = (recipients: Submission['recipients']): string => {
  const rest = recipients.length - namesShown
  const named = (rest > 1 ? recipients.slice(0, namesShown) : recipients).map(personName).join(', ')
  return rest > 1 ? t('outbox.toMany', { people: named, n: rest.toLocaleString() }) : t('outbox.to', { people: named })
}
