import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accountSettings } from '@postern/shared/accounts.ts'
import { type CommandBody, commandBody } from '@postern/shared/commands.ts'
import { expect } from 'vitest'
import type { z } from 'zod'
import { enqueueCommand, undoCommand } from '#outbox/outbox.ts'
import { openMasterKey } from '#platform/secret-box.ts'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { createRequest } from '#store/engine-requests.ts'
import { openStore, type Store } from '#store/open-store.ts'
import type { Dovecot } from '../support/dovecot.ts'
import { type EngineProcess, startEngineProcess } from '../support/engine-process.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { type KillPoints, startKillPoints } from '../support/kill-points.ts'
import { until } from '../support/until.ts'

/** One mailbox, one database and an engine process that dies at chosen moments and is started again at once. */
export type Scene = {
  user: string
  store: Store
  /** What must be there in the end: subject -> mailbox and flags. */
  wanted: Map<string, { mailbox: string; flags: string[] }>
  dovecot: Dovecot
  give: (command: z.input<typeof commandBody>) => Promise<string>
  undo: (id: string) => Promise<void>
  target: (mailbox: string, subjects: string[]) => Promise<Extract<CommandBody['target'], { kind: 'messages' }>>
  mailboxId: (path: string) => Promise<string>
  lookAround: () => Promise<void>
  /** Acts with a kill armed for the k-th moment (0: none) and waits until everything is as wanted. */
  through: (act: () => Promise<void>, moment: number) => Promise<{ passed: number; reached: string | null }>
  untilAsWanted: () => Promise<void>
  stopEngine: () => Promise<void>
  engine: () => ChildProcess | undefined
  points: KillPoints
  /** Without a door in between. */
  databaseUrl: string
  env: { DATA_DIR: string; MASTER_KEY_FILE: string }
  /** The engine is started once more and compares everything: nothing may change. */
  expectNothingLeftToDo: () => Promise<void>
  stop: () => Promise<void>
}

/** Long enough for a machine with much else to do; nothing here waits that long by design. */
const settleWithinMs = 90_000

type Row = { mailbox: string; uid: number; flags: string; subject: string }
const bits: [number, string][] = [
  [1, '\\Seen'],
  [2, '\\Answered'],
  [4, '\\Flagged'],
  [8, '\\Deleted'],
  [16, '\\Draft'],
]
const flagNames = (mask: number): string =>
  bits
    .flatMap(([bit, name]) => ((mask & bit) === 0 ? [] : [name]))
    .sort()
    .join(' ')
const inOrder = (rows: Row[]): string[] =>
  rows.map(({ mailbox, uid, flags, subject }) => `${mailbox} ${uid} ${subject} [${flags}]`).sort()

export const startScene = async (dovecot: Dovecot, user: string): Promise<Scene> => {
  const database = await freshDatabase()
  const store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 4 })
  const dir = mkdtempSync(join(tmpdir(), 'postern-sweep-'))
  const masterKeyFile = join(dir, 'master.key')
  const masterKey = openMasterKey(masterKeyFile)
  const points = await startKillPoints({ imap: dovecot.imapPort, databaseUrl: database.databaseUrl })
  const owner = await store.prisma.appUser.create({
    data: { address: 'owner@example.org', name: 'Owner', role: 'owner', passwordHash: '-' },
  })
  await store.prisma.stream.create({ data: { userId: owner.id } })
  const settings = accountSettings.parse({
    address: `${user}@example.org`,
    incoming: { host: 'localhost', port: points.imapPort, security: 'plain', username: user },
  })
  const accountId =
    (await commit(store, { kind: 'user', userId: owner.id }, (unit) =>
      createAccount(unit, {
        userId: owner.id,
        settings,
        password: 'secret',
        outgoingPassword: null,
        masterKey,
        isPrivateHost: true,
      }),
    )) ?? 0n
  let engine: EngineProcess | undefined
  const env = { DATA_DIR: dir, MASTER_KEY_FILE: masterKeyFile }
  const startEngine = () => {
    engine = startEngineProcess({ ...env, DATABASE_URL: points.databaseUrl })
  }
  const stopEngine = async () => {
    engine?.child.kill('SIGTERM')
    await engine?.ended
    engine = undefined
  }
  const wanted: Scene['wanted'] = new Map()
  const mailboxId = async (path: string) =>
    (await store.prisma.mailbox.findUniqueOrThrow({ where: { accountId_path: { accountId, path } } })).id.toString()
  const look = createLook({ store, dovecot, user, accountId, wanted })
  const lookAround = async () => void (await createRequest(store, accountId, { kind: 'sync' }))
  return {
    user,
    store,
    wanted,
    dovecot,
    mailboxId,
    lookAround,
    stopEngine,
    points,
    env,
    databaseUrl: database.databaseUrl,
    engine: () => engine?.child,
    untilAsWanted: () => look.untilAsWanted(() => engine?.printed() ?? ''),
    give: async (command) => {
      const id = randomUUID()
      await enqueueCommand(store, owner.id, { id, command: commandBody.parse(command) })
      return id
    },
    undo: async (id) => void (await undoCommand(store, owner.id, id, randomUUID())),
    target: async (mailbox, subjects) => {
      const rows = await store.prisma.message.findMany({ where: { accountId, subject: { in: subjects } } })
      return { kind: 'messages', mailboxId: await mailboxId(mailbox), messageIds: rows.map(({ id }) => id.toString()) }
    },
    through: async (act, moment) => {
      points.arm(moment, () => {
        engine?.child.kill('SIGKILL')
        startEngine()
        return 'end'
      })
      if (!engine) startEngine()
      await act()
      await look.untilAsWanted(() => engine?.printed() ?? '')
      return points.disarm()
    },
    expectNothingLeftToDo: async () => {
      const before = await look.snapshot()
      await stopEngine()
      const startedAt = new Date()
      startEngine()
      await createRequest(store, accountId, { kind: 'resync' })
      await look.untilCompared(startedAt)
      expect(await look.snapshot()).toEqual(before)
      await look.expectSound()
    },
    stop: async () => {
      engine?.child.kill('SIGKILL')
      await engine?.ended
      await points.stop()
      await store.close()
      await database.drop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

type Subject = Pick<Scene, 'store' | 'dovecot' | 'user' | 'wanted'> & { accountId: bigint }

const createLook = ({ store, dovecot, user, accountId, wanted }: Subject) => {
  const onServer = (): Row[] =>
    dovecot
      .doveadm('-f', 'tab', 'fetch', '-u', user, 'mailbox uid flags hdr.subject', 'ALL')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => {
        const [mailbox = '', uid = '', flags = '', subject = ''] = line.split('\t')
        const kept = flags.split(' ').filter((flag) => flag !== '' && flag !== '\\Recent')
        return { mailbox, uid: Number(uid), flags: kept.sort().join(' '), subject }
      })
  const stored = async (): Promise<Row[]> => {
    const rows = await store.prisma.$queryRaw<{ path: string; uid: number; flags: number; subject: string }[]>`
      SELECT b.path, p.uid::int AS uid, p.flags::int AS flags, m.subject FROM placement p JOIN mailbox b ON b.id = p.mailbox_id
      JOIN message m ON m.id = p.message_id WHERE p.account_id = ${accountId}`
    return rows.map(({ path, uid, flags, subject }) => ({ mailbox: path, uid, flags: flagNames(flags), subject }))
  }
  const asWanted = () =>
    [...wanted].map(([subject, { mailbox, flags }]) => `${mailbox} ${subject} [${[...flags].sort().join(' ')}]`).sort()
  const withoutUids = (rows: Row[]) =>
    rows.map(({ mailbox, flags, subject }) => `${mailbox} ${subject} [${flags}]`).sort()
  const isQuiet = async (): Promise<boolean> => {
    const account = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    const open = await store.prisma.command.count({ where: { accountId, state: { in: ['pending', 'running'] } } })
    const [bare] = await store.prisma.$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS count FROM message m JOIN placement p ON p.message_id = m.id WHERE m.account_id = ${accountId} AND m.body_state = 'absent'`
    return account.state === 'watching' && open === 0 && bare?.count === 0
  }
  /** No ghosts: what is shown, counted and logged follows from what is stored. */
  const expectSound = async (): Promise<void> => {
    const [found] = await store.prisma.$queryRaw<Record<string, number>[]>`
      SELECT (SELECT count(*)::int FROM placement WHERE shown_mailbox_id IS DISTINCT FROM mailbox_id OR shown_flags <> flags OR uid IS NULL) AS "shown otherwise",
        (SELECT count(*)::int FROM command_target WHERE state = 'pending') AS "open targets",
        (SELECT count(*)::int FROM command WHERE state NOT IN ('done', 'undone')) AS "open or failed commands",
        (SELECT count(*)::int FROM mailbox b WHERE messages <> (SELECT count(*) FROM placement p WHERE p.shown_mailbox_id = b.id)) AS "wrong counts",
        (SELECT count(*)::int FROM thread_mailbox t WHERE messages <> (SELECT count(*) FROM placement p WHERE p.shown_mailbox_id = t.mailbox_id AND p.thread_id = t.thread_id)) AS "wrong rows",
        (SELECT count(*)::int FROM message m WHERE orphaned_at IS NULL AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = m.id)) AS "unmarked orphans",
        (SELECT count(*)::int FROM message) - (SELECT count(DISTINCT identity_key)::int FROM message) AS "doubled messages",
        (SELECT count(*)::int FROM message m WHERE body_state = 'ready' AND NOT EXISTS (SELECT 1 FROM body b WHERE b.message_id = m.id)) AS "missing bodies",
        (SELECT count(*)::int FROM message_search s WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = s.message_id)) AS "stray index rows",
        (SELECT count(*)::int FROM stream s WHERE seq <> (SELECT count(*) FROM change c WHERE c.stream_id = s.id)) AS "gaps in the log"`
    expect(Object.entries(found ?? {}).filter(([, count]) => count !== 0)).toEqual([])
  }
  return {
    expectSound,
    untilAsWanted: async (printed: () => string): Promise<void> => {
      const seen = async () => ({
        server: withoutUids(onServer()),
        stored: inOrder(await stored()),
        same: inOrder(onServer()),
      })
      try {
        await until(
          async () => {
            if (!(await isQuiet())) return false
            const { server, stored: ours, same } = await seen()
            return server.join('\n') === asWanted().join('\n') && ours.join('\n') === same.join('\n')
          },
          { ms: settleWithinMs },
        )
      } catch {
        const { server, stored: ours, same } = await seen()
        const account = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
        const commands = await store.prisma.command.findMany({ where: { finishedAt: null } })
        expect({
          open: commands.map(({ kind, state, attempts }) => `${kind} ${state} ${attempts}`),
          state: account.state,
          problem: account.problem,
          printed: printed(),
          isQuiet: await isQuiet(),
        }).toMatchObject({ isQuiet: true })
        expect(server).toEqual(asWanted())
        expect(ours).toEqual(same)
      }
      await expectSound()
    },
    untilCompared: async (since: Date): Promise<void> => {
      await until(
        async () => {
          const late = await store.prisma.mailbox.count({
            where: { accountId, isSelectable: true, OR: [{ comparedAt: null }, { comparedAt: { lt: since } }] },
          })
          return late === 0 && (await isQuiet())
        },
        { ms: settleWithinMs },
      )
    },
    /** Everything a person could see, and the ids behind it. */
    snapshot: async (): Promise<unknown> => ({
      server: inOrder(onServer()),
      placements: await store.prisma.placement.findMany({
        orderBy: { id: 'asc' },
        omit: { modseq: true },
      }),
      messages: await store.prisma.message.findMany({ orderBy: { id: 'asc' } }),
      rows: await store.prisma.threadMailbox.findMany({ orderBy: [{ mailboxId: 'asc' }, { threadId: 'asc' }] }),
      counts: await store.prisma.mailbox.findMany({
        orderBy: { id: 'asc' },
        select: {
          path: true,
          messages: true,
          unreadMessages: true,
          conversations: true,
          uidValidity: true,
          uidNext: true,
        },
      }),
      commands: await store.prisma.command.findMany({
        orderBy: { ordinal: 'asc' },
        select: { id: true, state: true, settled: true },
      }),
    }),
  }
}
