import type { ChangeBatch } from '@postern/shared/changes.ts'
import type { Dovecot } from '../../test/support/dovecot.ts'
import { openBare, watchBare } from '../bare-imap.ts'
import { percentile, sleep } from '../figures.ts'
import type { Gateway } from '../gateway.ts'
import { seeded } from '../seeded.ts'
import type { Scenario, World } from '../world.ts'

/** From a mail's delivery to the browser's socket event that holds its row, beside a bare client in IDLE on the same mailbox. */
export const push: Scenario = {
  name: 'push',
  figures: ['push.delivery', 'push.over-floor', 'push.burst'],
  run: async ({ filled, corpus, tell }) => {
    const { gateway } = await filled()
    const { dovecot } = await corpus()
    await tellPush({ tell, gateway, dovecot, user: 'alice', name: 'push', target: 25 })
    // One a second: whoever is not back in IDLE at once misses the next one.
    const { own, floor } = await deliverAndWatch(gateway, dovecot, { user: 'alice', pausesMs: Array(30).fill(1000) })
    tell('push.burst', [Math.max(...own)], 'ms', {
      floor: percentile(floor, 0.95),
      goal: { target: 1000, judge: 'over-floor' },
    })
  },
}

type Measured = {
  tell: World['tell']
  gateway: Gateway
  dovecot: Dovecot
  user: string
  name: string
  target: number
}

/** Mails far enough apart that the server's own delay after the last one plays no part; judged mail by mail. */
export const tellPush = async ({ tell, gateway, dovecot, user, name, target }: Measured): Promise<void> => {
  const random = seeded(11)
  const pausesMs = Array.from({ length: 24 }, () => 1800 + Math.floor(800 * random()))
  const { own, floor } = await deliverAndWatch(gateway, dovecot, { user, pausesMs })
  tell(`${name}.delivery`, own, 'ms', { floor: percentile(floor, 0.5), goal: { target, judge: 'over-floor' } })
  const over = own.map((ms, n) => ms - (floor[n] ?? Number.NaN))
  tell(`${name}.over-floor`, over, 'ms', { goal: { target } })
  tell(`${name}.over-floor.p95`, [percentile(over, 0.95)], 'ms', { goal: { target: 80 } })
}

type Delivery = { user: string; pausesMs: number[] }

const deliverAndWatch = async (
  gateway: Gateway,
  dovecot: Dovecot,
  { user, pausesMs }: Delivery,
): Promise<{ own: number[]; floor: number[] }> => {
  const count = pausesMs.length
  const run = crypto.randomUUID()
  const floorAt: number[] = []
  const ownAt = new Map<string, number>()
  const client = await openBare(dovecot.imapPort, user)
  const base = client.mailbox ? client.mailbox.exists : 0
  await client.logout()
  const stopWatching = await watchBare(dovecot.imapPort, user, (exists) => {
    const at = performance.now()
    for (let n = floorAt.length; n < exists - base; n++) floorAt.push(at)
  })
  const socket = await gateway.openSocket(({ changes }: ChangeBatch) => {
    const at = performance.now()
    for (const change of changes)
      if (change.kind === 'threads')
        for (const { subject } of change.upserted)
          if (subject.startsWith(run) && !ownAt.has(subject)) ownAt.set(subject, at)
  })
  try {
    // Both sit in IDLE by now.
    await sleep(1500)
    const deliveredAt: number[] = []
    for (const [n, pauseMs] of pausesMs.entries()) {
      const dueAt = performance.now() + pauseMs
      deliveredAt.push(performance.now())
      dovecot.deliver(
        user,
        'INBOX',
        `From: Zed <zed@example.org>\r\nTo: ${user}@example.org\r\nSubject: ${run} ${n}\r\nMessage-ID: <${run}.${n}@bench.example>\r\n\r\nHello.\r\n`,
      )
      await sleep(Math.max(0, dueAt - performance.now()))
    }
    const deadline = performance.now() + 10_000
    while ((ownAt.size < count || floorAt.length < count) && performance.now() < deadline) await sleep(50)
    if (ownAt.size < count) throw new Error(`${count - ownAt.size} of ${count} mails were not pushed`)
    const since = (at: number | undefined, n: number) => (at ?? Number.NaN) - (deliveredAt[n] ?? Number.NaN)
    return {
      own: deliveredAt.map((_, n) => since(ownAt.get(`${run} ${n}`), n)),
      floor: deliveredAt.map((_, n) => since(floorAt[n], n)),
    }
  } finally {
    socket.disconnect()
    await stopWatching()
  }
}
