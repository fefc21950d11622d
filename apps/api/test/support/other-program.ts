import { ImapFlow } from 'imapflow'
import type { Dovecot } from './dovecot.ts'

/** A second mail program at the same account, with a mailbox open if one is named. The caller closes it. */
export const otherProgram = async (dovecot: Dovecot, user: string, mailbox?: string): Promise<ImapFlow> => {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: dovecot.imapPort,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: 'secret' },
    logger: false,
  })
  client.on('error', () => undefined)
  await client.connect()
  if (mailbox !== undefined) await client.mailboxOpen(mailbox)
  return client
}
