import { randomBytes } from 'node:crypto'
import { type AccountSettings, accountSettings } from '@postern/shared/accounts.ts'
import type { Retrieval } from '@postern/shared/retrieval.ts'
import { ConnectBudget } from '#engine/connect-budget.ts'
import type { EngineDeps } from '#engine/engine-deps.ts'
import { type Supervisor, startSupervisor } from '#engine/supervisor.ts'
import { type EngineTiming, engineTiming } from '#engine/timing.ts'
import { systemClock } from '#platform/clock.ts'
import { createLogger } from '#platform/logger.ts'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { BodyReader } from '#sync/body-reader.ts'
import type { Dovecot } from './dovecot.ts'
import { freshDatabase } from './fresh-database.ts'
import { until } from './until.ts'

/** A real store and the real engine on it, with accounts at a real Dovecot. */
export type EngineFixture = {
  store: Store
  deps: EngineDeps
  userId: bigint
  databaseUrl: string
  /** With `port` the server, or a proxy in front of it, is spoken to in plain text. `facts` hold before the engine sees it. */
  addAccount: (user: string, password?: string, port?: number, facts?: AccountFacts) => Promise<bigint>
  /** A POP3 account, spoken to in plain text at this port of ours, or of whoever the name is. */
  addMaildrop: (
    user: string,
    server: number | { host: string; port: number },
    wishes?: Partial<Retrieval>,
    password?: string,
  ) => Promise<bigint>
  start: () => Supervisor
  stop: () => Promise<void>
  untilState: (accountId: bigint, state: string) => Promise<void>
  mailboxId: (accountId: bigint, path: string) => Promise<bigint>
  /** Uids with shown flags of a mailbox, as our side sees it. */
  shown: (
    accountId: bigint,
    path: string,
  ) => Promise<{ uid: number | null; flags: number; keywords: string[]; subject: string; messageId: bigint }[]>
}

type AccountFacts = { dailyByteBudget?: bigint; bytesToday?: bigint; bytesDay?: Date }

export const startEngineFixture = async (
  dovecot: Pick<Dovecot, 'certificate' | 'imapsPort'>,
  timing: Partial<EngineTiming> = {},
): Promise<EngineFixture> => {
  const database = await freshDatabase()
  const store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 10 })
  const user = await store.prisma.appUser.create({
    data: { address: 'owner@example.org', name: 'Owner', role: 'owner', passwordHash: '-' },
  })
  await store.prisma.stream.create({ data: { userId: user.id } })
  const logger = createLogger({ level: process.env.TEST_LOG ?? 'silent' })
  const readers = { bulk: new BodyReader(logger), waiting: new BodyReader(logger) }
  const deps: EngineDeps = {
    store,
    clock: systemClock,
    logger,
    masterKey: randomBytes(32),
    ca: dovecot.certificate,
    budget: new ConnectBudget(),
    timing: { ...engineTiming, ...timing },
    readers,
  }
  const running: Supervisor[] = []
  const add = (settings: AccountSettings, password: string, facts: AccountFacts = {}): Promise<bigint> =>
    commit(store, { kind: 'user', userId: user.id }, async (unit) => {
      const id = await createAccount(unit, {
        userId: user.id,
        settings,
        password,
        outgoingPassword: null,
        masterKey: deps.masterKey,
        isPrivateHost: true,
      })
      if (id === null) throw new Error('the account exists already')
      await unit.tx.account.update({ where: { id }, data: facts })
      return id
    })
  const mailboxId = async (accountId: bigint, path: string) =>
    (await store.prisma.mailbox.findUniqueOrThrow({ where: { accountId_path: { accountId, path } } })).id
  return {
    store,
    deps,
    userId: user.id,
    databaseUrl: database.databaseUrl,
    addAccount: (name, password = 'secret', port, facts = {}) =>
      add(
        accountSettings.parse({
          address: `${name}@example.org`,
          incoming: {
            host: 'localhost',
            port: port ?? dovecot.imapsPort,
            security: port === undefined ? 'tls' : 'plain',
            username: name,
          },
        }),
        password,
        facts,
      ),
    addMaildrop: (name, server, wishes = {}, password = 'secret') =>
      add(
        accountSettings.parse({
          address: `${name}@example.org`,
          kind: 'pop3',
          incoming: {
            ...(typeof server === 'number' ? { host: 'localhost', port: server } : server),
            security: 'plain',
            username: name,
          },
          retrieval: wishes,
        }),
        password,
      ),
    start: () => {
      const supervisor = startSupervisor(deps, 'test')
      running.push(supervisor)
      return supervisor
    },
    stop: async () => {
      for (const supervisor of running) await supervisor.stop()
      await Promise.all([readers.bulk.close(), readers.waiting.close()])
      await store.close()
      await database.drop()
    },
    untilState: async (accountId, state) => {
      await until(
        async () => (await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).state === state,
        { what: `state ${state}` },
      )
    },
    mailboxId,
    shown: async (accountId, path) =>
      store.prisma.$queryRaw`
        SELECT p.uid::int AS uid, p.shown_flags::int AS flags, p.shown_keywords AS keywords, m.subject, m.id AS "messageId"
        FROM placement p JOIN message m ON m.id = p.message_id WHERE p.shown_mailbox_id = ${await mailboxId(accountId, path)} ORDER BY p.uid`,
  }
}
