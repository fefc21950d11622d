import type { Account } from '@postern/shared/accounts.ts'
import type pg from 'pg'
import { startDovecot } from '../../test/support/dovecot.ts'
import { downloadBare, lookBare } from '../bare-pop3.ts'
import { writeSmallMailbox } from '../corpus.ts'
import { percentile, sleep, time, until } from '../figures.ts'
import { type Gateway, mailPassword, startGateway, withDatabase } from '../gateway.ts'
import { type MaildropPeer, prepareFetchmail, prepareMpop } from '../maildrop-peers.ts'
import { startWire } from '../relay.ts'
import { isFilled, type Scenario, type World } from '../world.ts'
import { tellLargeMail } from './large-mail.ts'

const mails = 2000
const rounds = 3
const looks = 15
/** Polled every five minutes. */
const looksAnHour = 12

/**
 * POP3 beside mpop and fetchmail at one Dovecot, all without TLS: a maildrop of 2,000 mails fetched for the first time, the
 * same one looked at once more, and what one large mail costs in memory.
 */
export const maildrop: Scenario = {
  name: 'pop3',
  figures: [
    'pop3.listed',
    'pop3.listed-from-retr',
    'pop3.indexed',
    'pop3.fetchmail',
    'pop3.unchanged',
    'pop3.check-now',
    'pop3.thousand-idle',
    'floor.pop3-download',
    'floor.pop3-look',
    'memory.large-mail',
    'memory.large-mail-slow',
  ],
  run: async ({ tell, dir, atEnd }) => {
    const dovecot = await startDovecot()
    atEnd(() => dovecot.stop())
    const mpop = await prepareMpop(dir, dovecot.pop3Port)
    const fetchmail = await prepareFetchmail(dir, dovecot.pop3Port)
    let gateway = await startGateway(dovecot.certificate)
    atEnd(async () => {
      await gateway.stop()
      await gateway.remove()
    })
    const users = Array.from({ length: rounds }, (_, n) => `drop${n}`)
    for (const [n, user] of users.entries()) {
      dovecot.addUser(user, mailPassword)
      // Made within one second they have the same unique-ids: of other sizes, so that none is taken for another one's maildrop.
      writeSmallMailbox(dovecot.maildir(user), mails, dovecot.owner, 'drop'.padEnd('drop'.length + n, '-'))
      // The first listing has to open every mail for its size.
      await lookBare(dovecot.pop3Port, user)
    }
    const accounts = await tellDownloads({ tell, gateway, port: dovecot.pop3Port, mpop, fetchmail }, users)
    await tellLooks({ tell, gateway, port: dovecot.pop3Port, mpop, fetchmail }, users[0] ?? '', accounts[0] ?? '')
    const onRestart = (next: Gateway) => {
      gateway = next
    }
    await tellLargeMail({ tell, dovecot, gateway, onRestart })
  },
}

type Measured = {
  tell: World['tell']
  gateway: Gateway
  port: number
  mpop: MaildropPeer
  fetchmail: MaildropPeer
}

/** Everything for the first time; who comes first changes from round to round. Answers the accounts. */
const tellDownloads = async ({ tell, gateway, port, mpop, fetchmail }: Measured, users: string[]) => {
  const own: Filling[] = []
  const peer: number[] = []
  const bare: number[] = []
  for (const [n, user] of users.entries()) {
    bare.push(await time(() => downloadBare(port, user)))
    if (n % 2 === 0) peer.push(await mpop.download(user))
    own.push(await fill(gateway, user, port))
    if (n % 2 === 1) peer.push(await mpop.download(user))
  }
  const floor = percentile(peer, 0.5)
  const of = (phase: 'listedMs' | 'fromRetrMs' | 'indexedMs') => own.map((filling) => filling[phase])
  tell('floor.pop3-download', bare, 'ms')
  tell('pop3.listed', of('listedMs'), 'ms', { floor, goal: { target: 1, judge: 'ratio' } })
  tell('pop3.listed-from-retr', of('fromRetrMs'), 'ms', { floor })
  tell('pop3.indexed', of('indexedMs'), 'ms', { floor, goal: { target: 2, judge: 'ratio' } })
  tell('pop3.fetchmail', [await fetchmail.download(users[0] ?? '')], 'ms', { floor })
  return own.map(({ accountId }) => accountId)
}

type Filling = { accountId: string; listedMs: number; fromRetrMs: number; indexedMs: number }

/** From "add this account" on, seen through the API alone; the first RETR leaves when the ledger has its rows. */
const fill = async (gateway: Gateway, user: string, port: number): Promise<Filling> =>
  withDatabase(gateway, async (client) => {
    const startedAt = performance.now()
    const since = () => performance.now() - startedAt
    const { id } = await gateway.addAccount(user, { port, security: 'plain', kind: 'pop3' })
    await until(
      async () => (await client.query('SELECT 1 FROM pop_ledger WHERE account_id = $1 LIMIT 1', [id])).rowCount === 1,
      'the ledger',
      30_000,
      5,
    )
    const fetchingMs = since()
    const inbox = (await gateway.mailboxes(id)).find(({ role }) => role === 'inbox')
    if (!inbox) throw new Error('there is no inbox')
    await until(
      async () =>
        (await client.query('SELECT envelopes_stored::int AS n FROM mailbox WHERE id = $1', [inbox.id])).rows[0]?.n >=
        mails,
      `${mails} mails of a maildrop`,
      120_000,
      // Looking twice as often costs more than it would tell.
      10,
    )
    if ((await gateway.mailboxes(id)).find((box) => box.id === inbox.id)?.messages !== mails)
      throw new Error('the inbox does not count its mails')
    const page = await gateway.get<{ rows: unknown[] }>(`/v1/mailboxes/${inbox.id}/threads?limit=50`)
    if (page.rows.length < 50) throw new Error('the inbox is not listed')
    const listedMs = since()
    await until(
      async () =>
        (await client.query("SELECT 1 FROM message WHERE account_id = $1 AND body_state = 'absent' LIMIT 1", [id]))
          .rowCount === 0,
      'every text of a maildrop',
      120_000,
      10,
    )
    await until(() => isFilled(gateway, id), 'an account at rest', 10_000, 20)
    return { accountId: id, listedMs, fromRetrMs: listedMs - fetchingMs, indexedMs: since() }
  })

/**
 * A look that finds nothing, from its connection until its outcome is stored; of the peers the whole process, which is what
 * they cost whoever runs them. A wire notes the connection, and costs the look a hop that the peers do not have.
 */
const tellLooks = async ({ tell, gateway, port, mpop, fetchmail }: Measured, user: string, accountId: string) => {
  const own: Look[] = []
  const peers: [number[], number[]] = [[], []]
  const bare: number[] = []
  let connectedAt = 0
  const wire = await startWire(port, { onConnect: () => (connectedAt = performance.now()) })
  try {
    await gateway.moveAccount(await gateway.get<Account>(`/v1/accounts/${accountId}`), wire.port)
    await until(() => isFilled(gateway, accountId), 'the account behind the wire', 30_000)
    await mpop.look(user)
    await withDatabase(gateway, async (client) => {
      const look = (everyMs = 1) => checkNow({ gateway, client, accountId, connectedAt: () => connectedAt, everyMs })
      // What is compiled while it runs is nobody's first look.
      for (let n = 0; n < 10; n++) await look()
      for (let n = 0; n < looks; n++) {
        bare.push(await time(() => lookBare(port, user)))
        peers[0].push(await mpop.look(user))
        own.push(await look())
        peers[1].push(await fetchmail.look(user))
      }
      const before = gateway.allCpuMs()
      // Asking whether it is over is no part of it.
      for (let n = 0; n < 50; n++) await look(40)
      const cpuMs = (gateway.allCpuMs() - before) / 50
      tell('floor.pop3-look', bare, 'ms')
      const better = Math.min(...peers.map((samples) => percentile(samples, 0.5)))
      const of = (from: keyof Look) => own.map((found) => found[from])
      tell('pop3.unchanged', of('lookMs'), 'ms', { floor: better, goal: { target: 1, judge: 'ratio' } })
      tell('pop3.check-now', of('askedMs'), 'ms', { floor: better })
      tell('pop3.thousand-idle', [(100 * 1000 * looksAnHour * cpuMs) / 3_600_000], '% of a core')
    })
  } finally {
    await wire.close()
  }
}

type Look = { lookMs: number; askedMs: number }

type Asked = {
  gateway: Gateway
  client: pg.Client
  accountId: string
  connectedAt: () => number
  everyMs: number
}

const checkNow = async ({ gateway, client, accountId, connectedAt, everyMs }: Asked): Promise<Look> => {
  const lookedAt = async () =>
    (await client.query('SELECT last_synced_at::text AS at FROM account WHERE id = $1', [accountId])).rows[0]?.at
  const before = await lookedAt()
  const askedAt = performance.now()
  await gateway.ask('POST', `/v1/accounts/${accountId}/sync`)
  await until(async () => (await lookedAt()) !== before, 'a look', 10_000, everyMs)
  const storedAt = performance.now()
  await sleep(20)
  return { lookMs: storedAt - connectedAt(), askedMs: storedAt - askedAt }
}
