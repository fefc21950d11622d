import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { readRequest } from '#store/engine-requests.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { letter } from '../support/letter.ts'
import { answerOf, type Script, startScriptedPop3 } from '../support/scripted-pop3.ts'
import { until } from '../support/until.ts'

/** As a name server of ours would say. */
vi.mock('node:dns/promises', async (original) => ({
  ...(await original<typeof import('node:dns/promises')>()),
  lookup: async () => [{ address: '127.0.0.1', family: 4 }],
}))

describe('an engine that looks at maildrops', () => {
  let fixture: EngineFixture
  /** What its clock says beside the right time. */
  let aheadMs = 0
  const stops: (() => Promise<void>)[] = []
  beforeAll(async () => {
    fixture = await startEngineFixture({ certificate: '', imapsPort: 0 })
    const { clock } = fixture.deps
    fixture.deps.clock = { ...clock, now: () => new Date(clock.now().getTime() + aheadMs) }
    fixture.start()
  })
  afterAll(async () => {
    await fixture.stop()
    for (const stop of stops) await stop()
  })

  const serve = async (script: Script) => {
    const server = await startScriptedPop3(script)
    stops.push(server.stop)
    return server
  }
  const account = (id: bigint) => fixture.store.prisma.account.findUniqueOrThrow({ where: { id } })
  const look = async (accountId: bigint) => {
    const asked = await createEngine(fixture.store).requestSync(accountId)
    await until(async () => (await readRequest(fixture.store, asked)).state === 'done', { what: 'the look' })
  }

  it('asks for no more than sign-in, STAT, UIDL, LIST and QUIT where nothing is new, the three at once', async () => {
    const server = await serve({ mails: [1, 2, 3].map((n) => letter(n)) })
    const accountId = await fixture.addMaildrop('unchanged', server.port)
    await fixture.untilState(accountId, 'watching')
    const [lines, segments] = [server.said.length, server.segments.length]
    await look(accountId)
    const credentials = Buffer.from('\0unchanged\0secret').toString('base64')
    const signIn = ['CAPA', 'AUTH PLAIN', credentials]
    expect(server.said.slice(lines)).toEqual([...signIn, 'STAT', 'UIDL', 'LIST', 'QUIT'])
    expect(server.segments.slice(segments)).toContain('STAT\r\nUIDL\r\nLIST\r\n')
  })

  it('has each mail of Gmail on disk before it asks for the next, though Gmail does not say that it hides what it gave', async () => {
    const mails = [1, 2, 3].map((n) => letter(n))
    const before = await fixture.store.prisma.message.count()
    const stored: number[] = []
    const server = await serve({
      mails,
      on: {
        RETR: async (socket, args) => {
          stored.push((await fixture.store.prisma.message.count()) - before)
          socket.write(answerOf(mails[Number(args) - 1] ?? ''))
        },
      },
    })
    const accountId = await fixture.addMaildrop('gmail', { host: 'pop.gmail.com', port: server.port })
    await fixture.untilState(accountId, 'watching')
    expect(stored).toEqual([0, 1, 2])
  })

  it('comes seldom at night, and often while somebody is there', async () => {
    const hour = (hours: number) => {
      aheadMs = 0
      aheadMs = new Date(2026, 11, 2, hours).getTime() - fixture.deps.clock.now().getTime()
    }
    const { port } = await serve({ mails: [] })
    const nextInMinutes = async (accountId: bigint) => {
      const { nextPollAt, lastSyncedAt } = await account(accountId)
      return ((nextPollAt?.getTime() ?? 0) - (lastSyncedAt?.getTime() ?? 0)) / 60_000
    }
    /** Give or take a tenth, so that accounts are spread. */
    const about = async (accountId: bigint, minutes: number) => {
      const next = await nextInMinutes(accountId)
      expect(next).toBeGreaterThanOrEqual(minutes * 0.89)
      expect(next).toBeLessThanOrEqual(minutes * 1.11)
    }
    hour(12)
    const accountId = await fixture.addMaildrop('adaptive', port)
    await fixture.untilState(accountId, 'watching')
    await about(accountId, 5)
    hour(3)
    await look(accountId)
    await about(accountId, 15)
    // Half of the five minutes have passed, and somebody comes: that is long enough.
    const { lastSyncedAt } = await account(accountId)
    aheadMs += 2.5 * 60_000
    await fixture.store.prisma.appUser.update({ where: { id: fixture.userId }, data: { onlineAt: new Date() } })
    await until(async () => (await account(accountId)).lastSyncedAt?.getTime() !== lastSyncedAt?.getTime(), {
      what: 'a look for who came',
    })
    await about(accountId, 2.5)
  })
})
