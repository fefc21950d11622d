import type { Account } from '@postern/shared/accounts.ts'
import { openBare } from '../bare-imap.ts'
import { runDatabaseLoop } from '../database-loop.ts'
import { percentile, sleep, time, until } from '../figures.ts'
import type { Gateway } from '../gateway.ts'
import { isFilled, type Scenario } from '../world.ts'

/** From "add this account" to everything stored and indexed, seen through the API alone. */
export const firstSync: Scenario = {
  name: 'sync',
  figures: ['sync.first-page', 'sync.envelopes', 'sync.bodies', 'list.while-syncing', 'floor.login', 'floor.envelopes'],
  run: async ({ corpus, copy, gateway: open, tell, size }) => {
    const { dovecot } = await corpus()
    const gateway = await open()
    if ((await gateway.get<{ accounts: Account[] }>('/v1/accounts')).accounts.length > 0)
      throw new Error('the first sync can be measured only before the others')
    const logins: number[] = []
    for (let n = 0; n < 20; n++)
      logins.push(
        await time(async () => {
          const client = await openBare(dovecot.imapPort, 'alice')
          client.close()
        }),
      )
    tell('floor.login', logins, 'ms')
    const loopMs = await runDatabaseLoop(dovecot.imapPort, gateway.databaseUrl('postgres'))
    tell('floor.envelopes', [loopMs], 'ms')

    const startedAt = performance.now()
    const since = () => performance.now() - startedAt
    const account = await gateway.addAccount('alice', { port: dovecot.imapPort, security: 'plain' })
    let path = ''
    await until(
      async () => {
        const inbox = (await gateway.mailboxes(account.id)).find(({ role }) => role === 'inbox')
        if (!inbox) return false
        path = `/v1/mailboxes/${inbox.id}/threads?limit=50`
        return (await gateway.get<{ rows: unknown[] }>(path)).rows.length > 0
      },
      'the first page',
      30_000,
      5,
    )
    tell('sync.first-page', [since()], 'ms', {
      floor: percentile(logins, 0.5),
      goal: { target: 450, judge: 'over-floor' },
    })

    const probe = probeList(gateway, path)
    await until(() => isComplete(gateway, account.id, size.inbox), 'all envelopes', 300_000, 50)
    tell('sync.envelopes', [since()], 'ms', { floor: loopMs, goal: { target: 1.6, judge: 'ratio' } })
    await until(() => isFilled(gateway, account.id), 'all bodies', 600_000, 200)
    const filledMs = since()
    const whileSyncing = await probe.end()
    tell('sync.all', [filledMs], 'ms')
    await sleep(1000)
    const idle: number[] = []
    for (let n = 0; n < 100; n++) idle.push((await gateway.ask('GET', path)).ms)
    tell('list.while-syncing', whileSyncing, 'ms', {
      floor: percentile(idle, 0.95),
      goal: { target: 3, judge: 'p95-ratio' },
    })
    tell('list.while-syncing.p99', [percentile(whileSyncing, 0.99)], 'ms', { goal: { target: 15 } })
    // Last: the peer's absence must not cost the other figures.
    const { fullMs } = await copy()
    tell('sync.bodies', [filledMs], 'ms', { floor: fullMs, goal: { target: 1.4, judge: 'ratio' } })
  },
}

const isComplete = async (gateway: Gateway, accountId: string, messages: number): Promise<boolean> => {
  const inbox = (await gateway.mailboxes(accountId)).find(({ role }) => role === 'inbox')
  return inbox?.sync.state === 'complete' && inbox.messages >= messages
}

/** Asks for the first page five times a second, as somebody who reads while the mailbox fills. */
const probeList = (gateway: Gateway, path: string): { end: () => Promise<number[]> } => {
  const samples: number[] = []
  let isOver = false
  const running = (async () => {
    while (!isOver) {
      samples.push((await gateway.ask('GET', path)).ms)
      await sleep(200)
    }
  })()
  return {
    end: async () => {
      isOver = true
      await running
      return samples
    },
  }
}
