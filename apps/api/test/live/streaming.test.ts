import { randomBytes } from 'node:crypto'
import type { MessageBody } from '@postern/shared/messages.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { until } from '../support/until.ts'

describe('a large attachment', () => {
  let scene: LiveScene
  let app: FastifyInstance
  let base = ''
  let cookie = ''
  beforeAll(async () => {
    scene = await startLiveScene()
    app = await buildTestApp({ store: scene.engine.store })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const address = app.server.address()
    base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    cookie = await openTestSession(scene.engine.store, scene.engine.userId)
  })
  afterAll(async () => {
    await app?.close()
    await scene?.stop()
  })

  it('begins to arrive while most of it is still at the mail server, and is the same to the last byte', async () => {
    const { dovecot, proxy, engine } = scene
    const file = randomBytes(2 * 1024 * 1024)
    const lines = file.toString('base64').replace(/.{76}/g, '$&\r\n')
    dovecot.addUser('sender', 'secret')
    dovecot.deliver(
      'sender',
      'INBOX',
      `Subject: Large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n--b\r\nContent-Type: application/octet-stream; name=large.bin\r\nContent-Disposition: attachment; filename=large.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines}\r\n--b--\r\n`,
    )
    const accountId = await engine.addAccount('sender', 'secret', proxy.port)
    const { id } = await until(
      () => engine.store.prisma.message.findFirst({ where: { accountId, bodyState: 'ready' } }),
      { what: 'the text' },
    )
    const get = (path: string) => fetch(`${base}/v1/messages/${id}/${path}`, { headers: { cookie } })
    const { parts } = (await (await get('body')).json()) as MessageBody // by the contract
    expect(parts.map(({ filename }) => filename)).toEqual(['large.bin'])
    const passed = () => proxy.said('toClient').length
    const before = passed()
    proxy.throttle('toClient', 1_000_000)
    const answer = await get(`parts/${parts[0]?.id}`)
    const chunks: Uint8Array[] = []
    let passedAtFirst = 0
    for await (const chunk of answer.body ?? []) {
      if (chunks.push(chunk) > 1) continue
      passedAtFirst = passed() - before
      proxy.clear()
    }
    expect(Buffer.concat(chunks).equals(file)).toBe(true)
    expect(passedAtFirst).toBeGreaterThan(0)
    expect(passedAtFirst).toBeLessThan(lines.length / 2)
  })
})
