import type { RestOperation } from './rest.ts'
import * as transfers from './transfers.ts'

/** Part of the table in rest.ts: bringing mail in, and to another account. */
export const transferOperations = {
  createImport: {
    method: 'POST',
    path: '/v1/mailboxes/:mailboxId/imports',
    access: 'user',
    summary: 'Begin to import mail files into a mailbox',
    body: transfers.importCreate,
    response: transfers.transfer,
  },
  createUpload: {
    method: 'POST',
    path: '/v1/mailboxes/:mailboxId/uploads',
    access: 'user',
    summary: 'Copy the mail of a mailbox kept here to another account',
    body: transfers.uploadCreate,
    response: transfers.transfer,
  },
  sendTransferContent: {
    method: 'POST',
    path: '/v1/transfers/:transferId/content',
    access: 'user',
    summary: 'Send a mail file of an import',
    query: transfers.transferContentQuery,
    content: transfers.mailFileTypes,
    response: transfers.transfer,
  },
  finishTransfer: {
    method: 'POST',
    path: '/v1/transfers/:transferId/finish',
    access: 'user',
    summary: 'Say that everything was sent, or that nothing more is',
    body: transfers.transferFinish,
    response: transfers.transfer,
  },
  getTransfer: {
    method: 'GET',
    path: '/v1/transfers/:transferId',
    access: 'user',
    summary: 'How far an import or upload is',
    response: transfers.transfer,
  },
  listTransfers: {
    method: 'GET',
    path: '/v1/transfers',
    access: 'user',
    summary: 'Own imports and uploads that were not put away, newest first',
    response: transfers.transferList,
  },
  dismissTransfers: {
    method: 'POST',
    path: '/v1/transfers/dismiss',
    access: 'user',
    summary: 'Put imports and uploads away that have ended',
    body: transfers.transferDismissal,
    answer: 'empty',
  },
  cancelTransfer: {
    method: 'DELETE',
    path: '/v1/transfers/:transferId',
    access: 'user',
    summary: 'Leave out what is not done yet',
    answer: 'empty',
  },
} as const satisfies Record<string, RestOperation>
