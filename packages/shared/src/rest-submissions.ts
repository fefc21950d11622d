import type { RestOperation } from './rest.ts'
import * as submissions from './submissions.ts'

/** Part of the table in rest.ts: mail on its way out. */
export const submissionOperations = {
  createSubmission: {
    method: 'POST',
    path: '/v1/submissions',
    access: 'user',
    summary: 'Send a draft, now or later; once, however often it is asked for',
    body: submissions.submissionCreate,
    response: submissions.submission,
  },
  listSubmissions: {
    method: 'GET',
    path: '/v1/submissions',
    access: 'user',
    summary: 'The outbox, newest first',
    query: submissions.submissionQuery,
    response: submissions.submissionList,
  },
  getSubmission: {
    method: 'GET',
    path: '/v1/submissions/:submissionId',
    access: 'user',
    summary: 'How far a mail is',
    response: submissions.submission,
  },
  getSubmissionMail: {
    method: 'GET',
    path: '/v1/submissions/:submissionId/mail',
    access: 'user',
    summary: 'What is written in a mail on its way out',
    response: submissions.submissionMail,
  },
  patchSubmission: {
    method: 'PATCH',
    path: '/v1/submissions/:submissionId',
    access: 'user',
    summary: 'Choose another time, as long as it has not left',
    body: submissions.submissionPatch,
    response: submissions.submission,
  },
  cancelSubmission: {
    method: 'POST',
    path: '/v1/submissions/:submissionId/cancel',
    access: 'user',
    summary: 'Take a mail back before it leaves; it is a draft again',
    response: submissions.submissionCancelled,
  },
  retrySubmission: {
    method: 'POST',
    path: '/v1/submissions/:submissionId/retry',
    access: 'user',
    summary: 'Try again now what waits or failed',
    response: submissions.submission,
  },
  decideSubmission: {
    method: 'POST',
    path: '/v1/submissions/:submissionId/decision',
    access: 'user',
    summary: 'End a doubt: it arrived, send it again, or back to draft',
    body: submissions.submissionDecision,
    response: submissions.submissionCancelled,
  },
  dismissSubmission: {
    method: 'POST',
    path: '/v1/submissions/:submissionId/dismiss',
    access: 'user',
    summary: 'Put away what has ended',
    answer: 'empty',
  },
} as const satisfies Record<string, RestOperation>
