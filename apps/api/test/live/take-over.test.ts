import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '#platform/secret.ts'
import { changeFlags } from '#protocol/imap/change-flags.ts'
import { createMailbox, deleteMailbox, renameMailbox } from '#protocol/imap/change-mailboxes.ts'
import { expungeMessages, moveMessages } from '#protocol/imap/move-messages.ts'
import { openImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { requireLease } from '#store/lease.ts'
import type { Store } from '#store/open-store.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { startEngineProcess } from '../support/engine-process.ts'
import { until } from '../support/until.ts'
import { type Scene, startScene } from './kill-sweep-fixture.ts'

const name = (n: number) => `Letter ${n}`
const mail = (n: number) =>
  `From: ann@example.org\r\nSubject: ${name(n)}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`

/** Two claims to one mailbox: of two engines, and of yesterday's database and today's. */
describe('a mailbox with two masters', () => {
  let dovecot: Dovecot
  let scene: Scene
  const scenes: Scene[] = []
  let dir: string
  beforeAll(async () => {
    dovecot = await startDovecot()
    dir = mkdtempSync(join(tmpdir(), 'postern-take-over-'))
  })
  afterAll(async () => {
    for (const begun of scenes) await begun.stop()
    await dovecot.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  const begin = async (user: string): Promise<Scene> => {
    dovecot.addUser(user, 'secret')
    scene = await startScene(dovecot, user)
    scenes.push(scene)
    for (const n of [1, 2, 3]) {
      dovecot.deliver(user, 'INBOX', mail(n))
      scene.wanted.set(name(n), { mailbox: 'INBOX', flags: [] })
    }
    await scene.through(async () => undefined, 0)
    return scene
  }
  const wants = (n: number, mailbox: string, flags: string[]) => scene.wanted.set(name(n), { mailbox, flags })
  const elsewhere = (verb: 'add' | 'remove', flag: string, n: number) =>
    dovecot.doveadm('flags', verb, '-u', scene.user, flag, 'mailbox', 'INBOX', 'header', 'subject', name(n))

  it('an engine that was stopped past its lease acts no more, and another goes on', async () => {
    const { store, points, engine, target, give, undo, wanted, untilAsWanted, env } = await begin('stopped')
    const epochOf = async () => (await store.prisma.accountLease.findFirstOrThrow()).epoch
    const before = await epochOf()
    const child = engine()
    let isHeld = false
    // Between the durable "this begins" and the first byte to the server.
    points.arm(/^after COMMIT of\s+UPDATE command SET state = 'running'/, () => {
      child?.kill('SIGSTOP')
      isHeld = true
      return 'go on'
    })
    const id = await give({ kind: 'setFlags', target: await target('INBOX', [name(1)]), add: ['flagged'] })
    await until(async () => isHeld, { what: 'the moment' })
    const other = startEngineProcess({ ...env, DATABASE_URL: scene.databaseUrl })
    try {
      wants(1, 'INBOX', ['\\Flagged'])
      // Only the lease running out hands the account over: the first one still has its session.
      await until(async () => (await epochOf()) > before, { ms: 50_000, what: 'the take-over' })
      await untilAsWanted()
      await undo(id)
      wanted.set(name(1), { mailbox: 'INBOX', flags: [] })
      await untilAsWanted()
      const epoch = await epochOf()
      const rows = await mailAndIntents(store)
      child?.kill('SIGCONT')
      await until(async () => points.mailSessions() === 1, { what: 'the end of its sessions' })
      await untilAsWanted()
      expect(await epochOf()).toBe(epoch)
      expect(await mailAndIntents(store)).toEqual(rows)
      // The other one is well and has the account.
      elsewhere('add', '\\Answered', 2)
      wants(2, 'INBOX', ['\\Answered'])
      await untilAsWanted()
    } finally {
      child?.kill('SIGCONT')
      other.child.kill('SIGTERM')
      await other.ended
    }
  }, 120_000)

  it('a session whose lease has run out sends nothing that changes anything', async () => {
    dovecot.addUser('late', 'secret')
    for (const n of [1, 2]) dovecot.deliver('late', 'INBOX', mail(n))
    const lease = { accountId: 1n, epoch: 1n, goodUntilMs: performance.now() + 60_000 }
    const session = await openImapSession({
      host: 'localhost',
      address: '127.0.0.1',
      port: dovecot.imapPort,
      security: 'plain',
      pinnedFingerprint: null,
      ca: undefined,
      username: 'late',
      password: new Secret('secret'),
      mayAct: () => requireLease(lease),
    })
    try {
      await selectMailbox(session, 'INBOX')
      await changeFlags(session, '1', 'add', ['\\Seen'])
      lease.goodUntilMs = performance.now()
      const acts = [
        () => changeFlags(session, '1:*', 'add', ['\\Flagged']),
        () => moveMessages(session, '1:*', 'Trash'),
        () => expungeMessages(session, '1:*'),
        () => createMailbox(session, 'New'),
        () => renameMailbox(session, 'Sent', 'New'),
        () => deleteMailbox(session, 'Sent'),
      ]
      for (const act of acts) await expect(act()).rejects.toMatchObject({ code: 'lease.lost' })
      const there = dovecot.doveadm('-f', 'flow', 'fetch', '-u', 'late', 'mailbox uid flags', 'ALL').trim().split('\n')
      expect(there.map((line) => line.replaceAll(' \\Recent', '').replaceAll('\\Recent', ''))).toEqual([
        'mailbox=INBOX uid=1 flags=\\Seen',
        'mailbox=INBOX uid=2 flags=',
      ])
      const mailboxes = dovecot.doveadm('mailbox', 'list', '-u', 'late')
      expect([mailboxes.includes('New'), mailboxes.includes('Sent')]).toEqual([false, true])
    } finally {
      await session.logout()
    }
  })

  it("yesterday's database does nothing again at today's mail server", async () => {
    const { store, stopEngine, target, give, through, expectNothingLeftToDo } = await begin('restored')
    await stopEngine()
    await give({ kind: 'setFlags', target: await target('INBOX', [name(1)]), add: ['flagged'] })
    await give({ kind: 'moveToRole', target: await target('INBOX', [name(2)]), role: 'trash' })
    await keepCopy(store)
    wants(1, 'INBOX', ['\\Flagged'])
    wants(2, 'Trash', [])
    await through(async () => undefined, 0)
    // All of it is taken back, and more happens, before the disk breaks.
    elsewhere('remove', '\\Flagged', 1)
    dovecot.doveadm('move', '-u', scene.user, 'INBOX', 'mailbox', 'Trash', 'header', 'subject', name(2))
    dovecot.doveadm('expunge', '-u', scene.user, 'mailbox', 'INBOX', 'header', 'subject', name(3))
    dovecot.deliver(scene.user, 'INBOX', mail(4))
    await stopEngine()
    await putBack(store)
    await store.prisma.$executeRaw`UPDATE command SET created_at = created_at - interval '1 day'`
    wants(1, 'INBOX', [])
    wants(2, 'INBOX', [])
    scene.wanted.delete(name(3))
    wants(4, 'INBOX', [])
    await through(async () => undefined, 0)
    await expectNothingLeftToDo()
  })
})

const tables = `SELECT format('%I', tablename) AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'`

/** A backup and its restore, within the database. */
const keepCopy = (store: Store) =>
  store.prisma.$executeRawUnsafe(`DO $$ DECLARE t record; BEGIN CREATE SCHEMA backup;
    FOR t IN ${tables} LOOP EXECUTE format('CREATE TABLE backup.%s AS TABLE public.%s', t.name, t.name); END LOOP; END $$`)
const putBack = (store: Store) =>
  store.prisma.$executeRawUnsafe(`DO $$ DECLARE t record; BEGIN
    FOR t IN ${tables} LOOP EXECUTE format('TRUNCATE public.%s', t.name);
      EXECUTE format('INSERT INTO public.%s SELECT * FROM backup.%s', t.name, t.name); END LOOP; END $$`)

const mailAndIntents = async ({ prisma }: Store) => [
  await prisma.placement.findMany({ orderBy: { id: 'asc' } }),
  await prisma.command.findMany({ orderBy: { ordinal: 'asc' } }),
  await prisma.commandTarget.findMany({ orderBy: { ordinal: 'asc' } }),
]
