import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engineTiming } from '#engine/timing.ts'
import type { Dovecot } from '../support/dovecot.ts'
import type { EngineFixture } from '../support/engine-fixture.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { until } from '../support/until.ts'

const mail = (n: number) =>
  `From: "Ann Lee" <ann@example.org>\r\nTo: bob@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <m${n}@example.org>\r\nReferences: <r${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}. ${'The quetzal flies. '.repeat(n)}\r\n`
const bodyOf = (n: number) => mail(n).split('\r\n\r\n')[1]?.trim() ?? ''
/** The waits of production run so many times faster here. */
const speed = 15

describe('the engine on a bad network', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let engine: EngineFixture
  let stop: LiveScene['stop']
  beforeAll(async () => {
    ;({ dovecot, proxy, engine, stop } = await startLiveScene({
      idleRenewMs: engineTiming.idleRenewMs / speed,
      silenceMs: engineTiming.silenceMs / speed,
      backoff: { baseMs: 50, capMs: 400 },
    }))
  })
  afterAll(() => stop())
  beforeEach(() => proxy.clear())

  const numbers = (count: number) => Array.from({ length: count }, (_, n) => n + 1)
  const prepare = async (user: string, mails: number): Promise<bigint> => {
    dovecot.addUser(user, 'secret')
    for (const n of numbers(mails)) dovecot.deliver(user, 'INBOX', mail(n))
    return engine.addAccount(user, 'secret', proxy.port)
  }
  const subjects = async (accountId: bigint) => {
    const inbox = await engine.store.prisma.mailbox.count({ where: { accountId, path: 'INBOX' } })
    return inbox === 0 ? [] : (await engine.shown(accountId, 'INBOX')).map(({ subject }) => subject)
  }
  const untilComplete = (accountId: bigint, mails: number) =>
    until(
      async () =>
        (await subjects(accountId)).length === mails &&
        (await engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready', orphanedAt: null } })) ===
          mails,
      { what: 'every message with its body', ms: 30_000 },
    )
  const expectExact = async (accountId: bigint, mails: number) => {
    expect((await subjects(accountId)).sort()).toEqual(
      numbers(mails)
        .map((n) => `Letter ${n}`)
        .sort(),
    )
    const bodies = await engine.store.prisma.$queryRaw<{ subject: string; text: string }[]>`
      SELECT m.subject, b.text FROM message m JOIN body b ON b.message_id = m.id WHERE m.account_id = ${accountId}`
    expect(new Map(bodies.map(({ subject, text }) => [subject, text.trim()]))).toEqual(
      new Map(numbers(mails).map((n) => [`Letter ${n}`, bodyOf(n)])),
    )
  }

  it.each(['stall', 'close', 'reset'] as const)(
    'hears of mail that came while the connection met its end: %s',
    async (act) => {
      const accountId = await prepare(act, 1)
      await untilComplete(accountId, 1)
      await engine.untilState(accountId, 'watching')
      // The news itself is what gets lost. A stalled peer keeps its socket: only silence tells.
      const fault = proxy.add({ direction: 'toClient', line: /^\* 2 EXISTS/, act })
      const before = proxy.connections().made
      dovecot.deliver(act, 'INBOX', mail(2))
      await until(async () => fault.acted() === 1, { what: 'the fault' })
      // 90 s in production; one more silence would be 45 s too late.
      await until(async () => proxy.connections().made > before, {
        what: 'another connection',
        ms: 90_000 / speed + 1500,
      })
      await until(async () => (await subjects(accountId)).length === 2, { what: 'the second mail' })
    },
  )

  it('takes up a first sync that was cut off at any byte, in the middle of literals too', async () => {
    const cuts = [300, 1500, 3000, 5001, 8002, 9999, 14_000, 20_000].map((afterBytes) =>
      proxy.add({ direction: 'toClient', afterBytes, act: afterBytes % 2 === 0 ? 'close' : 'reset' }),
    )
    const accountId = await prepare('literal', 40)
    await untilComplete(accountId, 40)
    expect(cuts.map((cut) => cut.acted())).toEqual(cuts.map(() => 1))
    await expectExact(accountId, 40)
    expect(await engine.store.prisma.placement.count({ where: { accountId } })).toBe(40)
  })

  it('understands answers that come byte by byte', async () => {
    const split = proxy.add({ direction: 'toClient', afterBytes: 0, act: 'split' })
    const accountId = await prepare('split', 12)
    await untilComplete(accountId, 12)
    expect(split.acted()).toBeGreaterThan(0)
    await expectExact(accountId, 12)
  })

  /** Uid and subject of everything in the inbox, as the server has it. */
  const onServer = (user: string): [number, string][] =>
    dovecot
      .doveadm('-f', 'tab', 'fetch', '-u', user, 'uid hdr.subject', 'mailbox', 'INBOX')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t'))
      .map(([uid, subject]) => [Number(uid), subject ?? ''])

  it.each([
    ['the first page', /^\S+ FETCH /],
    ['a batch', /UID FETCH /],
  ])('maps nothing wrong when another program expunges while %s is fetched', async (what, line) => {
    const user = what.replaceAll(' ', '')
    const expunged = proxy.add({
      direction: 'toServer',
      line,
      times: 1,
      act: (command) => {
        dovecot.doveadm('expunge', '-u', user, 'mailbox', 'INBOX', 'uid', '3:7,60:61')
        return command
      },
    })
    const accountId = await prepare(user, 61)
    await untilComplete(accountId, 54)
    expect(expunged.acted()).toBe(1)
    expect((await engine.shown(accountId, 'INBOX')).map(({ uid, subject }) => [uid, subject])).toEqual(onServer(user))
  })

  it('takes no harm from answers nobody asked for, doubled ones and foreign tags', async () => {
    const accountId = await prepare('confused', 5)
    await untilComplete(accountId, 5)
    let isOdd = false
    const confused = proxy.add({
      direction: 'toClient',
      line: /^\* \d+ FETCH \(UID \d+ FLAGS .*\)$/,
      act: (line) => {
        isOdd = !isOdd
        const other = isOdd ? '* 4000000000 FETCH (UID 4000000000 FLAGS (\\Seen))' : 'ZZ99 OK for somebody else'
        return [line, '* 1 FETCH (FLAGS (\\Draft))', other, line, '* 99 EXPUNGE', '* 3 RECENT'].join('\r\n')
      },
    })
    dovecot.doveadm('flags', 'add', '-u', 'confused', '\\Flagged', 'mailbox', 'INBOX', 'uid', '2:4')
    await until(async () => (await engine.shown(accountId, 'INBOX')).filter(({ flags }) => flags === 4).length === 3, {
      what: 'the stars',
    })
    dovecot.deliver('confused', 'INBOX', mail(6))
    await until(async () => (await subjects(accountId)).length === 6, { what: 'mail after the confusion' })
    expect(confused.acted()).toBeGreaterThan(0)
    expect((await engine.shown(accountId, 'INBOX')).map(({ flags }) => flags)).toEqual([0, 4, 4, 4, 0, 0])
  })
})
