import { randomUUID } from 'node:crypto'
import type { RestName } from '@postern/shared/rest.ts'

export const validContent = (identityId: string) => ({
  identityId,
  to: [],
  cc: [],
  bcc: [],
  subject: '',
  text: '',
  html: null,
  about: null,
  quotes: false,
  wantsReceipt: false,
  wantsReport: false,
})

/** The same of what stands behind the path. */
export const validQueries: Partial<Record<RestName, string>> = {
  removeAccount: '?mode=erase',
  removeCorrespondent: '?address=a@example.org',
  addAttachment: `?id=${randomUUID()}`,
}

/** For operations that answer for one thing: what passes their schema, so that the answer is about the id. */
export const validBodies: Partial<Record<RestName, unknown>> = {
  patchAccount: { name: 'mine now' },
  connectAccount: {
    kind: 'imap',
    incoming: { host: 'localhost', port: 993, security: 'tls', username: 'x' },
    password: 'x',
  },
  switchAccount: {
    kind: 'imap',
    incoming: { host: 'mail.example.org', port: 993, security: 'tls', username: 'u' },
    password: 'p',
  },
  planRemoval: { policy: { kind: 'afterDownload' } },
  createMailbox: { name: 'Mine' },
  patchMailbox: { isSynced: false },
  createRemoteImageLinks: { urls: [] },
  answerReceipt: { answer: 'refuse' },
  leaveList: { kind: 'oneClick', target: 'lists.example' },
  createUpload: { toMailboxId: '999999999' },
  createIdentity: { address: 'a@example.org' },
  patchIdentity: { name: 'A' },
  saveDraft: {
    baseVersion: 1,
    content: validContent('999999999'),
  },
  saveTemplate: { baseVersion: 1, content: { name: 'A', subject: '', html: '' } },
  addAttachmentFromMail: { id: randomUUID(), messageId: '999999999', partId: null },
  patchSubmission: { sendAt: null },
  decideSubmission: { decision: 'arrived' },
  undoCommand: { id: randomUUID() },
}
