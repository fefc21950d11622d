import * as reports from './reports.ts'
import type { RestOperation } from './rest.ts'
import { okBody } from './wire.ts'

/** Part of the table in rest.ts: what became of mail, and what mail asks for. */
export const reportOperations = {
  listNotes: {
    method: 'GET',
    path: '/v1/threads/:threadId/notes',
    access: 'user',
    summary: 'What became of the mails of a conversation, as others report it, and what they ask for',
    response: reports.mailNotes,
  },
  answerReceipt: {
    method: 'POST',
    path: '/v1/messages/:messageId/receipt',
    access: 'user',
    summary: 'Tell the sender that a mail was read, or never',
    body: reports.receiptAnswer,
    response: okBody,
  },
  getListExit: {
    method: 'GET',
    path: '/v1/messages/:messageId/unsubscribe',
    access: 'user',
    summary: 'How to leave the list that a mail came by',
    response: reports.listExit,
  },
  leaveList: {
    method: 'POST',
    path: '/v1/messages/:messageId/unsubscribe',
    access: 'user',
    summary: 'Ask to be taken off the list that a mail came by',
    body: reports.listLeave,
    response: okBody,
  },
} as const satisfies Record<string, RestOperation>
