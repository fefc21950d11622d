import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import type { Supervisor } from '#engine/supervisor.ts'
import { enqueueCommand } from '#outbox/outbox.ts'
import { readRequest } from '#store/engine-requests.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { letter } from '../support/letter.ts'
import { answerOf, capable, refuse, startScriptedPop3 } from '../support/scripted-pop3.ts'
import { until } from '../support/until.ts'

const inUse = { baseMs: 400, capMs: 500 }
const withAttachment = [
  'Subject: With a plan',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  '',
  'Hello!',
  '--b',
  'Content-Type: text/plain',
  'Content-Disposition: attachment; filename=plan.txt',
  '',
  'The plan.',
  '',
  '--b--',
  '',
].join('\r\n')

describe('an account that is polled', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let fixture: EngineFixture
  let supervisor: Supervisor
  beforeAll(async () => {
    dovecot = await startDovecot()
    proxy = await startFaultProxy(dovecot.pop3Port)
    fixture = await startEngineFixture(dovecot, { inUse, throttled: { baseMs: 1, capMs: 2 }, removalLookMs: 50 })
    supervisor = fixture.start()
  })
  afterAll(async () => {
    await fixture.stop()
    await proxy.stop()
    await dovecot.stop()
  })

  const add = async (user: string, mails: number): Promise<bigint> => {
    dovecot.addUser(user, 'secret')
    for (let n = 1; n <= mails; n++) dovecot.deliver(user, 'INBOX', letter(n))
    const accountId = await fixture.addMaildrop(user, proxy.port)
    await fixture.untilState(accountId, 'watching')
    return accountId
  }
  const account = (id: bigint) => fixture.store.prisma.account.findUniqueOrThrow({ where: { id } })
  const subjects = async (accountId: bigint, path: string) =>
    (await fixture.shown(accountId, path)).map(({ subject }) => subject)
  const logins = () => proxy.said('toServer').match(/AUTH|PASS/g)?.length ?? 0
  const checkNow = (accountId: bigint) => createEngine(fixture.store).requestSync(accountId)
  /** What whoever asked for a look is told. */
  const endOf = (asked: bigint) =>
    until(
      async () => {
        const { state, result } = await readRequest(fixture.store, asked)
        return state === 'done' || state === 'failed' ? { state, result } : null
      },
      { what: 'the end of the look' },
    )

  it('is filled, read, and plans its next look', async () => {
    const accountId = await add('filled', 30)
    expect(await subjects(accountId, 'INBOX')).toHaveLength(30)
    const { state, problem, nextPollAt, lastSyncedAt, maildrop } = await account(accountId)
    expect({ state, problem, maildrop }).toMatchObject({ state: 'watching', problem: null, maildrop: { messages: 30 } })
    const minutes = ((nextPollAt?.getTime() ?? 0) - (lastSyncedAt?.getTime() ?? 0)) / 60_000
    // Mail came: half of five minutes, give or take a tenth.
    expect(minutes).toBeGreaterThanOrEqual(2.2)
    expect(minutes).toBeLessThanOrEqual(2.8)
    await until(
      async () => (await fixture.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })) === 30,
      {
        what: 'every text',
      },
    )
    const events = await fixture.store.prisma.syncEvent.findMany({ where: { accountId, kind: 'look' } })
    expect(events.map(({ text }) => text)).toEqual(['30 mails came in.'])
  })

  it('looks when somebody asks, tells of new mail, and keeps quiet when there is none', async () => {
    const accountId = await add('asked', 2)
    const { id: streamId } = await fixture.store.prisma.stream.findFirstOrThrow({ where: { accountId } })
    const told = (kind: string) => fixture.store.prisma.change.count({ where: { streamId, kind } })
    expect(await told('arrived')).toBe(0)
    dovecot.deliver('asked', 'INBOX', letter(3))
    expect(await endOf(await checkNow(accountId))).toEqual({
      state: 'done',
      result: { arrived: 1, completed: 0, removed: 0 },
    })
    expect(await subjects(accountId, 'INBOX')).toContain('Letter 3')
    expect(await told('arrived')).toBe(1)
    const before = { logins: logins(), ...(await account(accountId)) }
    expect(await endOf(await checkNow(accountId))).toEqual({
      state: 'done',
      result: { arrived: 0, completed: 0, removed: 0 },
    })
    expect(logins()).toBe(before.logins + 1)
    const { lastSyncedAt, maildrop } = await account(accountId)
    expect(lastSyncedAt?.getTime()).toBeGreaterThan(before.lastSyncedAt?.getTime() ?? 0)
    expect(maildrop).toEqual({ ...Object(before.maildrop), listedAt: expect.any(String) })
    expect(maildrop).not.toEqual(before.maildrop)
    const events = await fixture.store.prisma.syncEvent.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
    expect(events.map(({ kind }) => kind)).toEqual(['syncing', 'look', 'look'])
  })

  it('tells what was removed at the provider, by its own policy and by somebody else', async () => {
    const accountId = await add('parted', 3)
    const lastLine = async () =>
      (await fixture.store.prisma.syncEvent.findFirst({ where: { accountId }, orderBy: { id: 'desc' } }))?.text
    dovecot.doveadm('expunge', '-u', 'parted', 'mailbox', 'INBOX', 'uid', '1:2')
    await endOf(await checkNow(accountId))
    expect(await lastLine()).toBe('2 mails removed at the provider by somebody else.')
    expect(await subjects(accountId, 'INBOX')).toHaveLength(3)
    const retrieval = { policy: { kind: 'afterDownload' } }
    await fixture.store.prisma.account.update({ where: { id: accountId }, data: { retrieval } })
    const { result } = await endOf(await checkNow(accountId))
    expect([result.removed, await lastLine()]).toEqual([1, '1 mail removed at the provider.'])
    // Each is told once.
    expect((await endOf(await checkNow(accountId))).result.removed).toBe(0)
    expect(await lastLine()).toBe('1 mail removed at the provider.')
  })

  it('removes what goes once it is here by one more look right after, and is then as before', async () => {
    const { prisma } = fixture.store
    const accountId = await add('moved', 1)
    const lines = async () => {
      const looks = await prisma.syncEvent.findMany({ where: { accountId, kind: 'look' }, orderBy: { id: 'asc' } })
      return looks.map(({ text }) => text)
    }
    const untilNext = async () => {
      const { nextPollAt, lastSyncedAt } = await account(accountId)
      return ((nextPollAt?.getTime() ?? 0) - (lastSyncedAt?.getTime() ?? 0)) / 60_000
    }
    const retrieval = { policy: { kind: 'afterDownload' } }
    await prisma.account.update({ where: { id: accountId }, data: { retrieval } })
    for (const n of [2, 3]) dovecot.deliver('moved', 'INBOX', letter(n))
    expect((await endOf(await checkNow(accountId))).result).toMatchObject({ arrived: 2, removed: 1 })
    await until(async () => (await lines()).length === 3, { what: 'the line of the look' })
    expect((await lines()).slice(1)).toEqual([
      '2 mails came in, 1 mail removed at the provider.',
      '2 mails removed at the provider.',
    ])
    // The mail that came before it still counts: half of five minutes, give or take a tenth.
    expect(await untilNext()).toBeCloseTo(2.5, 0)
    // What is not to go brings no look after look.
    await prisma.account.update({ where: { id: accountId }, data: { retrieval: { ...retrieval, isOnHold: true } } })
    dovecot.deliver('moved', 'INBOX', letter(4))
    await endOf(await checkNow(accountId))
    expect(await untilNext()).toBeGreaterThan(1)
  })

  it('goes on with its plan after a restart, and looks at once when that time has come', async () => {
    const own = await startEngineFixture(dovecot)
    try {
      dovecot.addUser('restart', 'secret')
      dovecot.deliver('restart', 'INBOX', letter(1))
      const accountId = await own.addMaildrop('restart', proxy.port)
      const first = own.start()
      await own.untilState(accountId, 'watching')
      await first.stop()
      const planned = await own.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
      const before = logins()
      dovecot.deliver('restart', 'INBOX', letter(2))
      // A person is there: what is due is not spread over half a minute.
      await own.store.prisma.appUser.update({ where: { id: own.userId }, data: { onlineAt: new Date() } })
      const second = own.start()
      // A command is carried out, so the worker lives; the maildrop is left alone.
      const inbox = await own.mailboxId(accountId, 'INBOX')
      const [mail] = await own.shown(accountId, 'INBOX')
      const target = { kind: 'messages' as const, mailboxId: `${inbox}`, messageIds: [`${mail?.messageId}`] }
      const id = randomUUID()
      const command = {
        kind: 'setFlags' as const,
        target,
        add: ['seen' as const],
        remove: [],
        addKeywords: [],
        removeKeywords: [],
      }
      await enqueueCommand(own.store, own.userId, { id, command })
      await until(async () => (await own.store.prisma.command.findUniqueOrThrow({ where: { id } })).state === 'done', {
        what: 'the command',
      })
      expect(logins()).toBe(before)
      await second.stop()
      expect((await own.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).nextPollAt).toEqual(
        planned.nextPollAt,
      )
      await own.store.prisma.account.update({ where: { id: accountId }, data: { nextPollAt: new Date(0) } })
      own.start()
      await until(async () => (await own.shown(accountId, 'INBOX')).length === 2, { what: 'the second mail' })
    } finally {
      await own.stop()
    }
  })

  it('carries commands out while its server is away', async () => {
    const gone = await startFaultProxy(dovecot.pop3Port)
    dovecot.addUser('away', 'secret')
    for (const n of [1, 2]) dovecot.deliver('away', 'INBOX', letter(n))
    const accountId = await fixture.addMaildrop('away', gone.port)
    await fixture.untilState(accountId, 'watching')
    await gone.stop()
    const { state, result } = await endOf(await checkNow(accountId))
    expect([state, result.error?.code]).toEqual(['failed', 'connect.refused'])
    await fixture.untilState(accountId, 'waiting')
    const [mail] = await fixture.shown(accountId, 'INBOX')
    const mailboxId = `${await fixture.mailboxId(accountId, 'INBOX')}`
    const target = { kind: 'messages' as const, mailboxId, messageIds: [`${mail?.messageId}`] }
    const id = randomUUID()
    await enqueueCommand(fixture.store, fixture.userId, {
      id,
      command: { kind: 'moveToRole', target, role: 'archive' },
    })
    await until(
      async () => (await fixture.store.prisma.command.findUniqueOrThrow({ where: { id } })).state === 'done',
      {
        what: 'the move',
      },
    )
    expect(await subjects(accountId, 'Archive')).toEqual([mail?.subject])
  })

  it('gives what is here and carries commands out while it is paused, and leaves the maildrop alone', async () => {
    const { prisma } = fixture.store
    dovecot.addUser('paused', 'secret')
    dovecot.deliver('paused', 'INBOX', withAttachment)
    const accountId = await fixture.addMaildrop('paused', proxy.port)
    const files = () => prisma.part.findMany({ where: { accountId, filename: 'plan.txt' } })
    const part = await until(async () => (await files())[0], { what: 'the text' })
    const engine = createEngine(fixture.store)
    const pause = async (isPaused: boolean) => {
      await prisma.account.update({ where: { id: accountId }, data: { isPaused, state: isPaused ? 'paused' : 'new' } })
      engine.accountChanged(accountId)
    }
    await fixture.untilState(accountId, 'watching')
    await pause(true)
    const before = logins()
    dovecot.deliver('paused', 'INBOX', letter(2))
    const { chunks } = await engine.openPart(accountId, part.messageId, part.id)
    const pieces: Uint8Array[] = []
    for await (const piece of chunks) pieces.push(piece)
    expect(Buffer.concat(pieces).toString()).toBe('The plan.\r\n')
    const [mail] = await fixture.shown(accountId, 'INBOX')
    const mailboxId = `${await fixture.mailboxId(accountId, 'INBOX')}`
    const target = { kind: 'messages' as const, mailboxId, messageIds: [`${mail?.messageId}`] }
    await enqueueCommand(fixture.store, fixture.userId, {
      id: randomUUID(),
      command: { kind: 'moveToRole', target, role: 'archive' },
    })
    await until(async () => (await prisma.command.findFirst({ where: { accountId } }))?.state === 'done', {
      what: 'the move',
    })
    const asked = await checkNow(accountId)
    await until(async () => (await readRequest(fixture.store, asked)).state === 'running', { what: 'the request' })
    expect(logins()).toBe(before)
    await pause(false)
    // What one worker did not come to is answered by the next.
    expect((await endOf(asked)).state).toBe('done')
    await until(async () => (await subjects(accountId, 'INBOX')).includes('Letter 2'), { what: 'the new mail' })
  })

  it('removes what was deleted for good here soon, where its person wants that', async () => {
    const accountId = await add('deleted', 2)
    const data = { retrieval: { policy: { kind: 'whenDeletedHere' } } }
    await fixture.store.prisma.account.update({ where: { id: accountId }, data })
    const [mail] = await fixture.shown(accountId, 'INBOX')
    const give = (mailboxId: bigint, kind: 'moveToRole' | 'expungeMessages') => {
      const target = { kind: 'messages' as const, mailboxId: `${mailboxId}`, messageIds: [`${mail?.messageId}`] }
      const command = kind === 'moveToRole' ? { kind, target, role: 'trash' as const } : { kind, target }
      return enqueueCommand(fixture.store, fixture.userId, { id: randomUUID(), command })
    }
    await give(await fixture.mailboxId(accountId, 'INBOX'), 'moveToRole')
    await give(await fixture.mailboxId(accountId, 'Trash'), 'expungeMessages')
    const left = () => dovecot.doveadm('search', '-u', 'deleted', 'mailbox', 'INBOX', 'all').split('\n').filter(Boolean)
    await until(async () => left().length === 1, { what: 'the removal' })
    const gone = await fixture.store.prisma.popLedger.findMany({
      where: { accountId, state: { in: ['dele_sent', 'gone'] } },
    })
    expect(gone).toMatchObject([{ messageId: mail?.messageId }])
  })

  /** When somebody tried to sign in, in milliseconds. */
  const countingRefusals = async (reply: string, extra: string[] = []) => {
    const at: number[] = []
    const said = refuse(reply)
    const server = await startScriptedPop3({
      on: {
        CAPA: capable('USER', ...extra),
        USER: (socket) => socket.write('+OK\r\n'),
        PASS: (socket, args, next) => {
          at.push(performance.now())
          return said(socket, args, next)
        },
      },
    })
    return { server, at }
  }

  it('waits quietly while another program has the maildrop, whoever asks', async () => {
    const { server, at } = await countingRefusals('[IN-USE] another session has it')
    const accountId = await fixture.addMaildrop('busy', server.port)
    await fixture.untilState(accountId, 'waiting')
    await checkNow(accountId)
    await until(async () => at.length === 3, { what: 'three tries' })
    const gaps = at.slice(1).map((time, n) => time - (at[n] ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(inUse.baseMs - 5)
    expect(await account(accountId)).toMatchObject({ problem: null, loginFailures: 0 })
    await server.stop()
  })

  it('rings for new mail, and not for what was there when it was added, though its first download was cut', async () => {
    const mails = [1, 2, 3].map((n) => letter(n))
    let cuts = 1
    const server = await startScriptedPop3({
      mails,
      on: {
        RETR: (socket, args) => {
          if (args !== '1' || cuts === 0) return socket.write(answerOf(mails[Number(args) - 1] ?? ''))
          cuts--
          return socket.destroy()
        },
      },
    })
    const accountId = await fixture.addMaildrop('rings', server.port)
    await fixture.untilState(accountId, 'watching')
    expect([cuts, (await subjects(accountId, 'INBOX')).sort()]).toEqual([0, ['Letter 1', 'Letter 2', 'Letter 3']])
    expect(server.said.filter((line) => line === 'RETR 3')).toHaveLength(1)
    const { id: streamId } = await fixture.store.prisma.stream.findUniqueOrThrow({ where: { accountId } })
    const notices = () => fixture.store.prisma.change.count({ where: { streamId, kind: 'arrived' } })
    expect(await notices()).toBe(0)
    mails.push(letter(4))
    await checkNow(accountId)
    await until(async () => (await notices()) === 1, { what: 'a notice' })
    await server.stop()
  })

  it('comes no sooner than the server allows after a restart either', async () => {
    const logins: number[] = []
    const server = await startScriptedPop3({
      mails: [letter(1)],
      on: {
        CAPA: capable('USER', 'LOGIN-DELAY 2'),
        PASS: (socket) => {
          logins.push(performance.now())
          socket.write('+OK\r\n')
        },
      },
    })
    const accountId = await fixture.addMaildrop('restarted', server.port)
    await fixture.untilState(accountId, 'watching')
    await supervisor.stop()
    supervisor = fixture.start()
    await checkNow(accountId)
    await until(async () => logins.length === 2, { what: 'the look after the restart' })
    expect((logins[1] ?? 0) - (logins[0] ?? 0)).toBeGreaterThanOrEqual(1990)
    await server.stop()
  })

  it('comes no sooner than the server allows, and says who must act on a lasting refusal', async () => {
    const delayed = await countingRefusals('[LOGIN-DELAY] not yet', ['LOGIN-DELAY 1'])
    const early = await fixture.addMaildrop('early', delayed.server.port)
    await until(async () => delayed.at.length === 2, { what: 'a second try' })
    expect((delayed.at[1] ?? 0) - (delayed.at[0] ?? 0)).toBeGreaterThanOrEqual(995)
    const problem = async () => JSON.stringify((await account(early)).problem)
    await until(async () => (await problem()).includes('connect.throttled'), { what: 'why it waits' })
    const longer = await countingRefusals('[LOGIN-DELAY] not yet', ['LOGIN-DELAY 600'])
    const late = await fixture.addMaildrop('late', longer.server.port)
    await fixture.untilState(late, 'waiting')
    expect((await endOf(await checkNow(late))).result).toEqual({ waitsUntil: expect.any(String) })
    expect(longer.at).toHaveLength(1)
    await longer.server.stop()
    const cases: [string, string, string][] = [
      ['[SYS/TEMP] try later', 'waiting', 'login.unavailable'],
      ['[SYS/PERM] this maildrop is broken', 'needs_person', 'mailbox.broken'],
      ['[AUTH] wrong', 'needs_person', 'login.failed'],
    ]
    for (const [reply, state, code] of cases) {
      const { server, at } = await countingRefusals(reply)
      const accountId = await fixture.addMaildrop(`user-${code}`, server.port)
      await until(async () => JSON.stringify((await account(accountId)).problem ?? {}).includes(code), { what: code })
      expect((await account(accountId)).state).toBe(state)
      if (state === 'needs_person') expect(at).toHaveLength(1)
      await server.stop()
    }
    await delayed.server.stop()
  })
})
