import type { Dovecot } from '../../test/support/dovecot.ts'
import { until } from '../figures.ts'
import { type Gateway, mailPassword } from '../gateway.ts'
import { atRest, watchMemory } from '../memory.ts'
import { startWire } from '../relay.ts'
import { isFilled, type World } from '../world.ts'

const largeBytes = 50 * 1024 * 1024
const slowBytesPerSecond = 5 * 1024 * 1024
const goal = { target: 100 }

type Measured = {
  tell: World['tell']
  dovecot: Dovecot
  gateway: Gateway
  /** Told of each gateway that takes the place of the last. */
  onRestart: (next: Gateway) => void
}

/**
 * What one mail of 50 MB costs the engine beyond its resident memory at rest, from the request for a look until its text
 * is read: as fast as it can be had, and slowly. Each after a restart, and a look at a small mail: what an engine loads
 * with its first one is no part of the large one.
 */
export const tellLargeMail = async ({ tell, dovecot, gateway, onRestart }: Measured): Promise<void> => {
  const wire = await startWire(dovecot.pop3Port, { bytesPerSecond: slowBytesPerSecond })
  let running = gateway
  try {
    for (const [name, port] of [
      ['memory.large-mail', dovecot.pop3Port],
      ['memory.large-mail-slow', wire.port],
    ] as const) {
      const user = name.replace('memory.', '')
      dovecot.addUser(user, mailPassword)
      dovecot.deliver(user, 'INBOX', 'Subject: first\r\n\r\nHello.\r\n')
      const { id } = await running.addAccount(user, { port, security: 'plain', kind: 'pop3' })
      await until(() => isFilled(running, id), 'the first mail', 60_000, 100)
      await running.stop()
      running = await running.restart()
      onRestart(running)
      await untilRead(running, dovecot, { user, id }, 'Subject: second\r\n\r\nHello.\r\n', 2)
      const rest = await atRest(running.engineRss)
      const watch = watchMemory(running.engineRss)
      await untilRead(running, dovecot, { user, id }, largeMail(), 3)
      tell(name, [((await watch.end()) - rest) / 1024], 'MiB', { goal })
    }
  } finally {
    await wire.close()
  }
}

type Drop = { user: string; id: string }

/** Delivers a mail, has it fetched, and waits for its text. */
const untilRead = async (
  gateway: Gateway,
  dovecot: Dovecot,
  { user, id }: Drop,
  mail: Buffer | string,
  count: number,
) => {
  dovecot.deliver(user, 'INBOX', mail)
  await gateway.ask('POST', `/v1/accounts/${id}/sync`)
  const inbox = async () => (await gateway.mailboxes(id)).find(({ role }) => role === 'inbox')
  await until(async () => (await inbox())?.messages === count, `mail ${count}`, 120_000, 100)
  await until(() => isFilled(gateway, id), `the text of mail ${count}`, 120_000, 100)
}

const largeMail = (): Buffer => {
  const line = Buffer.from(`${Buffer.alloc(57, 'postern').toString('base64')}\r\n`)
  return Buffer.concat([
    Buffer.from(
      'From: ann@example.org\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    ),
    Buffer.alloc(Math.ceil(largeBytes / line.length) * line.length, line),
    Buffer.from('--b--\r\n'),
  ])
}
