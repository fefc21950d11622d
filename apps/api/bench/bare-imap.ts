import { ImapFlow } from 'imapflow'
import { mailPassword } from './gateway.ts'

/** The floors at the mail server: imapflow alone, with no product around it. */
export const openBare = async (port: number, user: string, mailbox = 'INBOX'): Promise<ImapFlow> => {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: mailPassword },
    logger: false,
  })
  client.on('error', () => undefined)
  await client.connect()
  await client.mailboxOpen(mailbox)
  return client
}

export const envelopeQuery = {
  uid: true,
  flags: true,
  envelope: true,
  internalDate: true,
  size: true,
  bodyStructure: true,
  headers: ['references'],
}

/** Reads every envelope and forgets it: fills the server's caches, so that nobody pays for being first. */
export const warmCaches = async (port: number, user: string): Promise<void> => {
  const client = await openBare(port, user)
  const paths = (await client.list()).map(({ path }) => path)
  for (const path of paths) {
    await client.mailboxOpen(path)
    for await (const _ of client.fetch('1:*', envelopeQuery, { uid: true }));
  }
  await client.logout()
}

/** Sits in IDLE at once and calls back with each EXISTS: the earliest moment any client could know of a new mail. */
export const watchBare = async (
  port: number,
  user: string,
  onExists: (messages: number) => void,
): Promise<() => Promise<void>> => {
  const client = await openBare(port, user)
  client.on('exists', ({ count }: { count: number }) => onExists(count))
  let isOver = false
  const idling = (async () => {
    while (!isOver && client.usable) await client.idle().catch(() => undefined)
  })()
  return async () => {
    isOver = true
    client.close()
    await idling
  }
}
