import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ImapFlow } from 'imapflow'
import { ConnectBudget } from '#engine/connect-budget.ts'
import { startSupervisor } from '#engine/supervisor.ts'
import { engineTiming } from '#engine/timing.ts'
import { parseQuery, toTsquery } from '#mail/tokenize.ts'
import { systemClock } from '#platform/clock.ts'
import { createLogger } from '#platform/logger.ts'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { startEmbeddedPostgres } from '#store/embedded-postgres.ts'
import { listThreads } from '#store/list-threads.ts'
import { migrate } from '#store/migrate.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { searchMessages } from '#store/search-messages.ts'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { fullSize, writeCorpus } from './corpus.ts'

/**
 * `npm run bench`: what the engine and the store do with the seeded corpus, beside a bare imapflow loop measured in the
 * same run. One JSON object a line. BENCH_INBOX makes the corpus smaller.
 */
type Figure = {
  name: string
  n: number
  p50: number
  p95: number
  unit: string
  floor: number | null
  ratio: number | null
  target: number | null
  met: boolean | null
}
const size = { ...fullSize, inbox: Number(process.env.BENCH_INBOX ?? fullSize.inbox) }
const at = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
const round = (value: number): number => Math.round(value * 100) / 100

const tell = (
  name: string,
  samples: number[],
  unit: string,
  more: { floor?: number; target?: number; isRatioTarget?: boolean } = {},
): void => {
  const sorted = [...samples].sort((a, b) => a - b)
  const p50 = at(sorted, 0.5)
  const ratio = more.floor === undefined ? null : round(p50 / more.floor)
  const judged = more.isRatioTarget ? ratio : p50
  const figure: Figure = {
    name,
    n: samples.length,
    p50: round(p50),
    p95: round(at(sorted, 0.95)),
    unit,
    floor: more.floor === undefined ? null : round(more.floor),
    ratio,
    target: more.target ?? null,
    met: more.target === undefined || judged === null ? null : judged <= more.target,
  }
  console.log(JSON.stringify(figure))
}

const time = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}
const repeat = async (times: number, work: (n: number) => Promise<unknown>): Promise<number[]> => {
  const samples: number[] = []
  for (let n = 0; n < times; n++) samples.push(await time(() => work(n)))
  return samples
}
const until = async (isDone: () => Promise<boolean>): Promise<void> => {
  while (!(await isDone())) await new Promise((done) => setTimeout(done, 50))
}

/** The floor: the same envelopes read by imapflow alone, nothing stored. Also warms the mail server's caches. */
const bareFetch = async (dovecot: Dovecot): Promise<number> => {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: dovecot.imapPort,
    secure: false,
    doSTARTTLS: false,
    auth: { user: 'alice', pass: 'secret' },
    logger: false,
  })
  await client.connect()
  await client.mailboxOpen('INBOX')
  const read = async () => {
    for await (const _ of client.fetch(
      '1:*',
      {
        uid: true,
        flags: true,
        envelope: true,
        internalDate: true,
        size: true,
        bodyStructure: true,
        headers: ['references'],
      },
      { uid: true },
    ));
  }
  await read()
  const ms = await time(read)
  await client.logout()
  return ms
}

const run = async (dovecot: Dovecot, store: Store): Promise<void> => {
  const planted = writeCorpus(dovecot.maildir('alice'), size, dovecot.owner)
  const floorMs = await bareFetch(dovecot)
  tell('floor.fetch-envelopes', [floorMs], 'ms')
  const user = await store.prisma.appUser.create({
    data: { address: 'b@example.org', name: 'B', role: 'owner', passwordHash: '-' },
  })
  await store.prisma.stream.create({ data: { userId: user.id } })
  const masterKey = Buffer.alloc(32, 7)
  const supervisor = startSupervisor(
    {
      store,
      clock: systemClock,
      logger: createLogger({ level: 'warn' }),
      masterKey,
      ca: dovecot.certificate,
      budget: new ConnectBudget(),
      timing: engineTiming,
    },
    'bench',
  )
  const startedAt = performance.now()
  const settings = {
    address: 'alice@example.org',
    name: '',
    kind: 'imap' as const,
    incoming: {
      host: 'localhost',
      port: dovecot.imapsPort,
      security: 'tls' as const,
      username: 'alice',
      pinnedFingerprint: null,
    },
    outgoing: null,
  }
  const accountId =
    (await commit(store, { kind: 'user', userId: user.id }, (unit) =>
      createAccount(unit, {
        userId: user.id,
        settings,
        password: 'secret',
        outgoingPassword: null,
        masterKey,
        isPrivateHost: true,
      }),
    )) ?? 0n
  await until(async () => (await store.prisma.threadMailbox.count({ where: { accountId }, take: 20 })) >= 20)
  tell('sync.first-page', [performance.now() - startedAt], 'ms', { target: 450 })
  await until(
    async () => (await store.prisma.mailbox.count({ where: { accountId, path: 'INBOX', fillUid: 1n } })) === 1,
  )
  tell('sync.inbox-envelopes', [performance.now() - startedAt], 'ms', {
    floor: floorMs,
    target: 1.6,
    isRatioTarget: true,
  })
  const inbox = await store.prisma.mailbox.findFirstOrThrow({ where: { accountId, path: 'INBOX' } })
  console.error(
    `${size.inbox} envelopes stored at ${Math.round(size.inbox / ((performance.now() - startedAt) / 1000))} messages/s`,
  )
  await until(
    async () =>
      (await store.prisma.message.count({ where: { accountId, bodyState: 'absent' } })) === 0 &&
      (await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).state === 'watching',
  )
  const all = size.inbox + size.mailboxes * size.perMailbox
  tell('sync.all-bodies-indexed', [performance.now() - startedAt], 'ms')
  console.error(
    `${all} messages with bodies at ${Math.round(all / ((performance.now() - startedAt) / 1000))} messages/s`,
  )
  const rows = inbox.conversations
  tell(
    'list.first-page',
    await repeat(100, () =>
      store.read(user.id, (tx) => listThreads(tx, inbox.id, { limit: 50, after: null, filter: 'all' })),
    ),
    'ms',
    { target: 5 },
  )
  const deep = (
    await store.readSystem((tx) =>
      listThreads(tx, inbox.id, { limit: 1, after: null, filter: 'all', offset: Math.floor(rows * 0.8) }),
    )
  )[0]
  const after = deep ? { at: deep.latest_at, threadId: deep.thread_id } : null
  tell(
    'list.deep-page',
    await repeat(100, () =>
      store.read(user.id, (tx) => listThreads(tx, inbox.id, { limit: 50, after, filter: 'all' })),
    ),
    'ms',
    { target: 5 },
  )
  for (const [name, word, hits] of [
    ['subject', planted.subjectWord, planted.subjectHits],
    ['body', planted.bodyWord, planted.bodyHits],
  ] as const) {
    const wish = {
      userId: user.id,
      tsquery: toTsquery(parseQuery(word)) ?? '',
      limit: 50,
      after: null,
      accountId: null,
      mailboxId: null,
    }
    const found = await store.read(user.id, (tx) => searchMessages(tx, wish))
    if (found.count !== hits) throw new Error(`the search for a word of the ${name} found ${found.count} of ${hits}`)
    tell(`search.rare-${name}`, await repeat(60, () => store.read(user.id, (tx) => searchMessages(tx, wish))), 'ms', {
      target: 10,
    })
  }
  await supervisor.stop()
}

const dir = await mkdtemp(join(tmpdir(), 'postern-bench-'))
await chmod(dir, 0o711)
const dovecot = await startDovecot()
dovecot.addUser('alice', 'secret')
const server = await startEmbeddedPostgres({ dataDir: dir })
await migrate(server.databaseUrl, fileURLToPath(new URL('../../../prisma/migrations', import.meta.url)))
const store = await openStore({ databaseUrl: server.databaseUrl, poolSize: 10 })
try {
  await run(dovecot, store)
} finally {
  await store.close()
  await server.stop()
  await dovecot.stop()
  await rm(dir, { recursive: true, force: true })
}
