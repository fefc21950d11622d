import type { Account } from '@postern/shared/accounts.ts'
import type { ChangeBatch } from '@postern/shared/changes.ts'
import type { Dovecot } from '../../test/support/dovecot.ts'
import { openBare, watchBare } from '../bare-imap.ts'
import { percentile, sleep, until } from '../figures.ts'
import { type Gateway, isWatching } from '../gateway.ts'
import { seeded } from '../seeded.ts'
import type { Scenario, World } from '../world.ts'

/**
 * From a mail's delivery to the browser's socket event that holds its row, over what a bare client in IDLE sees. The two
 * take turns: at a mailbox of 50,000 the server reads the whole directory for each session that watches it, one after the
 * other under a lock, and the second of two bare clients hears of a mail 20 to 300 ms after the first.
 */
export const push: Scenario = {
  name: 'push',
  figures: ['push.delivery', 'push.delivery.p95', 'push.burst', 'push.beside'],
  run: async ({ filled, corpus, tell }) => {
    const { gateway } = await filled()
    const { dovecot } = await corpus()
    await tellPush({ tell, gateway, dovecot, user: 'alice', name: 'push', target: 25 })
    // One a second: whoever is not back in IDLE at once misses the next one.
    const pausesMs: number[] = Array(30).fill(1000)
    const { own, floor } = await deliverAndWatch(gateway, dovecot, { user: 'alice', pausesMs, watchers: 'both' })
    tell('push.burst', [Math.max(...own)], 'ms', {
      floor: percentile(floor, 0.95),
      goal: { target: 1000, judge: 'over-floor' },
    })
    tell(
      'push.beside',
      own.map((ms, n) => ms - (floor[n] ?? Number.NaN)),
      'ms',
    )
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

const turns = 3
const mailsATurn = 8

/** Mails far enough apart that the server's own delay after the last one plays no part. */
export const tellPush = async ({ tell, gateway, dovecot, user, name, target }: Measured): Promise<void> => {
  const random = seeded(11)
  const own: number[] = []
  const floor: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    const pausesMs = Array.from({ length: mailsATurn }, () => 1800 + Math.floor(800 * random()))
    await setPaused(gateway, user, true)
    floor.push(...(await deliverAndWatch(gateway, dovecot, { user, pausesMs, watchers: 'bare' })).floor)
    await setPaused(gateway, user, false)
    own.push(...(await deliverAndWatch(gateway, dovecot, { user, pausesMs, watchers: 'own' })).own)
  }
  tell(`${name}.delivery`, own, 'ms', { floor: percentile(floor, 0.5), goal: { target, judge: 'over-floor' } })
  tell(`${name}.delivery.p95`, own, 'ms', {
    floor: percentile(floor, 0.95),
    goal: { target: 80, judge: 'p95-over-floor' },
  })
}

const setPaused = async (gateway: Gateway, user: string, isPaused: boolean): Promise<void> => {
  const { accounts } = await gateway.get<{ accounts: Account[] }>('/v1/accounts')
  const account = accounts.find(({ address }) => address === `${user}@example.org`)
  if (!account) throw new Error(`there is no account of ${user}`)
  await gateway.ask('PATCH', `/v1/accounts/${account.id}`, { isPaused })
  if (isPaused) await sleep(500)
  else await until(() => isWatching(gateway, account.id), 'the account in step', 30_000)
}

type Delivery = { user: string; pausesMs: number[]; watchers: 'own' | 'bare' | 'both' }

const deliverAndWatch = async (
  gateway: Gateway,
  dovecot: Dovecot,
  { user, pausesMs, watchers }: Delivery,
): Promise<{ own: number[]; floor: number[] }> => {
  const count = pausesMs.length
  const run = crypto.randomUUID()
  const floorAt: number[] = []
  const ownAt = new Map<string, number>()
  const client = await openBare(dovecot.imapPort, user)
  const base = client.mailbox ? client.mailbox.exists : 0
  await client.logout()
  const stopWatching =
    watchers !== 'own' &&
    (await watchBare(dovecot.imapPort, user, (exists) => {
      const at = performance.now()
      for (let n = floorAt.length; n < exists - base; n++) floorAt.push(at)
    }))
  const socket = await gateway.openSocket(({ changes }: ChangeBatch) => {
    const at = performance.now()
    for (const change of changes)
      if (change.kind === 'threads')
        for (const { subject } of change.upserted)
          if (subject.startsWith(run) && !ownAt.has(subject)) ownAt.set(subject, at)
  })
  try {
    // Who watches sits in IDLE by now.
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
    const isOpen = () => (watchers !== 'bare' && ownAt.size < count) || (watchers !== 'own' && floorAt.length < count)
    while (isOpen() && performance.now() < deadline) await sleep(50)
    if (watchers !== 'bare' && ownAt.size < count)
      throw new Error(`${count - ownAt.size} of ${count} mails were not pushed`)
    const since = (at: number | undefined, n: number) => (at ?? Number.NaN) - (deliveredAt[n] ?? Number.NaN)
    return {
      own: deliveredAt.map((_, n) => since(ownAt.get(`${run} ${n}`), n)),
      floor: deliveredAt.map((_, n) => since(floorAt[n], n)),
    }
  } finally {
    socket.disconnect()
    if (stopWatching) await stopWatching()
  }
}
