import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { accountSettings } from '@postern/shared/accounts.ts'
import { type MaildropFacts, maildrop, type Retrieval, retrieval } from '@postern/shared/retrieval.ts'
import { systemClock } from '#platform/clock.ts'
import { createLogger } from '#platform/logger.ts'
import { Secret } from '#platform/secret.ts'
import { openPop3Session } from '#protocol/pop3/open-session.ts'
import { leaveSession } from '#protocol/pop3/quit-session.ts'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { takeLeases } from '#store/lease.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { BodyReader } from '#sync/body-reader.ts'
import { readSources } from '#sync/read-sources.ts'
import { lookAtMaildrop, type MaildropLook } from '#sync/run-maildrop.ts'
import { startDovecot } from '../support/dovecot.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { freshDatabase } from '../support/fresh-database.ts'

/** One account and its maildrop; a test decides when it is looked at, and by which way. */
export type Maildrop = {
  accountId: bigint
  inboxId: bigint
  look: (more?: {
    port?: number
    settings?: Partial<Retrieval>
    onProgress?: () => Promise<void>
    maxAnswerBytes?: number
  }) => Promise<MaildropLook>
  /** Reads what was fetched: texts, parts, the index of words. */
  read: () => Promise<void>
  /** Subjects in the inbox, sorted; those of twins as often as they are there. */
  shown: () => Promise<string[]>
  /** The stored octets by subject. */
  sources: () => Promise<Map<string, Buffer>>
  states: () => Promise<Record<string, number>>
  /** What the person is told of the maildrop. */
  facts: () => Promise<MaildropFacts>
}

export const startMaildrops = async () => {
  const database = await freshDatabase()
  const store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 6 })
  const owner = await store.prisma.appUser.create({
    data: { address: 'owner@example.org', name: 'Owner', role: 'owner', passwordHash: '-' },
  })
  await store.prisma.stream.create({ data: { userId: owner.id } })
  return {
    store,
    open: (user: string, port: number) => openMaildrop(store, owner.id, user, port),
    stop: async () => {
      await store.close()
      await database.drop()
    },
  }
}

/** Maildrops at a real Dovecot, behind a proxy that can break what passes. */
export const startMaildropScene = async () => {
  const dovecot = await startDovecot()
  const proxy = await startFaultProxy(dovecot.pop3Port)
  const drops = await startMaildrops()
  return {
    dovecot,
    proxy,
    drops,
    onServer: (user: string) => dovecot.count(user, 'INBOX'),
    /** How often this was said to the server. */
    asked: (command: string) => proxy.said('toServer').match(new RegExp(`^${command}`, 'gm'))?.length ?? 0,
    stop: async () => {
      await drops.stop()
      await proxy.stop()
      await dovecot.stop()
    },
  }
}
export type MaildropScene = Awaited<ReturnType<typeof startMaildropScene>>

const openMaildrop = async (store: Store, userId: bigint, user: string, usualPort: number): Promise<Maildrop> => {
  const settings = accountSettings.parse({
    address: `${user}@example.org`,
    kind: 'pop3',
    incoming: { host: 'localhost', port: usualPort, security: 'plain', username: user },
  })
  const made = await commit(store, { kind: 'user', userId }, (unit) =>
    createAccount(unit, {
      userId,
      settings,
      password: 'secret',
      outgoingPassword: null,
      masterKey: randomBytes(32),
      isPrivateHost: true,
    }),
  )
  return attachMaildrop(store, made ?? 0n, user, usualPort)
}

/** The same of an account that is there already, such as a restored one. Takes its lease. */
export const attachMaildrop = async (
  store: Store,
  accountId: bigint,
  user: string,
  usualPort: number,
): Promise<Maildrop> => {
  await store.prisma.accountLease.update({ where: { accountId }, data: { expiresAt: new Date(0) } })
  const { id: inboxId } = await store.prisma.mailbox.findFirstOrThrow({ where: { accountId, role: 'inbox' } })
  const lease = (await takeLeases(store, 'test', 100)).find((taken) => taken.accountId === accountId)
  return {
    accountId,
    inboxId,
    look: async ({ port = usualPort, settings: wishes = {}, onProgress, maxAnswerBytes } = {}) => {
      const chosen = retrieval.parse(wishes)
      const { retrieval: stored } = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
      if (!isDeepStrictEqual(stored, chosen))
        await store.prisma.account.update({ where: { id: accountId }, data: { retrieval: chosen } })
      const session = await openPop3Session({
        host: 'localhost',
        address: '127.0.0.1',
        port,
        security: 'plain',
        pinnedFingerprint: null,
        ca: undefined,
        username: user,
        password: new Secret('secret'),
      })
      try {
        return await lookAtMaildrop(
          {
            store,
            session,
            accountId,
            inboxId,
            scope: { kind: 'engine', accountId, epoch: lease?.epoch ?? 0n },
            retrieval: chosen,
            isMeeting: false,
            newsSince: null,
            isFirst: false,
            ...(maxAnswerBytes === undefined ? {} : { maxAnswerBytes }),
            clock: systemClock,
            logger: createLogger({ level: process.env.TEST_LOG ?? 'silent' }),
            signal: new AbortController().signal,
          },
          onProgress,
        )
      } finally {
        await leaveSession(session)
      }
    },
    read: async () => {
      const logger = createLogger({ level: 'silent' })
      const reader = new BodyReader(logger)
      const scope = { kind: 'engine' as const, accountId, epoch: lease?.epoch ?? 0n }
      await readSources({ store, reader, scope, logger, signal: new AbortController().signal })
      await reader.close()
    },
    shown: async () => {
      const rows = await store.prisma.$queryRaw<{ subject: string }[]>`
        SELECT m.subject FROM placement p JOIN message m ON m.id = p.message_id WHERE p.shown_mailbox_id = ${inboxId} ORDER BY m.subject`
      return rows.map(({ subject }) => subject)
    },
    sources: async () => {
      const rows = await store.prisma.$queryRaw<{ subject: string; bytes: Uint8Array }[]>`
        SELECT m.subject, string_agg(c.bytes, ''::bytea ORDER BY c.n) AS bytes FROM message m JOIN raw_source r ON r.message_id = m.id
        JOIN blob_chunk c ON c.blob_id = r.blob_id WHERE m.account_id = ${accountId} GROUP BY m.id, m.subject`
      return new Map(rows.map(({ subject, bytes }) => [subject, Buffer.from(bytes)]))
    },
    states: async () => {
      const rows = await store.prisma.popLedger.groupBy({ by: ['state'], where: { accountId }, _count: true })
      return Object.fromEntries(rows.map(({ state, _count }) => [state, _count]))
    },
    facts: async () => {
      const { maildrop: told } = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
      return maildrop.parse(told)
    },
  }
}
