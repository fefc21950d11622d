import { type MailAsk, type MailReport, mailReport } from '@postern/shared/reports.ts'
import { AppError } from '#platform/errors.ts'
import { type AskRow, parseAsks, threadAsks } from '#store/mail-asks.ts'
import { ownThread, type ReportRow, threadReports } from '#store/mail-reports.ts'
import type { FeatureDeps } from '../feature-deps.ts'

export const registerReports = ({ router, store }: FeatureDeps): void => {
  router.on('listNotes', async ({ user, params }) => {
    const threadId = BigInt(params.threadId)
    const [own, rows, asks] = await store.readAs(user.userId, [
      ownThread(user.userId, threadId),
      threadReports(user.userId, threadId),
      threadAsks(user.userId, threadId),
    ])
    if (own.length === 0) throw new AppError('not_found', 'There is no such conversation.')
    return { reports: presentReports(rows), asks: asks.map(presentAsk) }
  })
}

const presentAsk = (row: AskRow): MailAsk => {
  const { receipt, list } = parseAsks(row.asks)
  const state = row.answer === 'sent' || row.answer === 'refused' ? row.answer : row.is_mdn_sent ? 'elsewhere' : 'open'
  return {
    messageId: row.message_id.toString(),
    receipt: receipt && {
      to: receipt.to,
      isElsewhere: receipt.to.toLowerCase() !== row.from_address?.toLowerCase(),
      state,
      at: row.answered_at?.toISOString() ?? null,
    },
    list: list && { leftAt: row.left_at?.toISOString() ?? null },
  }
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
