import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountSettings } from '@postern/shared/accounts.ts'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { openStore } from '#store/open-store.ts'
import { startDovecot } from '../../test/support/dovecot.ts'
import { openBare } from '../bare-imap.ts'
import { writeSmallMailbox } from '../corpus.ts'
import { sleep, time, until } from '../figures.ts'
import { type Gateway, type MailServer, mailPassword, startGateway, withDatabase } from '../gateway.ts'
import type { Scenario } from '../world.ts'
import { tellPush } from './push.ts'

const few = 200
const mailsEach = 10
/** A process of its own for each of two thousand connections is not how such a server is run: fifty share one. */
const manyConnections = `
service imap {
  client_limit = 50
  service_count = 0
  process_min_avail = 4
}
`
const settleMs = 15_000
const cpuOverMs = 60_000

/**
 * What accounts cost when nothing happens in them: memory, processor, how soon all are connected after a restart, and how
 * quick the push stays. Proportional set size of both processes, always after a restart, so that the garbage of the first
 * sync is nobody's.
 */
export const idleAccounts: Scenario = {
  name: 'idle',
  figures: [
    'memory.empty',
    'memory.per-account',
    'memory.per-account-tls',
    'memory.gateway',
    'memory.many',
    'cpu.many',
    'restart.connected',
    'floor.connected',
    'push.many.delivery',
  ],
  run: async ({ manyAccounts, tell, atEnd }) => {
    const lowerWatches = raiseWatches(2000)
    atEnd(async () => lowerWatches())
    const dovecot = await startDovecot({ connectionsPerUser: 20, settings: manyConnections })
    atEnd(() => dovecot.stop())
    const users = Array.from({ length: manyAccounts }, (_, n) => `u${String(n + 1).padStart(4, '0')}`)
    for (const user of users) {
      dovecot.addUser(user, mailPassword)
      writeSmallMailbox(dovecot.maildir(user), mailsEach, dovecot.owner, user)
    }
    const plain: MailServer = { port: dovecot.imapPort, security: 'plain' }
    let gateway = await startGateway(dovecot.certificate)
    const again = async () => {
      await gateway.stop()
      gateway = await gateway.restart()
    }
    const end = async () => {
      await gateway.stop()
      await gateway.remove()
    }
    atEnd(end)
    try {
      await again()
      const empty = await settledPss(gateway)
      tell('memory.empty', [empty / 1024], 'MiB')

      await addAccounts(gateway, users.slice(0, few), plain)
      await gateway.stop()
      const bareMs = await time(() => connectBare(dovecot.imapPort, users.slice(0, few)))
      tell('floor.connected', [bareMs], 'ms')
      gateway = await gateway.restart()
      tell('restart.connected', [await untilConnected(gateway, few)], 'ms', { goal: { target: 2300 } })
      const plainPss = await settledPss(gateway)
      tell('memory.per-account', [(plainPss - empty) / few], 'KiB', { goal: { target: 150 } })
      tell('memory.gateway', [plainPss / 1024], 'MiB', { goal: { target: 250 } })

      await moveAccounts(gateway, { port: dovecot.imapsPort, security: 'tls' })
      await again()
      await untilConnected(gateway, few)
      tell('memory.per-account-tls', [((await settledPss(gateway)) - empty) / few], 'KiB', { goal: { target: 230 } })

      await moveAccounts(gateway, plain)
      await addAccounts(gateway, users.slice(few), plain)
      await again()
      await untilConnected(gateway, users.length)
      tell('memory.many', [(await settledPss(gateway)) / 1024], 'MiB', { goal: { target: 450 } })
      const cpuBefore = gateway.cpuMs()
      await sleep(cpuOverMs)
      tell('cpu.many', [((gateway.cpuMs() - cpuBefore) / cpuOverMs) * 100], '% of a core', { goal: { target: 2 } })
      await tellPush({ tell, gateway, dovecot, user: 'u0007', name: 'push.many', target: 60 })
    } finally {
      await end()
    }
  },
}

/** Log in and select for every user, as many at once as the gateway allows itself. */
const connectBare = async (port: number, users: string[]): Promise<void> => {
  const left = [...users]
  const open: Awaited<ReturnType<typeof openBare>>[] = []
  const connectSome = async () => {
    for (let user = left.shift(); user !== undefined; user = left.shift()) open.push(await openBare(port, user))
  }
  await Promise.all(Array.from({ length: 20 }, connectSome))
  for (const client of open) client.close()
}

const watchesFile = '/proc/sys/fs/inotify/max_user_instances'

/** Dovecot watches a mailbox by one inotify instance a session; beyond the system's limit it only looks every 30 s. */
const raiseWatches = (needed: number): (() => void) => {
  const before = readFileSync(watchesFile, 'utf8').trim()
  if (Number(before) >= needed) return () => undefined
  try {
    writeFileSync(watchesFile, String(needed))
  } catch {
    throw new Error(`allow the mail server to watch so many mailboxes: sysctl fs.inotify.max_user_instances=${needed}`)
  }
  return () => writeFileSync(watchesFile, before)
}

/** The least of several looks: a look may fall right before a collection. In KiB. */
const settledPss = async (gateway: Gateway): Promise<number> => {
  await sleep(settleMs)
  const seen: number[] = []
  for (let n = 0; n < 10; n++) {
    const { api, engine } = gateway.pss()
    seen.push(api + engine)
    await sleep(500)
  }
  return Math.min(...seen)
}

const countOf = (gateway: Gateway, condition: string): Promise<number> =>
  withDatabase(gateway, async (client) =>
    Number((await client.query(`SELECT count(*) AS n FROM account WHERE ${condition}`)).rows[0]?.n),
  )

/** Puts the accounts straight into the store, because the wizard's live test is not what is measured; waits until all are in step. */
const addAccounts = async (gateway: Gateway, users: string[], { port, security }: MailServer): Promise<void> => {
  const store = await openStore({ databaseUrl: gateway.databaseUrl('postern'), poolSize: 8 })
  const masterKey = Buffer.from(readFileSync(join(gateway.home, 'master.key'), 'utf8').trim(), 'hex')
  try {
    const { id: userId } = await store.prisma.appUser.findFirstOrThrow()
    const addOne = (user: string) =>
      commit(store, { kind: 'user', userId }, (unit) =>
        createAccount(unit, {
          userId,
          settings: accountSettings.parse({
            address: `${user}@example.org`,
            incoming: { host: 'localhost', port, security, username: user },
          }),
          password: mailPassword,
          outgoingPassword: null,
          masterKey,
          isPrivateHost: true,
        }),
      )
    const left = [...users]
    const addSome = async () => {
      for (let user = left.shift(); user !== undefined; user = left.shift()) await addOne(user)
    }
    await Promise.all(Array.from({ length: 8 }, addSome))
  } finally {
    await store.close()
  }
  const isThere = async () =>
    (await countOf(gateway, "state <> 'watching' OR progress IS NOT NULL OR last_synced_at IS NULL")) === 0
  await until(isThere, `${users.length} accounts in step`, 600_000, 500)
}

const moveAccounts = (gateway: Gateway, { port, security }: MailServer): Promise<unknown> =>
  withDatabase(gateway, (client) =>
    client.query(
      `UPDATE account SET incoming = incoming || jsonb_build_object('port', $1::int, 'security', $2::text)`,
      [port, security],
    ),
  )

/** From the API's first answer until every account has logged in. */
const untilConnected = async (gateway: Gateway, accounts: number): Promise<number> => {
  const startedAt = performance.now()
  const since = new Date(Date.now() - 1000).toISOString()
  await withDatabase(gateway, (client) =>
    until(
      async () => {
        const { rows } = await client.query('SELECT count(*) AS n FROM account WHERE last_login_at > $1', [since])
        return Number(rows[0]?.n) >= accounts
      },
      `${accounts} accounts connected`,
      120_000,
      25,
    ),
  )
  return performance.now() - startedAt
}
