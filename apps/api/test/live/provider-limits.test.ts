import type { ImapFlow } from 'imapflow'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import type { Dovecot } from '../support/dovecot.ts'
import type { EngineFixture } from '../support/engine-fixture.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { letter } from '../support/letter.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { otherProgram } from '../support/other-program.ts'
import { until } from '../support/until.ts'

describe('the limits of a provider', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let engine: EngineFixture
  let stop: LiveScene['stop']
  const others: ImapFlow[] = []
  beforeAll(async () => {
    const timing = {
      passwordRetryMs: 400,
      backoff: { baseMs: 20, capMs: 10_000 },
      throttled: { baseMs: 800, capMs: 2000 },
      connectionGrowMs: 400,
    }
    ;({ dovecot, proxy, engine, stop } = await startLiveScene(timing, { connectionsPerUser: 3 }))
  })
  afterAll(async () => {
    for (const client of others) client.close()
    await stop()
  })
  beforeEach(() => proxy.clear())

  const prepare = (user: string, mails: number): void => {
    dovecot.addUser(user, 'secret')
    for (let n = 1; n <= mails; n++) dovecot.deliver(user, 'INBOX', letter(n))
  }
  const another = async (user: string): Promise<ImapFlow> => {
    const client = await otherProgram(dovecot, user)
    others.push(client)
    return client
  }
  const account = (id: bigint) => engine.store.prisma.account.findUniqueOrThrow({ where: { id } })
  const codeOf = ({ problem }: Awaited<ReturnType<typeof account>>) =>
    typeof problem === 'object' && problem !== null && 'code' in problem ? problem.code : null
  /** The account as it was with that problem: a moment later it may be on its way again. */
  const untilProblem = (id: bigint, code: string | null) =>
    until(
      async () => {
        const row = await account(id)
        return codeOf(row) === code && row
      },
      { what: `problem ${code}` },
    )
  const ready = (accountId: bigint) => engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })

  it('does everything over one connection when the provider allows no second one, and says so', async () => {
    prepare('limited', 6)
    const programs = [await another('limited'), await another('limited')]
    const accountId = await engine.addAccount('limited')
    await until(async () => (await ready(accountId)) === 6, { what: 'bodies over the only connection' })
    expect(await untilProblem(accountId, 'connect.limit')).toMatchObject({ state: 'watching', loginFailures: 0 })
    const [{ messageId } = { messageId: 0n }] = await engine.shown(accountId, 'INBOX')
    const chunks: Uint8Array[] = []
    for await (const chunk of (await createEngine(engine.store).openSource(accountId, messageId)).chunks)
      chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe(letter(1))
    dovecot.deliver('limited', 'INBOX', letter(7))
    await until(async () => (await ready(accountId)) === 7, { what: 'new mail with its body' })
    // The other programs end: more connections are tried again by themselves, and the notice goes.
    for (const client of programs) await client.logout()
    let next = 8
    await until(
      async () => {
        dovecot.deliver('limited', 'INBOX', letter(next++))
        await new Promise((done) => setTimeout(done, 300))
        return codeOf(await account(accountId)) === null
      },
      { what: 'the end of the notice' },
    )
  })

  it('waits for a connection when other programs have them all, without calling it a wrong password', async () => {
    prepare('crowded', 1)
    const programs = [await another('crowded'), await another('crowded'), await another('crowded')]
    const accountId = await engine.addAccount('crowded')
    expect(await untilProblem(accountId, 'connect.limit')).toMatchObject({ state: 'waiting', loginFailures: 0 })
    await programs[0]?.logout()
    await engine.untilState(accountId, 'watching')
  })

  it('tries a refused password that worked before twice more, and nothing else tries it meanwhile', async () => {
    prepare('changed', 1)
    const accountId = await engine.addAccount('changed')
    await until(async () => (await ready(accountId)) === 1, { what: 'the body' })
    const [{ messageId } = { messageId: 0n }] = await engine.shown(accountId, 'INBOX')
    dovecot.addUser('changed', 'another secret')
    dovecot.doveadm('kick', 'changed')
    await until(async () => (await account(accountId)).loginFailures === 1, { what: 'the first refusal' })
    await expect(createEngine(engine.store).openSource(accountId, messageId)).rejects.toMatchObject({
      code: 'message.unavailable',
    })
    await engine.untilState(accountId, 'needs_person')
    expect(codeOf(await account(accountId))).toBe('login.failed')
    expect(dovecot.log().match(/auth failed.*user=<changed>/g)).toHaveLength(3)
  })

  it('goes slower when it is asked to, says so, and brings the rest later', async () => {
    prepare('slower', 3)
    const refusal = proxy.add({
      direction: 'toClient',
      answerTo: /UID FETCH .*BODY\.PEEK\[1\]/,
      act: (line) => `${line.split(' ')[0]} NO [THROTTLED] Slow down, please.`,
      times: 2,
    })
    const accountId = await engine.addAccount('slower', 'secret', proxy.port)
    expect((await untilProblem(accountId, 'connect.throttled')).state).toBe('watching')
    await until(async () => (await ready(accountId)) === 3, { what: 'the bodies' })
    expect(refusal.acted()).toBe(2)
    await untilProblem(accountId, null)
  })

  it('lets an hour-counting provider rest when even the list of mailboxes is refused', async () => {
    prepare('rested', 1)
    const refusal = proxy.add({
      direction: 'toClient',
      answerTo: /^LIST /,
      act: (line) => `${line.split(' ')[0]} BAD Request is throttled. Suggested Backoff Time: 1500 milliseconds`,
      times: 1,
    })
    const accountId = await engine.addAccount('rested', 'secret', proxy.port)
    const { state, retryAt } = await untilProblem(accountId, 'connect.throttled')
    expect([state, retryAt]).toEqual(['waiting', expect.any(Date)])
    await engine.untilState(accountId, 'watching')
    expect(refusal.acted()).toBe(1)
  })

  it('comes back ever more slowly to a server that lets it in and then fails, and counts anew only after a sync', async () => {
    prepare('failing', 1)
    // One of its own: the other accounts must not meet this fault.
    const way = await startFaultProxy(dovecot.imapPort)
    const fault = way.add({ direction: 'toServer', line: / LIST .*RETURN/, act: 'close', times: 1000 })
    const accountId = await engine.addAccount('failing', 'secret', way.port)
    await untilProblem(accountId, 'connect.closed')
    await until(async () => fault.acted() >= 8, { what: 'eight attempts', ms: 40_000 })
    // The longest of the waits so far; were a login enough to count anew, none would exceed the first limit of 20 ms.
    const waits = await engine.store.prisma.$queryRaw<{ ms: number }[]>`
      SELECT max(gap)::float8 AS ms FROM (SELECT extract(epoch FROM at - lag(at) OVER (ORDER BY id)) * 1000 AS gap
        FROM sync_event WHERE account_id = ${accountId} AND kind = 'waiting') AS gaps`
    expect(waits[0]?.ms).toBeGreaterThan(120)
    // Nothing but these attempts; the next one may have begun.
    expect(way.connections().made - fault.acted()).toBeLessThanOrEqual(1)
    fault.remove()
    await engine.untilState(accountId, 'watching')
    await way.stop()
  })

  it('stops fetching texts when the daily amount is used up, says so, and goes on when there is more', async () => {
    prepare('spender', 4)
    const [{ day } = { day: new Date() }] = await engine.store.prisma.$queryRaw<
      { day: Date }[]
    >`SELECT current_date AS day`
    const spent = { dailyByteBudget: 1000n, bytesToday: 1000n, bytesDay: day }
    const accountId = await engine.addAccount('spender', 'secret', undefined, spent)
    await engine.untilState(accountId, 'watching')
    await untilProblem(accountId, 'account.budget_spent')
    expect(await ready(accountId)).toBe(0)
    expect(await engine.shown(accountId, 'INBOX')).toHaveLength(4)
    await engine.store.prisma.account.update({ where: { id: accountId }, data: { dailyByteBudget: null } })
    await createEngine(engine.store).requestSync(accountId)
    await until(async () => (await ready(accountId)) === 4, { what: 'the bodies' })
    await untilProblem(accountId, null)
  })

  it('fetches no more than the daily amount, but for the rest of one mail', async () => {
    const bodyBytes = 600
    dovecot.addUser('thrifty', 'secret')
    for (let n = 0; n < 20; n++)
      dovecot.deliver('thrifty', 'INBOX', `Subject: ${n}\r\n\r\n${'x'.repeat(bodyBytes - 2)}\r\n`)
    const accountId = await engine.addAccount('thrifty', 'secret', undefined, { dailyByteBudget: 4000n })
    await untilProblem(accountId, 'account.budget_spent')
    expect(Number((await account(accountId)).bytesToday)).toBeLessThan(4000 + bodyBytes)
    const there = await engine.store.prisma.message.findMany({ where: { accountId, bodyState: 'ready' } })
    // The newest ones.
    expect(there.map(({ subject }) => Number(subject)).sort((a, b) => a - b)).toEqual([13, 14, 15, 16, 17, 18, 19])
  })
})
