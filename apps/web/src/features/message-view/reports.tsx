import type { Message } from '@postern/shared/messages.ts'
import type { MailNotes, MailReport, ReportedRecipient } from '@postern/shared/reports.ts'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { useAnswer } from '#data/use-answer.ts'
import { fullDate, plainSubject } from '#lib/format.ts'
import { whyNot } from '#lib/report-words.ts'
import { onLinkClick, useRoute } from '#lib/route.ts'
import { t } from '#lib/text.ts'

const none: MailNotes = { reports: [], asks: [] }

/** What became of the mails of a conversation, and what they ask for; nothing until it is here. */
export const useNotes = (threadId: string | null, messages: number): MailNotes => {
  const seen = useApp((state) => state.notesSeen)
  const { value } = useAnswer(threadId && messages > 0 ? `${threadId}:${messages}:${seen}` : null, async (signal) => ({
    threadId,
    ...(await call('listNotes', 'GET', `/v1/threads/${threadId}/notes`, { signal })),
  }))
  return value?.threadId === threadId ? value : none
}

/** Of a mail: what others report of it. Of a report: which mail it is about. */
export const Reports = ({ message, reports, isOpen }: { message: Message; reports: MailReport[]; isOpen: boolean }) => {
  const lines = linesOf(reports.filter(({ about }) => about?.messageId === message.id))
  const own = reports.find(({ messageId }) => messageId === message.id)
  return (
    <>
      {lines.map((line) => (
        <Line key={`${line.report.messageId}:${line.recipient.address}`} {...line} />
      ))}
      {isOpen && own?.about && (
        <div className="notice row">
          <span className="notice-text">
            {t('report.about', { subject: plainSubject(own.about.subject) || t('view.noSubject') })}
          </span>
          <MailLink threadId={own.about.threadId} messageId={own.about.messageId} text={t('report.showMail')} />
        </div>
      )}
    </>
  )
}

type ReportLine = { report: MailReport; recipient: ReportedRecipient }

/** Of each recipient the last word; that somebody read it says more than that it was delivered. */
const linesOf = (reports: MailReport[]): ReportLine[] => {
  const lines = new Map<string, ReportLine>()
  for (const report of reports)
    for (const recipient of report.recipients) {
      const key = recipient.address.toLowerCase()
      const isRead = lines.get(key)?.report.kind === 'receipt'
      if (!(isRead && report.kind === 'delivery')) lines.set(key, { report, recipient })
    }
  return [...lines.values()]
}

const Line = ({ report, recipient: { action, address, status, text } }: ReportLine) => {
  const date = fullDate(report.at)
  if (action !== 'failed' && action !== 'delayed')
    return (
      <p className="muted report">
        <bdi>{t(`report.${action}`, { address, date })}</bdi>{' '}
        <MailLink threadId={report.threadId} messageId={report.messageId} text={t('report.show')} />
      </p>
    )
  const why = whyNot(status)
  return (
    <div className={action === 'failed' ? 'notice bad row' : 'notice warn row'} role="status">
      <span className="notice-text">
        <bdi>
          {why ? t(`report.${action}Why`, { address, why: t(`report.${why}`) }) : t(`report.${action}`, { address })}
        </bdi>
        {text && <span className="muted said">{t('report.said', { text })}</span>}
      </span>
      <MailLink threadId={report.threadId} messageId={report.messageId} text={t('report.show')} />
    </div>
  )
}

/** To a mail: in this conversation, or wherever it lies. */
const MailLink = ({ threadId, messageId, text }: { threadId: string; messageId: string; text: string }) => {
  const { path, segments, query } = useRoute()
  const isHere = segments.includes(threadId)
  const there = new URLSearchParams(isHere ? query : {})
  there.set('m', messageId)
  const to = `${isHere ? path : `/search/${threadId}`}?${there}`
  return (
    <a href={to} onClick={(event) => onLinkClick(event, to)}>
      {text}
    </a>
  )
}
