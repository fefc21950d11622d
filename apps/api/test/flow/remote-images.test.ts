import '../support/sender-network.ts'
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { accountSettings } from '@postern/shared/accounts.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** A sender's server at a public name (support/sender-network.ts), asked by nobody but us. */
describe('remote images through the proxy', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance
  let sender: Server
  let port = 0
  let messageId = ''
  let [owner, other] = ['', '']
  const asked: { path: string; headers: IncomingHttpHeaders }[] = []
  let slowEnded: Promise<unknown> = Promise.resolve()

  beforeAll(async () => {
    sender = createServer((request, response) => {
      const path = request.url ?? ''
      asked.push({ path, headers: request.headers })
      const redirect = (location: string) => response.writeHead(302, { location }).end()
      // What it says about the type is never believed.
      const send = (body: Buffer | string, type = 'text/html') =>
        response.writeHead(200, { 'content-type': type, 'set-cookie': 'a=b' }).end(body)
      if (path === '/picture') return send(png)
      if (path === '/svg') return send('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 'image/svg+xml')
      if (path === '/html') return send('<script>alert(1)</script>', 'image/png')
      if (path === '/missing') return response.writeHead(404, { 'content-type': 'image/png' }).end(png)
      if (path === '/moved') return redirect('/picture')
      if (path === '/inside') return redirect(`http://127.0.0.1:${port}/secret`)
      if (path === '/inside-by-name') return redirect(`http://localhost:${port}/secret`)
      if (path === '/file') return redirect('file:///etc/passwd')
      if (path === '/round') return redirect('/round')
      if (path === '/large') {
        response.writeHead(200)
        response.write(png)
        const more = Buffer.alloc(1024 * 1024)
        const fill = () => {
          while (!response.destroyed && response.write(more));
        }
        response.on('drain', fill)
        return fill()
      }
      if (path === '/slow') {
        response.writeHead(200).write(png)
        const drip = setInterval(() => response.write('x'), 100)
        slowEnded = new Promise((done) => response.on('close', done)).then(() => clearInterval(drip))
        return
      }
      return send('secret')
    })
    await new Promise<void>((done) => sender.listen(0, '127.0.0.1', done))
    const address = sender.address()
    port = typeof address === 'object' && address ? address.port : 0
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 4 })
    app = await buildTestApp({ store })
    owner = await addPerson('owner')
    other = await addPerson('member')
  })
  afterAll(async () => {
    await app?.close()
    await store?.close()
    await database?.drop()
    sender.closeAllConnections()
    await new Promise((done) => sender.close(done))
  })

  /** Somebody with a session; the owner has an account with one mail. */
  const addPerson = async (role: 'owner' | 'member'): Promise<string> => {
    const user = await store.prisma.appUser.create({
      data: { address: `${role}@example.org`, name: role, role, passwordHash: '-' },
    })
    await store.prisma.stream.create({ data: { userId: user.id } })
    if (role === 'owner') messageId = String(await plantMessage(user.id))
    return openTestSession(store, user.id)
  }
  const plantMessage = async (userId: bigint): Promise<bigint> => {
    const account = await commit(store, { kind: 'user', userId }, (unit) =>
      createAccount(unit, {
        userId,
        settings: accountSettings.parse({
          address: 'owner@example.org',
          incoming: { host: 'mail.example.org', port: 993, security: 'tls', username: 'o' },
        }),
        password: 'x',
        outgoingPassword: null,
        masterKey: randomBytes(32),
        isPrivateHost: false,
      }),
    )
    const accountId = account ?? 0n
    const thread = await store.prisma.thread.create({ data: { accountId } })
    const people = { fromAddresses: [], replyTo: [], toAddresses: [], cc: [], bcc: [] }
    const message = await store.prisma.message.create({
      data: {
        accountId,
        threadId: thread.id,
        identityKey: randomUUID(),
        subject: '',
        ...people,
        receivedAt: new Date(),
        sizeBytes: 1n,
      },
    })
    return message.id
  }

  const send = (method: 'GET' | 'POST', url: string, cookie: string, payload?: object) =>
    app.inject({
      method,
      url,
      headers: { host: 'localhost', cookie, ...(method === 'POST' ? { 'x-postern': '1' } : {}) },
      ...(payload ? { payload } : {}),
    })
  const linkTo = async (url: string): Promise<string> => {
    const answer = await send('POST', `/v1/messages/${messageId}/remote-images`, owner, { urls: [url] })
    expect(answer.statusCode).toBe(200)
    return answer.json().links[url]
  }
  const at = (path: string) => `http://sender.example:${port}${path}`
  const fetchThrough = async (url: string, cookie = owner) => send('GET', await linkTo(url), cookie)

  it('hands out a picture by what its bytes are, sealed, and asks without saying who', async () => {
    const answer = await fetchThrough(at('/picture'))
    expect([answer.statusCode, answer.rawPayload.equals(png)]).toEqual([200, true])
    expect(answer.headers).toMatchObject({
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'cross-origin-resource-policy': 'same-origin',
    })
    expect(answer.headers['set-cookie']).toBeUndefined()
    const headers: IncomingHttpHeaders = asked.at(-1)?.headers ?? {}
    expect(headers['user-agent']).toBe('Postern')
    for (const name of ['cookie', 'referer', 'origin', 'x-forwarded-for', 'accept-language'])
      expect(headers[name]).toBeUndefined()
    expect((await fetchThrough(at('/moved'))).rawPayload.equals(png)).toBe(true)
  })

  it.each(['/svg', '/html', '/missing', '/round', '/file', '/large'])('refuses %s', async (path) => {
    const answer = await fetchThrough(at(path))
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.headers['content-type']).toContain('application/json')
    expect(answer.body).not.toMatch(/<svg|<script|secret/)
  })

  it.each(['/inside', '/inside-by-name'])('does not follow %s', async (path) => {
    const before = asked.length
    const answer = await fetchThrough(at(path))
    expect([answer.statusCode >= 400, answer.json().error.code]).toEqual([true, 'account.address_denied'])
    expect(asked.slice(before).map((one) => one.path)).toEqual([path])
  })

  it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433'])(
    'never asks %s, even for the owner',
    async (host) => {
      const before = asked.length
      expect((await fetchThrough(`http://${host}:${port}/secret`)).statusCode).toBeGreaterThanOrEqual(400)
      expect(asked.length).toBe(before)
    },
  )

  it('ends what takes longer than ten seconds', async () => {
    const answer = await fetchThrough(at('/slow'))
    expect(answer.json().error.code).toBe('remote_content.unavailable')
    await slowEnded
  })

  it("is nobody else's proxy", async () => {
    const link = new URL(await linkTo(at('/picture')), 'http://localhost')
    const changed = (name: string, value: string) => {
      const copy = new URL(link)
      copy.searchParams.set(name, value)
      return `${copy.pathname}${copy.search}`
    }
    const before = asked.length
    const path = `${link.pathname}${link.search}`
    for (const [url, cookie] of [
      [path, other],
      [changed('url', at('/html')), owner],
      [changed('message', '999'), owner],
      [changed('signature', 'x'.repeat(43)), owner],
      [changed('signature', ''), owner],
    ] as const)
      expect([url, (await send('GET', url, cookie)).statusCode]).toEqual([url, 403])
    expect((await send('GET', path, '')).statusCode).toBe(401)
    expect(
      (await send('POST', `/v1/messages/${messageId}/remote-images`, other, { urls: [at('/picture')] })).statusCode,
    ).toBe(404)
    expect(asked.length).toBe(before)
  })
})
