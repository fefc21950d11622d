import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { systemClock } from '#platform/clock.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type ScriptedImap, startScriptedImap } from '../support/scripted-imap.ts'

const size = 200_000_000

describe('the session for what people wait for', () => {
  let engine: EngineFixture
  let server: ScriptedImap
  const isLeaving = Promise.withResolvers<void>()
  let passedMs = 0
  beforeAll(async () => {
    // A server that takes leave slowly: whoever comes meanwhile meets a session that is no use any more.
    server = await startScriptedImap({
      on: {
        LOGOUT: () => isLeaving.resolve(),
        FETCH: (socket, tag, args) => {
          if (args.includes('BODY')) socket.write(`* 1 FETCH (UID 1 RFC822.SIZE ${size} BODY[]<0> {5}\r\nhello)\r\n`)
          socket.write(`${tag} OK x\r\n`)
        },
      },
    })
    engine = await startEngineFixture({ certificate: '', imapsPort: 0 })
    engine.deps.clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs }
  })
  afterAll(async () => {
    await engine.stop()
    await server.stop()
  })

  const plantMail = async (accountId: bigint): Promise<bigint> => {
    const { prisma } = engine.store
    const thread = await prisma.thread.create({ data: { accountId } })
    const people = { fromAddresses: [], replyTo: [], toAddresses: [], cc: [], bcc: [] }
    const facts = { accountId, threadId: thread.id, receivedAt: new Date() }
    const { id } = await prisma.message.create({
      data: { ...facts, ...people, subject: 'Large', sizeBytes: BigInt(size), identityKey: randomUUID() },
    })
    const mailboxId = await engine.mailboxId(accountId, 'INBOX')
    await prisma.placement.create({ data: { ...facts, mailboxId, messageId: id, uid: 1n } })
    return id
  }

  it('refuses what is too large, instead of passing its beginning off as the whole', async () => {
    engine.start()
    const accountId = await engine.addAccount('large', 'secret', server.port)
    await engine.untilState(accountId, 'watching')
    const messageId = await plantMail(accountId)
    await expect(createEngine(engine.store).openSource(accountId, messageId)).rejects.toMatchObject({
      code: 'message.too_large',
      message: expect.stringContaining('128 MB'),
    })
  })

  it('serves who comes while it is being closed', async () => {
    const accountId = await engine.addAccount('u', 'secret', server.port)
    await engine.untilState(accountId, 'watching')
    const api = createEngine(engine.store)
    await expect(api.openBody(accountId, 998n)).rejects.toMatchObject({ code: 'message.gone' })
    passedMs = 61_000
    await api.focus(accountId, 'a screen', [999n])
    await api.focus(accountId, 'a screen', [])
    await isLeaving.promise
    await expect(api.openBody(accountId, 999n)).rejects.toMatchObject({ code: 'message.gone' })
  }, 60_000)
})
