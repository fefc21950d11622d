import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { type OutboxFixture, startOutboxFixture, type Worker } from './outbox-fixture.ts'

const name = (n: number) => `Letter ${String(n).padStart(2, '0')}`
const mail = (n: number) =>
  `From: "Ann Lee" <ann@example.org>\r\nTo: bob@example.org\r\nSubject: ${name(n)}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`
const common = 'IMAP4rev1 LITERAL+ ENABLE IDLE NAMESPACE CONDSTORE LIST-STATUS LIST-EXTENDED SPECIAL-USE UNSELECT'

/** What a server can do, and every place where its connection may end in the middle of a move. */
const servers = [
  { title: 'a server with MOVE', capability: '', commands: [/UID MOVE/] },
  {
    title: 'a server without MOVE',
    capability: `${common} UIDPLUS`,
    commands: [/UID COPY/, /UID STORE .*Deleted/, /UID EXPUNGE/],
  },
  { title: 'a server without MOVE and UIDPLUS', capability: common, commands: [/UID COPY/, /UID STORE .*Deleted/] },
  { title: 'a server with MOVE but without UIDPLUS', capability: `${common} MOVE`, commands: [/UID MOVE/] },
]
const moments = ['before', 'answer'] as const

/** Cuts the connection before the server reads a command or when its answer is on the way back, or makes nonsense of it. */
const spoil = (proxy: FaultProxy, moment: 'before' | 'answer' | 'nonsense', command: RegExp): void => {
  proxy.clear()
  if (moment === 'before') proxy.add({ direction: 'toServer', line: command, act: 'close' })
  else if (moment === 'answer') proxy.add({ direction: 'toClient', answerTo: command, act: 'close' })
  else
    proxy.add({
      direction: 'toClient',
      answerTo: command,
      act: (line) => `${line.split(' ')[0]} BAD What?`,
      times: 1,
    })
}

describe.each(servers)('commands at $title', ({ capability, commands }) => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let fixture: OutboxFixture
  beforeAll(async () => {
    dovecot = await startDovecot({
      settings: `${capability ? `imap_capability = ${capability}\n` : ''}plugin {\n  quota_rule = *:messages=20\n}`,
    })
    proxy = await startFaultProxy(dovecot.imapPort)
    fixture = await startOutboxFixture()
  })
  afterAll(async () => {
    await fixture.stop()
    await proxy.stop()
    await dovecot.stop()
  })

  const start = async (user: string, mails: number): Promise<Worker> => {
    dovecot.addUser(user, 'secret')
    for (let n = 1; n <= mails; n++) dovecot.deliver(user, 'INBOX', mail(n))
    return fixture.start(dovecot, user)
  }
  const messages = async ({ accountId, mailbox }: Worker, numbers: number[]) => {
    const where = { accountId, subject: { in: numbers.map(name) } }
    const rows = await fixture.store.prisma.message.findMany({ where })
    return {
      kind: 'messages' as const,
      mailboxId: await mailbox('INBOX'),
      messageIds: rows.map(({ id }) => id.toString()),
    }
  }
  /** Without those somebody marked \Deleted: nobody sees them. */
  const visible = async (worker: Worker, path: string) =>
    (await worker.onServer(path)).filter(([, flags]) => !flags.includes('\\Deleted')).map(([subject]) => subject)
  const shown = async (worker: Worker, path: string) => (await worker.shown(path)).map(([subject]) => subject)

  it('neither loses nor doubles a message when the connection ends anywhere in a move', async () => {
    const worker = await start('cut', 12)
    const client = await worker.other()
    // Somebody else's mark must survive everything we do.
    await client.messageFlagsAdd({ header: { subject: name(12) } }, ['\\Deleted'])
    const cuts = commands.flatMap((line) => moments.map((moment) => ({ line, moment })))
    let moved: string[] = []
    let next = 1
    for (const { line, moment } of cuts) {
      const numbers = [next, next + 1].filter((n) => n <= 11)
      next += 2
      await worker.connect(proxy.port)
      const id = await worker.run({ kind: 'moveToRole', target: await messages(worker, numbers), role: 'archive' })
      spoil(proxy, moment, line)
      await expect(worker.execute()).rejects.toMatchObject({ code: 'connect.closed' })
      await worker.connect()
      await worker.execute()
      expect(await worker.state(id)).toMatchObject({ state: 'done', errorCode: null })
      moved = [...moved, ...numbers.map(name)]
      expect(await visible(worker, 'Archive')).toEqual(moved)
      expect(await shown(worker, 'Archive')).toEqual(moved)
    }
    const rest = Array.from({ length: 11 }, (_, n) => name(n + 1)).filter((subject) => !moved.includes(subject))
    expect(await visible(worker, 'INBOX')).toEqual(rest)
    expect((await worker.onServer('INBOX')).at(-1)).toEqual([name(12), ['\\Deleted']])
    await worker.sync()
    expect(await shown(worker, 'Archive')).toEqual(moved)
    expect(await shown(worker, 'INBOX')).toEqual(rest)
  })

  it('keeps the row of a message through a move, whatever the server tells about it', async () => {
    const worker = await start('rows', 3)
    const rows = async () =>
      (
        await fixture.store.prisma.placement.findMany({
          where: { accountId: worker.accountId, shownMailboxId: { not: null } },
        })
      )
        .map(({ id }) => id)
        .sort()
    const before = await rows()
    const there = await worker.run({ kind: 'moveToRole', target: await messages(worker, [1, 2, 3]), role: 'archive' })
    await worker.execute()
    await worker.sync()
    expect(await rows()).toEqual(before)
    const back = await worker.undo(there)
    await worker.execute()
    await worker.sync()
    expect(await worker.state(back)).toMatchObject({ state: 'done', settled: 3 })
    expect(await rows()).toEqual(before)
    expect(await visible(worker, 'INBOX')).toEqual([1, 2, 3].map(name))
    expect(await visible(worker, 'Archive')).toEqual([])
  })

  it('can take a move back whose source was synced before its lost answer was made up for', async () => {
    const worker = await start('early', 2)
    await worker.connect(proxy.port)
    const there = await worker.run({ kind: 'moveToRole', target: await messages(worker, [1, 2]), role: 'archive' })
    spoil(proxy, 'answer', commands.at(-1) ?? /never/)
    await expect(worker.execute()).rejects.toMatchObject({ code: 'connect.closed' })
    await worker.connect()
    // As a watched mailbox does that hears of an EXPUNGE while the command that made it still waits for its answer.
    await worker.sync()
    await worker.execute()
    expect(await worker.state(there)).toMatchObject({ state: 'done', settled: 2 })
    const back = await worker.undo(there)
    expect(await shown(worker, 'INBOX')).toEqual([1, 2].map(name))
    await worker.execute()
    expect(await worker.state(back)).toMatchObject({ state: 'done', settled: 2 })
    expect(await visible(worker, 'INBOX')).toEqual([1, 2].map(name))
    expect(await visible(worker, 'Archive')).toEqual([])
  })

  it('repeats flags whose answer was lost', async () => {
    const worker = await start('flags', 2)
    for (const moment of moments) {
      await worker.connect(proxy.port)
      const add = moment === 'before' ? (['seen'] as const) : (['flagged'] as const)
      const id = await worker.run({ kind: 'setFlags', target: await messages(worker, [1, 2]), add: [...add] })
      spoil(proxy, moment, /UID STORE/)
      await expect(worker.execute()).rejects.toMatchObject({ code: 'connect.closed' })
      expect(await worker.state(id)).toMatchObject({ state: 'running', settled: 0 })
      await worker.connect()
      await worker.execute()
      expect(await worker.state(id)).toMatchObject({ state: 'done', settled: 2 })
    }
    expect(await worker.onServer('INBOX')).toEqual([1, 2].map((n) => [name(n), ['\\Flagged', '\\Seen']]))
    expect(await worker.shown('INBOX')).toEqual([1, 2].map((n) => [name(n), 5]))
  })

  it('lets others go first when a command ends the connection again and again', async () => {
    const worker = await start('stubborn', 2)
    const bad = await worker.run({ kind: 'setFlags', target: await messages(worker, [1]), add: ['seen'] })
    for (const _ of [1, 2]) {
      await worker.connect(proxy.port)
      spoil(proxy, 'before', /UID STORE/)
      await expect(worker.execute()).rejects.toMatchObject({ code: 'connect.closed' })
    }
    const good = await worker.run({ kind: 'setFlags', target: await messages(worker, [2]), add: ['seen'] })
    await worker.connect()
    await worker.execute()
    expect(await worker.state(good)).toMatchObject({ state: 'done' })
    expect(await worker.state(bad)).toMatchObject({ state: 'running', errorCode: null })
    await worker.endWait()
    await worker.execute()
    expect(await worker.state(bad)).toMatchObject({ state: 'done' })
  })

  it('gives a command up whose answer makes no sense three times, and shows what the server has', async () => {
    const worker = await start('nonsense', 1)
    const id = await worker.run({
      kind: 'setFlags',
      target: await messages(worker, [1]),
      add: ['seen'],
      remove: ['flagged'],
    })
    for (const isLast of [false, false, true]) {
      await worker.connect(proxy.port)
      await worker.endWait()
      spoil(proxy, 'nonsense', /UID STORE/)
      const execution = worker.execute()
      if (isLast) await execution
      else await expect(execution).rejects.toMatchObject({ code: 'connect.protocol' })
    }
    expect(await worker.state(id)).toMatchObject({ state: 'failed', errorCode: 'connect.protocol' })
    expect(await worker.shown('INBOX')).toEqual([[name(1), 1]])
    expect(await worker.onServer('INBOX')).toEqual([[name(1), ['\\Seen']]])
  })

  it('says that the mailbox is full and shows the messages where they are', async () => {
    const worker = await start('full', 20)
    const id = await worker.run({ kind: 'moveToRole', target: await messages(worker, [1]), role: 'archive' })
    expect(await shown(worker, 'Archive')).toEqual([name(1)])
    await worker.execute()
    // A server with MOVE needs no room for it.
    if (commands.some((line) => line.source === 'UID MOVE'))
      expect(await worker.state(id)).toMatchObject({ state: 'done' })
    else {
      expect(await worker.state(id)).toMatchObject({ state: 'failed', errorCode: 'mailbox.over_quota' })
      expect(await shown(worker, 'Archive')).toEqual([])
      expect(await shown(worker, 'INBOX')).toHaveLength(20)
    }
    expect((await visible(worker, 'INBOX')).length + (await visible(worker, 'Archive')).length).toBe(20)
  })
})
