import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { until } from '../support/until.ts'
import { type OutboxFixture, startOutboxFixture, type Worker } from './outbox-fixture.ts'

const name = (n: number) => `Letter ${String(n).padStart(4, '0')}`
const mail = (n: number) =>
  `From: "Ann Lee" <ann@example.org>\r\nTo: bob@example.org\r\nSubject: ${name(n)}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`

describe('commands at a real Dovecot', () => {
  let dovecot: Dovecot
  let fixture: OutboxFixture
  beforeAll(async () => {
    dovecot = await startDovecot()
    fixture = await startOutboxFixture()
  })
  afterAll(async () => {
    await fixture.stop()
    await dovecot.stop()
  })

  const start = async (user: string, mails: number): Promise<Worker> => {
    dovecot.addUser(user, 'secret')
    for (let n = 1; n <= mails; n++) dovecot.deliver(user, 'INBOX', mail(n))
    return fixture.start(dovecot, user)
  }
  const whole = async (worker: Worker, path = 'INBOX') => ({
    kind: 'mailbox' as const,
    mailboxId: await worker.mailbox(path),
  })
  const only = async (worker: Worker, numbers: number[], path = 'INBOX') => {
    const subjects = numbers.map(name)
    const { accountId } = worker
    const rows = await fixture.store.prisma.message.findMany({ where: { accountId, subject: { in: subjects } } })
    return {
      kind: 'messages' as const,
      mailboxId: await worker.mailbox(path),
      messageIds: rows.map(({ id }) => id.toString()),
    }
  }
  const subjects = (list: [string, unknown][]) => list.map(([subject]) => subject)
  const names = (...numbers: number[]) => numbers.map(name)

  it('carries out a bulk of 2,000 in chunks, lets a click overtake it, and takes it back', async () => {
    const worker = await start('bulk', 2000)
    const ids = async () =>
      (
        await fixture.store.prisma.placement.findMany({
          where: { accountId: worker.accountId },
          orderBy: { id: 'asc' },
        })
      )
        .map(({ id }) => id)
        .join()
    const before = await ids()
    const moved = await worker.run({ kind: 'moveToRole', target: await whole(worker), role: 'archive' })
    expect(await worker.state(moved)).toMatchObject({ targets: 2000 })
    await worker.execute()
    expect(await worker.state(moved)).toMatchObject({ state: 'done', settled: 2000 })
    expect(await worker.onServer('INBOX')).toEqual([])
    expect(await worker.onServer('Archive')).toHaveLength(2000)
    // Rows keep their ids, and the sync of the target has nothing to fetch.
    expect(await ids()).toBe(before)
    const archive = { where: { id: BigInt(await worker.mailbox('Archive')) } }
    expect(await fixture.store.prisma.mailbox.findUnique(archive)).toMatchObject({
      uidNext: 2001n,
      envelopesStored: 2000,
    })
    await worker.sync()
    expect(await ids()).toBe(before)
    dovecot.deliver('bulk', 'INBOX', mail(2001))
    await worker.sync()
    const read = await worker.run({ kind: 'setFlags', target: await whole(worker, 'Archive'), add: ['seen'] })
    const running = worker.execute()
    const click = await worker.run({ kind: 'setFlags', target: await whole(worker), add: ['flagged'] })
    await running
    expect(await worker.state(read)).toMatchObject({ state: 'done', settled: 2000 })
    const [first] = await fixture.store.prisma.command.findMany({
      where: { id: { in: [read, click] } },
      orderBy: { finishedAt: 'asc' },
    })
    expect(first?.id).toBe(click)
    const back = await worker.undo(moved)
    await worker.execute()
    expect(await worker.state(back)).toMatchObject({ state: 'done', settled: 2000 })
    const flags = new Map(await worker.onServer('INBOX'))
    expect(flags.size).toBe(2001)
    expect(flags.get(name(2001))).toEqual(['\\Flagged'])
    expect(flags.get(name(8))).toEqual(['\\Seen'])
  })

  it('leaves out what it has not begun when a bulk is taken back while it runs', async () => {
    const worker = await start('halfway', 1200)
    const read = await worker.run({ kind: 'setFlags', target: await whole(worker), add: ['seen'] })
    const running = worker.execute()
    await until(async () => (await worker.state(read)).state === 'running', { what: 'the first chunk' })
    const back = await worker.undo(read)
    await running
    await worker.execute()
    expect(await worker.state(read)).toMatchObject({ state: 'undone' })
    expect(await worker.state(back)).toMatchObject({ state: 'done' })
    expect((await worker.state(read)).settled).toBeLessThan(1200)
    expect((await worker.onServer('INBOX')).filter(([, flags]) => flags.length > 0)).toEqual([])
    expect((await worker.shown('INBOX')).filter(([, flags]) => flags !== 0)).toEqual([])
  })

  it('adds and removes single flags, so that what another program does meanwhile stays', async () => {
    const worker = await start('two', 2)
    const client = await worker.other()
    await client.messageFlagsAdd({ header: { subject: name(1) } }, ['\\Flagged', '$Theirs'])
    const seen = await worker.run({
      kind: 'setFlags',
      target: await whole(worker),
      add: ['seen'],
      addKeywords: ['$Ours'],
    })
    await worker.execute()
    expect(await worker.onServer('INBOX')).toEqual([
      [name(1), ['$Ours', '$Theirs', '\\Flagged', '\\Seen']],
      [name(2), ['$Ours', '\\Seen']],
    ])
    // What the other program did is known with the answer, before any sync.
    expect(await worker.shown('INBOX')).toEqual([
      [name(1), 5],
      [name(2), 1],
    ])
    await worker.undo(seen)
    await worker.execute()
    expect(await worker.onServer('INBOX')).toEqual([
      [name(1), ['$Theirs', '\\Flagged']],
      [name(2), []],
    ])
  })

  it('settles quietly what another program deleted meanwhile', async () => {
    const worker = await start('gone', 3)
    const client = await worker.other()
    const star = await worker.run({ kind: 'setFlags', target: await only(worker, [1, 2]), add: ['flagged'] })
    const move = await worker.run({ kind: 'moveToRole', target: await whole(worker), role: 'trash' })
    await client.messageDelete({ header: { subject: name(2) } })
    await worker.execute()
    for (const id of [star, move])
      expect(await worker.state(id)).toMatchObject({ state: 'done', errorCode: null, missed: 1 })
    expect(await worker.shown('Trash')).toEqual([
      [name(1), 4],
      [name(3), 0],
    ])
    expect(subjects(await worker.onServer('Trash'))).toEqual(names(1, 3))
    const open = { accountId: worker.accountId, uid: null }
    expect(await fixture.store.prisma.placement.count({ where: open })).toBe(0)
  })

  it('leaves what another program moved away meanwhile where it lies, and says so', async () => {
    const worker = await start('left', 3)
    const client = await worker.other()
    await client.mailboxCreate('Later')
    await worker.sync()
    const away = (n: number) => client.messageMove({ header: { subject: name(n) } }, 'Later')
    await away(1)
    const alone = await worker.run({ kind: 'moveToRole', target: await only(worker, [1]), role: 'trash' })
    await worker.execute()
    expect(await worker.state(alone)).toMatchObject({ state: 'done', settled: 0, missed: 1 })
    // Seen by a sync before its turn came.
    const both = await worker.run({ kind: 'moveToRole', target: await only(worker, [2, 3]), role: 'archive' })
    await away(2)
    await worker.sync()
    await worker.execute()
    expect(await worker.state(both)).toMatchObject({ state: 'done', settled: 1, missed: 1 })
    expect(subjects(await worker.onServer('Later'))).toEqual(names(1, 2))
    expect(subjects(await worker.shown('Later'))).toEqual(names(1, 2))
  })

  it('makes a target that is missing on the server, once', async () => {
    const worker = await start('trycreate', 1)
    const client = await worker.other()
    await client.mailboxCreate('Later')
    await worker.sync()
    await client.mailboxDelete('Later')
    const toMailboxId = await worker.mailbox('Later')
    const moved = await worker.run({ kind: 'moveMessages', target: await whole(worker), toMailboxId })
    await worker.execute()
    expect(await worker.state(moved)).toMatchObject({ state: 'done' })
    expect(subjects(await worker.onServer('Later'))).toEqual(names(1))
    await worker.sync()
    expect(subjects(await worker.shown('Later'))).toEqual(names(1))
  })

  it('follows a mailbox that was renamed while commands on it and into it were waiting', async () => {
    const worker = await start('renamed', 1)
    const client = await worker.other()
    await client.mailboxCreate('Old')
    await client.messageCopy('1', 'Old', { uid: true })
    await worker.sync()
    await client.mailboxRename('Old', 'New')
    const star = await worker.run({ kind: 'setFlags', target: await whole(worker, 'Old'), add: ['flagged'] })
    const toMailboxId = await worker.mailbox('Old')
    const moved = await worker.run({ kind: 'moveMessages', target: await whole(worker), toMailboxId })
    await worker.execute()
    expect(await worker.state(star)).toMatchObject({ state: 'running', errorCode: null })
    await worker.sync()
    await worker.endWait()
    await worker.execute()
    for (const id of [star, moved]) expect(await worker.state(id)).toMatchObject({ state: 'done', errorCode: null })
    expect(await worker.onServer('New')).toEqual([
      [name(1), ['\\Flagged']],
      [name(1), []],
    ])
  })

  it.each(['a command', 'a sync'])(
    'finds every message again when %s meets a new UIDVALIDITY first, and touches no other',
    async (first) => {
      const user = `reborn${first.replace(' ', '')}`
      const worker = await start(user, 300)
      const even = Array.from({ length: 140 }, (_, n) => 20 + 2 * n)
      const star = await worker.run({ kind: 'setFlags', target: await only(worker, even), add: ['flagged'] })
      const move = await worker.run({ kind: 'moveToRole', target: await only(worker, [21, 22]), role: 'trash' })
      const lost = await worker.run({ kind: 'setFlags', target: await only(worker, [3]), add: ['seen'] })
      // Ten are deleted and the uids given anew: every uid now names another message than before.
      const client = await worker.other()
      for (const subject of names(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)) await client.messageDelete({ header: { subject } })
      client.close()
      dovecot.doveadm('kick', user)
      for (const file of readdirSync(dovecot.maildir(user)))
        if (/^dovecot-uidlist|^dovecot\.index/.test(file)) rmSync(join(dovecot.maildir(user), file))
      expect(existsSync(join(dovecot.maildir(user), 'dovecot-uidlist'))).toBe(false)
      await worker.connect()
      if (first === 'a sync') {
        await worker.sync()
        // What waits is shown as before, on the same rows.
        expect((await worker.shown('INBOX')).filter(([, flags]) => flags === 4)).toHaveLength(139)
        expect(await worker.state(star)).toMatchObject({ state: 'pending', settled: 0 })
      }
      await worker.execute()
      for (const id of [star, move, lost])
        expect(await worker.state(id)).toMatchObject({ state: 'done', errorCode: null })
      const flagged = async (path: string) =>
        (await worker.onServer(path)).filter(([, flags]) => flags.includes('\\Flagged')).map(([subject]) => subject)
      expect(await flagged('INBOX')).toEqual(names(...even.filter((n) => n !== 22)))
      expect(subjects(await worker.onServer('Trash'))).toEqual(names(21, 22))
      expect((await worker.onServer('INBOX')).filter(([, flags]) => flags.includes('\\Seen'))).toEqual([])
      await worker.sync()
      expect(await worker.shown('INBOX')).toHaveLength(288)
      expect((await worker.shown('INBOX')).filter(([, flags]) => flags === 4).map(([subject]) => subject)).toEqual(
        await flagged('INBOX'),
      )
    },
  )

  it('rolls back and says why when rights were taken away after the last sync', async () => {
    const worker = await start('rights', 1)
    const client = await worker.other()
    await client.mailboxCreate('News')
    await client.messageCopy('1', 'News', { uid: true })
    await worker.sync()
    dovecot.doveadm('acl', 'set', '-u', 'rights', 'News', 'owner', 'lookup', 'read')
    await worker.connect()
    const star = await worker.run({ kind: 'setFlags', target: await whole(worker, 'News'), add: ['flagged'] })
    expect(await worker.shown('News')).toEqual([[name(1), 4]])
    await worker.execute()
    expect(await worker.state(star)).toMatchObject({ state: 'failed', errorCode: 'mailbox.read_only', settled: 0 })
    expect(await worker.shown('News')).toEqual([[name(1), 0]])
    await worker.sync()
    const again = whole(worker, 'News').then((target) => worker.run({ kind: 'setFlags', target, add: ['seen'] }))
    await expect(again).rejects.toMatchObject({ code: 'mailbox.read_only' })
  })

  it('deletes for good only what it was told to, never what others marked', async () => {
    const worker = await start('expunge', 3)
    const client = await worker.other()
    await client.messageMove('1:3', 'Trash', { uid: true })
    await worker.sync()
    await client.mailboxOpen('Trash')
    await client.messageFlagsAdd({ header: { subject: name(3) } }, ['\\Deleted'])
    const erased = await worker.run({ kind: 'expungeMessages', target: await only(worker, [1], 'Trash') })
    await worker.execute()
    expect(await worker.state(erased)).toMatchObject({ state: 'done' })
    expect(subjects(await worker.onServer('Trash'))).toEqual(names(2, 3))
    expect(subjects(await worker.shown('Trash'))).toEqual(names(2, 3))
  })

  it('takes back a message that was hidden by the mark \\Deleted', async () => {
    const worker = await start('unhide', 2)
    const hidden = await worker.run({ kind: 'setFlags', target: await only(worker, [1]), add: ['deleted'] })
    await worker.execute()
    expect(subjects(await worker.shown('INBOX'))).toEqual(names(2))
    const back = await worker.run({ kind: 'setFlags', target: await only(worker, [1]), remove: ['deleted'] })
    await worker.execute()
    for (const id of [hidden, back]) expect(await worker.state(id)).toMatchObject({ state: 'done', settled: 1 })
    expect(subjects(await worker.shown('INBOX'))).toEqual(names(1, 2))
    expect(await worker.onServer('INBOX')).toMatchObject([
      [name(1), []],
      [name(2), []],
    ])
  })
})
