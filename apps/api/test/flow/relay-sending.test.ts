import { changesReply } from '@postern/shared/changes.ts'
import type { RelayPut } from '@postern/shared/relay.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Supervisor } from '#engine/supervisor.ts'
import { systemClock } from '#platform/clock.ts'
import { engineChannel, relayNotice } from '#store/notify.ts'
import { allowPlain, type Person, relayAt, startPerson } from '../support/relay-owner.ts'
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts'
import { type OutboxScene, startOutboxScene } from '../support/sending-scene.ts'
import { until } from '../support/until.ts'

/** The real engine, accounts that send by the owner's relay, and servers that are one after the other. */
describe('mail that goes by the relay', () => {
  let outbox: OutboxScene
  let engine: Supervisor
  let owner: Person
  let app: FastifyInstance
  const servers: ScriptedSmtp[] = []
  let accounts = 0
  let wrongByMs = 0
  beforeAll(async () => {
    outbox = await startOutboxScene()
    const { store, userId, deps } = outbox.fixture
    const person = await startPerson(store, { userId, masterKey: deps.masterKey })
    owner = person.ask
    app = person.app
    deps.clock = { ...systemClock, now: () => new Date(Date.now() + wrongByMs) }
    engine = outbox.fixture.start()
  })
  beforeEach(async () => {
    await owner('DELETE', '/owner/relay')
  })
  afterAll(async () => {
    await engine.stop()
    await app.close()
    for (const server of servers) await server.stop()
    await outbox.stop()
  })

  const startRelay = async (script?: SmtpScript): Promise<ScriptedSmtp> => {
    const server = await startScriptedSmtp(script)
    servers.push(server)
    await allowPlain(
      outbox.fixture.store,
      servers.map(({ port }) => port),
    )
    return server
  }
  const set = async (server: ScriptedSmtp, more: Partial<RelayPut> = {}) =>
    expect((await owner('PUT', '/owner/relay', relayAt(server, more))).status).toBe(200)
  const addAccount = async (): Promise<bigint> => {
    const { fixture } = outbox
    const id = await fixture.addMaildrop(`rob${++accounts}`, 9)
    await fixture.store.prisma.account.update({ where: { id }, data: { usesRelay: true } })
    return id
  }
  const send = async (accountId: bigint): Promise<string> => {
    const { sender } = outbox
    const { status, id } = await sender.send(await sender.write(accountId))
    expect(status).toBe(200)
    return id
  }
  const problemOf = async (id: string) => (await outbox.sender.state(id)).problem?.code
  const changesOf = async (accountId: bigint, since = '0') =>
    changesReply.parse(
      (await outbox.sender.ask('GET', `/changes?stream=account:${accountId}&since=${since}&limit=1000`)).body,
    ).batch
  const isRefusedToOwner = async () => (await owner('GET', '/session')).body.isRelayRefused

  it('goes with the login of the relay, as its sender, and is kept in Sent of its account', async () => {
    const logins: string[] = []
    const relay = await startRelay((step, argument) => {
      if (step === 'auth') logins.push(Buffer.from(argument.split(' ')[1] ?? '', 'base64').toString())
      return undefined
    })
    await set(relay)
    logins.length = 0
    const accountId = await addAccount()
    await outbox.sender.ends(await send(accountId), 'sent')
    expect(logins.map((login) => login.split('\0')[1])).toEqual(['relay-login'])
    expect(relay.mails).toMatchObject([{ from: `rob${accounts}@example.org`, to: ['bob@example.org'] }])
    await until(async () => (await outbox.sentCopies(accountId)).length === 1, { what: 'the copy in Sent' })
  })

  it('goes without a login by a relay that trusts by address', async () => {
    let logins = 0
    const relay = await startRelay((step) => {
      if (step === 'auth') logins++
      return undefined
    })
    const { outgoing, password: _, ...rules } = relayAt(relay)
    const trusting = { ...rules, outgoing: { ...outgoing, username: '' } }
    expect((await owner('PUT', '/owner/relay', trusting)).status).toBe(200)
    await outbox.sender.ends(await send(await addAccount()), 'sent')
    expect([relay.mails.length, logins]).toEqual([1, 0])
  })

  it('waits while there is none, and goes by the next one, though a session at the last is open', async () => {
    const [first, second] = [await startRelay(), await startRelay()]
    await set(first)
    const accountId = await addAccount()
    await outbox.sender.ends(await send(accountId), 'sent')
    const { sender } = outbox
    const { id } = await sender.send(await sender.write(accountId), { holdSeconds: 1 })
    await owner('DELETE', '/owner/relay')
    await sender.ends(id, 'deferred')
    const parked = await outbox.sender.state(id)
    expect([parked.problem?.code, parked.nextAttemptAt]).toEqual(['relay.missing', null])
    const late = await sender.send(await sender.write(accountId))
    expect(late.body).toMatchObject({ error: { message: expect.stringMatching(/relay .* is not there any more/) } })
    await set(second)
    await sender.ends(id, 'sent')
    expect([first.mails.length, second.mails.length]).toEqual([1, 1])
    // And at once by another one in its place.
    await set(first)
    await sender.ends(await send(accountId), 'sent')
    expect([first.mails.length, second.mails.length]).toEqual([2, 1])
  })

  it('is parked in all accounts by one refused login; the owner is told, and what they mend lets it go', async () => {
    let isRefused = false
    let logins = 0
    const relay = await startRelay((step) => {
      if (step !== 'auth') return undefined
      logins++
      return isRefused ? { reply: '535 5.7.8 relay.internal says no' } : undefined
    })
    await set(relay)
    isRefused = true
    logins = 0
    const [one, two] = [await addAccount(), await addAccount()]
    const ids = [await send(one)]
    await outbox.sender.ends(ids[0] ?? '', 'deferred')
    // For an hour, whatever the clock of a process says.
    wrongByMs = 24 * 3_600_000
    ids.push(await send(two))
    await outbox.sender.ends(ids[1] ?? '', 'deferred')
    wrongByMs = 0
    expect([logins, await problemOf(ids[1] ?? '')]).toEqual([1, 'relay.refused'])
    expect(JSON.stringify(await outbox.sender.state(ids[0] ?? ''))).not.toContain('relay.internal')
    expect(await isRefusedToOwner()).toBe(true)
    const { body } = await owner('GET', '/owner/relay')
    expect(body.relay).toMatchObject({
      waiting: 2,
      problem: { code: 'login.failed', serverText: expect.stringContaining('relay.internal') },
    })
    isRefused = false
    await set(relay)
    for (const id of ids) await outbox.sender.ends(id, 'sent')
    expect(await isRefusedToOwner()).toBe(false)
  })

  it('that lets nobody in is asked again by one account after an hour, and all go when it lets that one in', async () => {
    let isRefused = true
    let logins = 0
    const relay = await startRelay((step) => {
      if (step !== 'auth') return undefined
      logins++
      return isRefused ? { reply: '535 5.7.8 no' } : undefined
    })
    isRefused = false
    await set(relay)
    isRefused = true
    logins = 0
    const ids = [await send(await addAccount())]
    await outbox.sender.ends(ids[0] ?? '', 'deferred')
    ids.push(await send(await addAccount()), await send(await addAccount()))
    for (const id of ids) await outbox.sender.ends(id, 'deferred')
    const { store } = outbox.fixture
    const long = '2020-01-01T00:00:00.000Z'
    const passHour = async () => {
      await store.prisma.$executeRaw`UPDATE relay SET problem = problem || jsonb_build_object('since', ${long}::text)`
      await store.prisma
        .$executeRaw`UPDATE submission_batch SET due_at = now() WHERE error_code = 'relay.refused' AND state = 'deferred'`
      store.notifier.notify(engineChannel, relayNotice)
    }
    await passHour()
    await until(async () => logins === 2, { what: 'somebody who tries again' })
    const since = async () => {
      const [row] = await store.prisma.$queryRaw<{ since: string }[]>`SELECT problem ->> 'since' AS since FROM relay`
      return Date.parse(row?.since ?? '')
    }
    await until(async () => (await since()) > Date.now() - 60_000, { what: 'what came of it' })
    isRefused = false
    await passHour()
    for (const id of ids) await outbox.sender.ends(id, 'sent')
    // One at first, one after an hour, and each once it was let in.
    expect([logins, await isRefusedToOwner()]).toEqual([5, false])
  })

  it('waits for its turn where mails are counted, and for a relay that carries its sender', async () => {
    const relay = await startRelay()
    await set(relay, { mailsPerHour: 1 })
    const [one, two] = [await addAccount(), await addAccount()]
    const first = await send(one)
    await outbox.sender.ends(first, 'sent')
    const second = await send(two)
    await outbox.sender.ends(second, 'deferred')
    const { problem, attempts, nextAttemptAt } = await outbox.sender.state(second)
    expect([problem?.code, attempts]).toEqual(['relay.limit', 0])
    expect(Date.parse(nextAttemptAt ?? '') - Date.now()).toBeGreaterThan(50 * 60_000)
    // Those behind it are left alone; tried again, it says why it waits on.
    const third = await send(two)
    const { seq } = await changesOf(two)
    expect((await owner('POST', `/submissions/${second}/retry`)).status).toBe(200)
    await outbox.sender.ends(second, 'deferred')
    const behind = await outbox.sender.state(third)
    expect([await problemOf(second), behind.state, behind.problem?.code]).toEqual([
      'relay.limit',
      'queued',
      'relay.limit',
    ])
    // For the same reason, and as long.
    expect(behind.nextAttemptAt).toEqual((await outbox.sender.state(second)).nextAttemptAt)
    // Every screen was told, though nothing of its own has changed.
    expect((await changesOf(two, seq)).changes).toContainEqual({ kind: 'submission', submission: behind })
    // What stops none but itself says nothing of the others, though it is the last word.
    const { store } = outbox.fixture
    const odd = await send(two)
    await store.prisma.submissionBatch.updateMany({
      where: { submissionId: odd },
      data: {
        state: 'deferred',
        errorCode: 'tls.handshake',
        changedAt: new Date(),
        dueAt: new Date(Date.now() + 86_400_000),
      },
    })
    expect(await problemOf(third)).toBe('relay.limit')
    expect((await owner('POST', `/submissions/${odd}/cancel`)).status).toBe(200)
    // Taken back, the one ahead leaves its word to the next.
    const fourth = await send(two)
    expect((await owner('POST', `/submissions/${second}/cancel`)).status).toBe(200)
    await outbox.sender.ends(third, 'deferred')
    expect([await problemOf(third), await problemOf(fourth)]).toEqual(['relay.limit', 'relay.limit'])
    await set(relay, { domains: ['else.example'], carriesOthers: false })
    await until(async () => (await problemOf(third)) === 'relay.sender', { what: 'a sender that is not carried' })
    expect(relay.mails).toHaveLength(1)
    await set(relay)
    for (const id of [third, fourth]) await outbox.sender.ends(id, 'sent')
  })

  it('does not keep a session open by what waits for its turn', async () => {
    const { deps } = outbox.fixture
    const { timing } = deps
    let quits = 0
    const relay = await startRelay((step) => {
      if (step === 'quit') quits++
      return undefined
    })
    await set(relay, { mailsPerHour: 1 })
    quits = 0
    deps.timing = { ...timing, submissionKeepMs: 300 }
    const answers: (() => void)[] = []
    relay.holdEnds((answer) => void answers.push(answer))
    await outbox.fixture.store.prisma.relayTurn.deleteMany()
    const accountId = await addAccount()
    const first = await send(accountId)
    await until(async () => answers.length === 1, { what: 'the end of the first mail' })
    const second = await send(accountId)
    answers[0]?.()
    await outbox.sender.ends(first, 'sent')
    await outbox.sender.ends(second, 'deferred')
    await until(async () => quits === 1, { what: 'the end of the session' })
    deps.timing = timing
  })
})
