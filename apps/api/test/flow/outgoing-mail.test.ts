import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { engineChannel, restartNotice } from '#store/notify.ts'
import { makeCertificate } from '../support/certificates.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { queueMail } from '../support/queued-mail.ts'
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts'
import { until } from '../support/until.ts'

/** The real engine and a submission server; the incoming server cannot be reached, and need not be. */
describe('the mail of an account on its way out', () => {
  let dir: string
  let fixture: EngineFixture
  const servers: ScriptedSmtp[] = []
  let accounts = 0
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'postern-sending-'))
    fixture = await startEngineFixture(
      { certificate: makeCertificate(dir), imapsPort: 1 },
      { submissionConnectMs: 60_000, submissionAnswerMs: 6000, submissionKeepMs: 500 },
    )
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop()
  })
  afterAll(async () => {
    await fixture.stop()
    rmSync(dir, { recursive: true })
  })

  const startAnother = async (script?: SmtpScript, extensions?: string[]) => {
    const server = await startScriptedSmtp(script, extensions)
    servers.push(server)
    return server
  }
  const scene = async (script?: SmtpScript, security: 'plain' | 'tls' = 'plain', extensions?: string[]) => {
    const { store, userId, addMaildrop } = fixture
    const server = await startAnother(script, extensions)
    const accountId = await addMaildrop(`ann${++accounts}`, 9)
    const outgoing = {
      host: 'localhost',
      port: server.port,
      security,
      username: 'ann',
      pinnedFingerprint: null,
    }
    await store.prisma.account.update({ where: { id: accountId }, data: { outgoing } })
    const queue = async (notBefore?: Date, by = store) => {
      const id = randomUUID()
      await queueMail(by, { userId, accountId }, { id, to: ['bob@example.org'], ...(notBefore ? { notBefore } : {}) })
      return id
    }
    const state = async (id: string) =>
      (await store.prisma.submissionBatch.findUniqueOrThrow({ where: { submissionId_n: { submissionId: id, n: 0 } } }))
        .state
    const ends = (id: string, as: string) =>
      until(async () => (await state(id)) === as, { what: `a mail that is ${as}` })
    return { server, accountId, queue, state, ends }
  }

  it('is sent as it comes, over one session, though the incoming server is away', async () => {
    const { server, queue, ends } = await scene()
    const engine = fixture.start()
    for (const id of [await queue(), await queue()]) await ends(id, 'sent')
    await ends(await queue(), 'sent')
    expect([server.mails.length, server.sessions()]).toEqual([3, 1])
    await engine.stop()
  })

  it('is found within seconds when whoever accepted it died before it could tell', async () => {
    const { server, queue, state, ends } = await scene()
    const engine = fixture.start()
    await ends(await queue(), 'sent')
    // The sender has nothing to do any more, and sleeps.
    await until(async () => server.written.some((line) => line.startsWith('QUIT')), { what: 'the end of the session' })
    const { store } = fixture
    const silent = { ...store, notifier: { ...store.notifier, notify: () => undefined } }
    const id = await queue(undefined, silent)
    await until(async () => (await state(id)) === 'sent', { ms: 20_000, what: 'a mail nobody told of' })
    await engine.stop()
  })

  it('goes by a server that ends the session when it is asked how much it takes, which it is once', async () => {
    const greeted = new Set<number>()
    const script: SmtpScript = (step, _argument, session) => {
      if (step !== 'ehlo' || !greeted.has(session)) return void (step === 'ehlo' && greeted.add(session))
      return 'cut'
    }
    const { server, queue, ends } = await scene(script, 'plain', ['PIPELINING'])
    const engine = fixture.start()
    await ends(await queue(), 'sent')
    expect(server.sessions()).toBe(2)
    // That session has gone by now.
    await until(async () => server.written.some((line) => line.startsWith('QUIT')), { what: 'the end of the session' })
    await ends(await queue(), 'sent')
    expect([server.mails.length, server.sessions()]).toEqual([2, 3])
    await engine.stop()
  })

  it('waits for its time, also over a restart', async () => {
    const { server, queue, ends } = await scene()
    const first = fixture.start()
    const due = new Date(Date.now() + 1500)
    const id = await queue(due)
    await first.stop()
    const second = fixture.start()
    await ends(id, 'sent')
    expect(Date.now()).toBeGreaterThanOrEqual(due.getTime())
    expect(server.mails.length).toBe(1)
    await second.stop()
  })

  it('is parked when the login is refused, asked once only, and goes when that is mended', async () => {
    let logins = 0
    let isRefused = true
    const { server, accountId, queue, state, ends } = await scene((step) => {
      if (step !== 'auth') return undefined
      logins++
      return isRefused ? { reply: '535 5.7.8 no' } : undefined
    })
    const engine = fixture.start()
    const [one, two] = [await queue(), await queue()]
    await ends(one, 'deferred')
    expect([logins, await state(two)]).toEqual([1, 'queued'])
    isRefused = false
    fixture.store.notifier.notify(engineChannel, restartNotice(accountId))
    for (const id of [one, two]) await ends(id, 'sent')
    expect([logins, server.mails.length]).toEqual([2, 2])
    await engine.stop()
  })

  it('waits as a whole where nobody can be let in for now, asked once for all of it, and nobody is called for', async () => {
    let logins = 0
    const { accountId, queue, state, ends } = await scene((step) => {
      if (step !== 'auth') return undefined
      logins++
      return { reply: '454 4.7.0 not now' }
    })
    const other = await scene()
    const ids = [await queue(), await queue(), await queue()]
    const engine = fixture.start()
    await ends(ids[0] ?? '', 'deferred')
    await other.ends(await other.queue(), 'sent')
    expect([logins, ...(await Promise.all(ids.map(state)))]).toEqual([1, 'deferred', 'queued', 'queued'])
    const { problem } = await fixture.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    expect(JSON.stringify(problem)).not.toContain('454')
    await engine.stop()
  })

  it('does not keep the engine from ending while its server is being connected to, and goes with the next one', async () => {
    // Which takes a minute at a server that does not go on with TLS.
    const { server, accountId, queue, state, ends } = await scene(() => 'silent', 'tls')
    const first = fixture.start()
    const id = await queue()
    await until(async () => server.sessions() === 1, { what: 'a connection' })
    let isOver = false
    const stopping = first.stop().then(() => {
      isOver = true
    })
    await until(async () => isOver, { what: 'the end of the engine' })
    await stopping
    // No failed attempt, after which it would wait.
    expect(await state(id)).toBe('leased')
    const { port } = await startAnother()
    await fixture.store.prisma
      .$executeRaw`UPDATE account SET outgoing = outgoing || ${JSON.stringify({ port, security: 'plain' })}::jsonb WHERE id = ${accountId}`
    const second = fixture.start()
    await ends(id, 'sent')
    await second.stop()
  })

  it('is not left alone by its session, however long its server takes', async () => {
    const { server, queue, ends } = await scene()
    // Longer than a session is kept, and than it is given to say good-bye.
    server.holdEnds((answer) => void setTimeout(answer, 4200))
    const engine = fixture.start()
    await ends(await queue(), 'sent')
    expect(server.mails.length).toBe(1)
    await engine.stop()
  })

  it('has the answer it waits for, though the engine is stopped', async () => {
    const { server, queue, state } = await scene()
    const engine = fixture.start()
    const answers: (() => void)[] = []
    server.holdEnds((answer) => void answers.push(answer))
    const id = await queue()
    await until(async () => answers.length === 1, { what: 'the end of the mail' })
    const stopped = engine.stop()
    setTimeout(() => answers[0]?.(), 500)
    await stopped
    expect(await state(id)).toBe('sent')
  })

  it('that was under way when the engine ended is in doubt where its end had left, and is not sent again', async () => {
    const { server, queue, ends } = await scene((step, _, session) =>
      step === 'end' && session === 1 ? 'silent' : undefined,
    )
    const first = fixture.start()
    const id = await queue()
    await until(async () => server.mails.length === 1, { what: 'the end of the mail' })
    await first.stop()
    const second = fixture.start()
    await ends(id, 'in_doubt')
    const next = await queue()
    await ends(next, 'sent')
    expect(server.mails.length).toBe(2)
    await second.stop()
  })
})
