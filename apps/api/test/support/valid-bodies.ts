import { randomUUID } from 'node:crypto'
import type { RestName } from '@postern/shared/rest.ts'

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
  createMailbox: { name: 'Mine' },
  patchMailbox: { isSynced: false },
  createRemoteImageLinks: { urls: [] },
  createUpload: { toMailboxId: '999999999' },
  undoCommand: { id: randomUUID() },
}
