import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openTestSession } from '../support/app-fixture.ts'
import { type OutboxScene, startOutboxScene } from '../support/sending-scene.ts'
import { until } from '../support/until.ts'

const dayMs = 86_400_000

/** What can go wrong while a mail is sent, from REST to the server (docs/faults.md). */
describe('a mail on its way', () => {
  let outbox: OutboxScene
  beforeAll(async () => {
    outbox = await startOutboxScene()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await outbox.stopServers()
  })
  afterAll(() => outbox.stop())

  it('is waited for as long as it is told when its end is not answered, then in doubt, and not sent again', async () => {
    const { server, accountId } = await outbox.scene()
    const engine = outbox.fixture.start()
    let heldAt = 0
    server.holdEnds(() => {
      heldAt = performance.now()
    })
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId))
    await outbox.sender.ends(id, 'in_doubt')
    expect(performance.now() - heldAt).toBeGreaterThan(outbox.fixture.deps.timing.submissionAnswerMs - 100)
    server.holdEnds((answer) => answer())
    const next = await outbox.sender.send(await outbox.sender.write(accountId))
    await outbox.sender.ends(next.id, 'sent')
    expect([(await outbox.sender.state(id)).state, server.mails.length]).toEqual(['in_doubt', 2])
    await engine.stop()
  })

  it('that can be taken back for a while waits so long, though the clock of our process is wrong by a day', async () => {
    const { server, accountId } = await outbox.scene()
    await outbox.fixture.store.prisma.session.updateMany({ data: { expiresAt: new Date(Date.now() + 9 * dayMs) } })
    const engine = outbox.fixture.start()
    for (const days of [1, -1]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * dayMs })
      const before = server.mails.length
      const startedAt = performance.now()
      const { id, body } = await outbox.sender.send(await outbox.sender.write(accountId), { holdSeconds: 1 })
      expect(body).toMatchObject({ state: 'scheduled', canCancel: true })
      await outbox.sender.ends(id, 'sent')
      expect(performance.now() - startedAt).toBeGreaterThan(2900)
      await until(async () => (await outbox.sender.state(id)).sentCopy === 'stored', { what: 'a copy in Sent' })
      expect(server.mails.length - before).toBe(1)
      vi.useRealTimers()
    }
    await engine.stop()
  })

  it('takes no file that its server would not take: that is said before an octet of it has come', async () => {
    const { accountId } = await outbox.scene()
    const { store, userId } = outbox.fixture
    await store.prisma.account.update({ where: { id: accountId }, data: { maxMessageBytes: 8_000_000n } })
    const draftId = await outbox.sender.write(accountId)
    const cookie = await openTestSession(store, userId)
    const address = new URL(await outbox.sender.app.listen({ host: '127.0.0.1', port: 0 }))
    const path = `/v1/drafts/${draftId}/attachments?id=${randomUUID()}&name=film.bin&type=application/octet-stream`
    const length = { 'content-type': 'application/octet-stream', 'content-length': 50_000_000 }
    const headers = { cookie, 'x-postern': '1', ...length }
    const upload = request({ host: address.hostname, port: address.port, method: 'POST', path, headers, agent: false })
    upload.flushHeaders()
    const [answer] = (await once(upload, 'response')) as [IncomingMessage] // what this event brings
    expect(answer.statusCode).toBe(413)
    upload.destroy()
    const draft = await outbox.sender.ask('GET', `/drafts/${draftId}`)
    expect(draft).toMatchObject({ status: 200, body: { content: { subject: 'hello' }, attachments: [] } })
  })
})
