import { randomBytes, randomUUID } from 'node:crypto'
import { accountSettings } from '@postern/shared/accounts.ts'
import { commandBody } from '@postern/shared/commands.ts'
import type { ImapFlow } from 'imapflow'
import type { z } from 'zod'
import { executeNextCommands } from '#outbox/execute-commands.ts'
import { enqueueCommand, undoCommand } from '#outbox/outbox.ts'
import { systemClock } from '#platform/clock.ts'
import { createLogger } from '#platform/logger.ts'
import { Secret } from '#platform/secret.ts'
import { type ImapSession, openImapSession } from '#protocol/imap/open-session.ts'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { takeLeases } from '#store/lease.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { BodyReader } from '#sync/body-reader.ts'
import { syncBodies } from '#sync/run-body-sync.ts'
import { syncMailbox } from '#sync/run-mailbox-sync.ts'
import { syncTree } from '#sync/run-tree-sync.ts'
import type { SyncContext } from '#sync/sync-context.ts'
import type { Dovecot } from '../support/dovecot.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { otherProgram } from '../support/other-program.ts'

type Body = z.input<typeof commandBody>

/** The worker of one account, step by step: a test decides when it connects, syncs and carries out commands. */
export type Worker = {
  accountId: bigint
  /** Opens a new session; whatever was there before is cut. */
  connect: (port?: number) => Promise<void>
  sync: () => Promise<void>
  /** Fetches the texts that are missing, where we believe their mails to be. */
  readTexts: () => Promise<void>
  execute: () => Promise<boolean>
  /** Lets the time pass that postponed commands wait. */
  endWait: () => Promise<void>
  run: (command: Body) => Promise<string>
  undo: (id: string) => Promise<string>
  state: (
    id: string,
  ) => Promise<{ state: string; errorCode: string | null; settled: number; missed: number; targets: number }>
  mailbox: (path: string) => Promise<string>
  /** Subjects shown in a mailbox, sorted, with their flags as a mask. */
  shown: (path: string) => Promise<[string, number][]>
  /** Subjects the server has in a mailbox, sorted, with their flags; \Recent left out. */
  onServer: (path: string) => Promise<[string, string[]][]>
  /** A second mail program with that mailbox open. */
  other: (path?: string) => Promise<ImapFlow>
}
export type OutboxFixture = {
  store: Store
  userId: bigint
  start: (dovecot: Dovecot, user: string) => Promise<Worker>
  stop: () => Promise<void>
}

export const startOutboxFixture = async (): Promise<OutboxFixture> => {
  const database = await freshDatabase()
  const store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 6 })
  const owner = await store.prisma.appUser.create({
    data: { address: 'owner@example.org', name: 'Owner', role: 'owner', passwordHash: '-' },
  })
  await store.prisma.stream.create({ data: { userId: owner.id } })
  const endings: (() => Promise<void>)[] = []
  return {
    store,
    userId: owner.id,
    start: async (dovecot, user) => {
      const worker = await startWorker(store, owner.id, dovecot, user, endings)
      await worker.connect()
      await worker.sync()
      return worker
    },
    stop: async () => {
      for (const end of endings) await end()
      await store.close()
      await database.drop()
    },
  }
}

const startWorker = async (
  store: Store,
  userId: bigint,
  dovecot: Dovecot,
  user: string,
  endings: (() => Promise<void>)[],
): Promise<Worker> => {
  const settings = accountSettings.parse({
    address: `${user}@example.org`,
    incoming: { host: 'localhost', port: dovecot.imapPort, security: 'plain', username: user },
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
  const accountId = made ?? 0n
  const lease = (await takeLeases(store, 'test', 100)).find((taken) => taken.accountId === accountId)
  const scope = { kind: 'engine' as const, accountId, epoch: lease?.epoch ?? 0n }
  const logger = createLogger({ level: process.env.TEST_LOG ?? 'silent' })
  let session: ImapSession | undefined
  endings.push(async () => session?.logout())
  const open = (): ImapSession => {
    if (!session) throw new Error('not connected')
    return session
  }
  const mailbox = async (path: string) =>
    (await store.prisma.mailbox.findUniqueOrThrow({ where: { accountId_path: { accountId, path } } })).id.toString()
  const other = async (path = 'INBOX') => {
    const client = await otherProgram(dovecot, user, path)
    endings.push(async () => client.close())
    return client
  }
  const reader = new BodyReader(logger)
  endings.push(() => reader.close())
  const contextNow = (): SyncContext => ({
    store,
    session: open(),
    reader,
    accountId,
    scope,
    clock: systemClock,
    logger,
    signal: new AbortController().signal,
    yieldToCommands: async () => undefined,
    isSwitching: () => false,
  })
  return {
    accountId,
    mailbox,
    other,
    connect: async (port = dovecot.imapPort) => {
      session?.destroy()
      session = await openImapSession({
        host: 'localhost',
        address: '127.0.0.1',
        port,
        security: 'plain',
        pinnedFingerprint: null,
        ca: undefined,
        username: user,
        password: new Secret('secret'),
      })
    },
    sync: async () => {
      const context = contextNow()
      for (const { mailbox: row } of (await syncTree(context, null)).rows ?? [])
        if (row.isSelectable)
          await syncMailbox(context, row, {
            trustsModseq: open().capabilities.condstore,
            isCompareDue: false,
            areFlagsDue: true,
          })
    },
    readTexts: () => syncBodies(contextNow(), { mostBytes: null, onBodies: async () => true }),
    execute: () => executeNextCommands({ store, session: open(), scope, accountId, clock: systemClock, logger }),
    endWait: async () => {
      await store.prisma.command.updateMany({ where: { accountId }, data: { notBefore: null } })
    },
    run: async (command) =>
      (await enqueueCommand(store, userId, { id: randomUUID(), command: commandBody.parse(command) })).id,
    undo: async (id) => (await undoCommand(store, userId, id, randomUUID())).id,
    state: (id) =>
      store.prisma.command.findUniqueOrThrow({
        where: { id },
        select: { state: true, errorCode: true, settled: true, missed: true, targets: true },
      }),
    shown: async (path) => {
      const rows = await store.prisma.$queryRaw<{ subject: string; flags: number }[]>`
        SELECT m.subject, p.shown_flags::int AS flags FROM placement p JOIN message m ON m.id = p.message_id
        WHERE p.shown_mailbox_id = ${BigInt(await mailbox(path))} ORDER BY m.subject`
      return rows.map(({ subject, flags }) => [subject, flags])
    },
    onServer: async (path) => {
      const client = await other(path)
      const found: [string, string[]][] = []
      if (client.mailbox && client.mailbox.exists > 0)
        for await (const { envelope, flags } of client.fetch('1:*', { envelope: true, flags: true }))
          found.push([envelope?.subject ?? '', [...(flags ?? [])].filter((flag) => flag !== '\\Recent').sort()])
      client.close()
      return found.sort(([a], [b]) => (a < b ? -1 : 1))
    },
  }
}
