import * as reports from './reports.ts'
import type { RestOperation } from './rest.ts'

/** Part of the table in rest.ts: what became of mail, and what mail asks for. */
export const reportOperations = {
  listReports: {
    method: 'GET',
    path: '/v1/threads/:threadId/reports',
    access: 'user',
    summary: 'What became of the mails of a conversation, as others report it',
    response: reports.mailReports,
  },
} as const satisfies Record<string, RestOperation>
