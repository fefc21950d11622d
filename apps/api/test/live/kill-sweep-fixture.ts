import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { type CommandBody, commandBody } from '@postern/shared/commands.ts'
import { expect } from 'vitest'
import type { z } from 'zod'
import { enqueueCommand, undoCommand } from '#outbox/outbox.ts'
import { createRequest } from '#store/engine-requests.ts'
import type { Store } from '#store/open-store.ts'
import type { Dovecot } from '../support/dovecot.ts'
import type { KillPoints } from '../support/kill-points.ts'
import { startMortalEngine } from '../support/mortal-engine.ts'
import { findUnsound } from '../support/sound-store.ts'
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
  const mortal = await startMortalEngine({ user, mail: { protocol: 'imap', port: dovecot.imapPort } })
  const { store, accountId, ownerId, points } = mortal
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
    stopEngine: mortal.end,
    points,
    env: mortal.env,
    databaseUrl: mortal.databaseUrl,
    engine: mortal.child,
    untilAsWanted: () => look.untilAsWanted(mortal.printed),
    give: async (command) => {
      const id = randomUUID()
      await enqueueCommand(store, ownerId, { id, command: commandBody.parse(command) })
      return id
    },
    undo: async (id) => void (await undoCommand(store, ownerId, id, randomUUID())),
    target: async (mailbox, subjects) => {
      const rows = await store.prisma.message.findMany({ where: { accountId, subject: { in: subjects } } })
      return { kind: 'messages', mailboxId: await mailboxId(mailbox), messageIds: rows.map(({ id }) => id.toString()) }
    },
    through: async (act, moment) => {
      points.arm(moment, () => {
        mortal.kill()
        mortal.start()
        return 'end'
      })
      if (!mortal.child()) mortal.start()
      await act()
      await look.untilAsWanted(mortal.printed)
      const { passed, reached } = points.disarm()
      return { passed: passed.length, reached }
    },
    expectNothingLeftToDo: async () => {
      const before = await look.snapshot()
      await mortal.end()
      const startedAt = new Date()
      mortal.start()
      await createRequest(store, accountId, { kind: 'resync' })
      await look.untilCompared(startedAt)
      expect(await look.snapshot()).toEqual(before)
      await look.expectSound()
    },
    stop: mortal.stop,
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
  const expectSound = async (): Promise<void> => expect(await findUnsound(store)).toEqual([])
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
