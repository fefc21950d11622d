import { type MailReport, mailReport } from '@postern/shared/reports.ts'
import { AppError } from '#platform/errors.ts'
import { ownThread, type ReportRow, threadReports } from '#store/mail-reports.ts'
import type { FeatureDeps } from '../feature-deps.ts'

export const registerReports = ({ router, store }: FeatureDeps): void => {
  router.on('listReports', async ({ user, params }) => {
    const threadId = BigInt(params.threadId)
    const [own, rows] = await store.readAs(user.userId, [
      ownThread(user.userId, threadId),
      threadReports(user.userId, threadId),
    ])
    if (own.length === 0) throw new AppError('not_found', 'There is no such conversation.')
    return { reports: presentReports(rows) }
  })
}

/** Rows of one report follow each other. */
const presentReports = (rows: ReportRow[]): MailReport[] => {
  const reports = new Map<bigint, MailReport>()
  for (const row of rows) {
    const report = reports.get(row.message_id) ?? presentReport(row)
    reports.set(row.message_id, report)
    const { action, address, original_address, status, text } = row
    report.recipients.push({ action: actions.parse(action), address: original_address ?? address, status, text })
  }
  return [...reports.values()]
}

const { action: actions } = mailReport.shape.recipients.element.shape

const presentReport = (row: ReportRow): MailReport => ({
  messageId: row.message_id.toString(),
  threadId: row.report_thread_id.toString(),
  at: row.at.toISOString(),
  kind: row.kind === 'receipt' ? 'receipt' : 'delivery',
  about:
    row.about_message_id !== null && row.about_thread_id !== null
      ? {
          messageId: row.about_message_id.toString(),
          threadId: row.about_thread_id.toString(),
          subject: row.about_subject ?? '',
        }
      : null,
  recipients: [],
})
