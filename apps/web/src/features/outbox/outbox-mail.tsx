import type { DraftRecipient } from '@postern/shared/drafts.ts'
import type { Submission, SubmissionMail } from '@postern/shared/submissions.ts'
import { ArrowLeft, File } from 'lucide-react'
import { type ComponentType, useEffect, useMemo, useRef } from 'react'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { onDownload } from '#data/download.ts'
import { wasTakenBack } from '#data/outbox.ts'
import { useCommands } from '#data/screen-commands.ts'
import { useAnswer } from '#data/use-answer.ts'
import { writeRecipient } from '#lib/address-list.ts'
import { t } from '#lib/composer-text.ts'
import { fileSize } from '#lib/format.ts'
import { goBack, navigate } from '#lib/route.ts'
import { HeadLines } from '#ui/head-lines.tsx'
import { ListState } from '#ui/list-state.tsx'
import { OutboxActions } from './outbox-actions.tsx'
import { OutboxState } from './outbox-state.tsx'

/** What the screen hands in: features never import each other. */
export type OutboxParts = {
  SealedMail: ComponentType<{ messageId: string }>
  WrittenMail: ComponentType<{ text: string; html: string | null; pictures: { contentId: string; at: string }[] }>
}

/** A mail of the outbox as it goes out, only to be read; and what can be done about it. */
export const OutboxMail = ({ submissionId, parts }: { submissionId: string; parts: OutboxParts }) => {
  const live = useApp(({ outbox }) => outbox.find(({ id }) => id === submissionId))
  const { value, status, reload } = useAnswer(submissionId, (signal) =>
    Promise.all([
      call('getSubmission', 'GET', `/v1/submissions/${submissionId}`, { signal }),
      call('getSubmissionMail', 'GET', `/v1/submissions/${submissionId}/mail`, { signal }),
    ]),
  )
  useLeave(submissionId, live !== undefined)
  useCommands({ back: leave })
  const submission = live ?? value?.[0]
  if (!submission || !value)
    return <ListState status={status} isEmpty empty={null} lines={5} failed={t('outbox.mailFailed')} onRetry={reload} />
  return (
    <>
      <div className="view-head">
        <button
          type="button"
          className="icon-button phone-back"
          aria-label={t('outbox.back')}
          title={t('outbox.back')}
          onClick={leave}
        >
          <ArrowLeft size={18} className="turns" aria-hidden />
        </button>
        <h1 dir="auto">{submission.subject || t('view.noSubject')}</h1>
      </div>
      <article className="message outbox-mail" aria-label={submission.subject || t('view.noSubject')}>
        <OutboxState submission={submission} />
        <OutboxActions submission={submission} />
        <Addresses submission={submission} />
        <Content mail={value[1]} parts={parts} />
      </article>
    </>
  )
}

const leave = (): void => goBack('/outbox')

/** Sent, taken back or put away: there is nothing to be done about it here any more. */
const useLeave = (id: string, isHere: boolean): void => {
  const wasHere = useRef(false)
  useEffect(() => {
    if (wasHere.current && !isHere) {
      // The history's own step would take along the draft that it becomes.
      if (wasTakenBack(id)) navigate('/outbox', { replace: true })
      else leave()
    }
    wasHere.current ||= isHere
  }, [id, isHere])
}

const Addresses = ({ submission: { from, recipients } }: { submission: Submission }) => {
  const line = (kind: 'from' | 'to' | 'cc' | 'bcc', people: DraftRecipient[]): [string, string] => [
    t(`field.${kind}`),
    people.map(writeRecipient).join(', '),
  ]
  const kinds = ['to', 'cc', 'bcc'] as const
  return (
    <HeadLines
      lines={[
        line('from', from.address === '' ? [] : [from]),
        ...kinds.map((kind) =>
          line(
            kind,
            recipients.filter((one) => one.kind === kind),
          ),
        ),
      ]}
    />
  )
}

const Content = ({ mail, parts: { SealedMail, WrittenMail } }: { mail: SubmissionMail; parts: OutboxParts }) => {
  const { text, html, about, quotes, draftId, attachments } = mail
  const at = (id: string) => `/v1/drafts/${draftId}/attachments/${id}`
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is in a mail on its way does not change
  const pictures = useMemo(
    () => attachments.flatMap(({ id, contentId }) => (contentId === null ? [] : [{ contentId, at: at(id) }])),
    [mail],
  )
  // As it is composed: a picture is in the text, or is not sent; a plain one has all as files.
  const files = attachments.filter(({ contentId }) => contentId === null || html === null)
  if (about?.kind === 'redirect')
    return (
      <section aria-label={t('quote.label')}>
        <p className="muted">{t('quote.redirected')}</p>
        <SealedMail messageId={about.messageId} />
      </section>
    )
  return (
    <>
      <WrittenMail text={text} html={html} pictures={pictures} />
      {quotes && about && (
        <section className="outbox-quote" aria-label={t('quote.label')}>
          <h2 className="muted">{t('quote.label')}</h2>
          <SealedMail messageId={about.messageId} />
        </section>
      )}
      {files.length > 0 && (
        <ul className="attachments" aria-label={t('outbox.attachments')}>
          {files.map(({ id, filename, sizeBytes }) => (
            <li key={id}>
              <div className="file">
                <a className="file-name" href={at(id)} download onClick={onDownload} title={filename}>
                  <File size={15} aria-hidden />
                  <bdi>{filename}</bdi>
                </a>
                <small className="muted">{fileSize(sizeBytes)}</small>
              </div>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
