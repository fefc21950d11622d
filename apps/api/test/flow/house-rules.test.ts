import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RestName, type RestOperation, rest } from '@postern/shared/rest.ts'
import type { FastifyInstance } from 'fastify'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renewSetupCode } from '#auth/setup-code.ts'
import { createLogger } from '#platform/logger.ts'
import { openCredential } from '#store/account-credentials.ts'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { madeByClients } from '../../src/features/rest-route.ts'
import { buildTestApp } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { until } from '../support/until.ts'
import { validBodies, validQueries } from '../support/valid-bodies.ts'

const password = 'four unrelated words: lantern orbit'
const canary = 'canary-7f3a91-violet'
const names = Object.keys(rest) as RestName[] // keys of the table

/** Who gets in, from where, and what never gets out. */
describe('the rules of the house', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance
  let base = ''
  let owner = ''
  let member = ''
  let printed = ''
  const masterKey = randomBytes(32)
  const metricsToken = 'metrics-9b1c-for-prometheus'
  const webDir = mkdtempSync(join(tmpdir(), 'postern-web-'))
  const servers: Server[] = []

  const build = (trustProxy: string[]): Promise<FastifyInstance> =>
    buildTestApp({
      store,
      logger: createLogger({
        level: 'debug',
        destination: {
          write: (line: string) => {
            printed += line
          },
        },
      }),
      masterKey,
      publicUrl: new URL('https://mail.example.org'),
      trustProxy,
      webDir,
      metricsToken,
    })
  type Sent = { body?: unknown; cookie?: string; headers?: Record<string, string>; to?: FastifyInstance; from?: string }
  const send = (method: string, url: string, { body, cookie = '', headers = {}, to = app, from }: Sent = {}) =>
    to.inject({
      method: method as 'GET', // any method Fastify knows
      url,
      ...(from === undefined ? {} : { remoteAddress: from }),
      headers: { host: 'localhost', 'x-postern': '1', ...(cookie ? { cookie } : {}), ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    })
  const cookieOf = (response: Awaited<ReturnType<typeof send>>) => {
    expect(response.statusCode).toBe(200)
    return `${response.cookies[0]?.name}=${response.cookies[0]?.value}`
  }
  const signIn = async (address: string) => cookieOf(await send('POST', '/v1/session', { body: { address, password } }))

  beforeAll(async () => {
    writeFileSync(
      join(webDir, 'index.html'),
      '<!doctype html><html><head><script>1</script></head><body></body></html>',
    )
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 6 })
    app = await build([])
    await app.listen({ host: '127.0.0.1', port: 0 })
    const address = app.server.address()
    base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  })
  afterAll(async () => {
    for (const server of servers) server.close()
    await app.close()
    await store.close()
    await database.drop()
    rmSync(webDir, { recursive: true })
  })

  it('nobody becomes the owner without the printed code, and nobody becomes it twice', async () => {
    const person = { name: 'Owner', address: 'owner@example.org', password }
    const old = await renewSetupCode(store)
    const code = await renewSetupCode(store)
    for (const wrong of [undefined, '', 'x'.repeat(24), old])
      expect((await send('POST', '/v1/setup', { body: { ...person, code: wrong } })).statusCode).not.toBe(200)
    expect(await store.prisma.appUser.count()).toBe(0)
    owner = cookieOf(await send('POST', '/v1/setup', { body: { ...person, code } }))
    const again = await send('POST', '/v1/setup', { body: { ...person, address: 'second@example.org', code } })
    expect(again.json().error.code).toBe('auth.setup_done')
    expect(await renewSetupCode(store)).toBeNull()
    const { link } = (await send('POST', '/v1/invitations', { body: {}, cookie: owner })).json()
    const invited = { token: String(link).split('token=')[1], name: 'Member', address: 'member@example.org', password }
    member = cookieOf(await send('POST', '/v1/invitations/accept', { body: invited }))
    expect((await send('POST', '/v1/invitations/accept', { body: invited })).json().error.code).toBe('auth.invitation')
  })

  it('a session is listed, revoked by its person alone, and its open socket ends with it', async () => {
    const other = await signIn('owner@example.org')
    const sessions = (await send('GET', '/v1/sessions', { cookie: owner })).json().sessions as {
      id: string
      isCurrent: boolean
    }[] // by the contract
    expect(sessions.filter(({ isCurrent }) => isCurrent)).toHaveLength(1)
    const victim = sessions.find(({ isCurrent }) => !isCurrent)?.id ?? ''
    const socket = io(base, { transports: ['websocket'], extraHeaders: { cookie: other }, reconnection: false })
    await new Promise((done) => socket.once('ready', () => done(true)))
    expect((await send('DELETE', `/v1/sessions/${victim}`, { cookie: member })).statusCode).toBe(404)
    expect(socket.connected).toBe(true)
    expect((await send('DELETE', `/v1/sessions/${victim}`, { cookie: owner })).statusCode).toBe(204)
    expect((await send('GET', '/v1/session', { cookie: other })).statusCode).toBe(401)
    await until(async () => !socket.connected, { what: 'the end of the socket' })
    const late = io(base, { transports: ['websocket'], extraHeaders: { cookie: other }, reconnection: false })
    await new Promise((done) => late.once('connect_error', () => done(true)))
    late.close()
  })

  it('a socket from another site or under an unknown name is refused', async () => {
    const forged: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { host: 'evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ]
    for (const headers of forged) {
      const socket = io(base, {
        transports: ['websocket'],
        extraHeaders: { cookie: owner, ...headers },
        reconnection: false,
      })
      await new Promise((done) => socket.once('connect_error', () => done(true)))
      socket.close()
    }
  })

  it('forwarded headers count only from a trusted proxy, and the cookie is secure over TLS', async () => {
    const body = { address: 'owner@example.org', password }
    const forwarded = { host: 'mail.example.org', 'x-forwarded-proto': 'https', 'x-forwarded-for': '198.51.100.7' }
    const plain = await send('POST', '/v1/session', { body, headers: forwarded })
    expect(plain.cookies[0]).toMatchObject({ name: 'postern_session', httpOnly: true, sameSite: 'Lax' })
    const proxied = await build(['127.0.0.1'])
    const secure = await send('POST', '/v1/session', { body, headers: forwarded, to: proxied, from: '127.0.0.1' })
    expect(secure.cookies[0]).toMatchObject({ name: '__Host-postern_session', httpOnly: true, secure: true, path: '/' })
    const stranger = await send('POST', '/v1/session', { body, headers: forwarded, to: proxied, from: '192.0.2.9' })
    expect(stranger.cookies[0]?.name).toBe('postern_session')
    const seen = (await send('GET', '/v1/sessions', { cookie: owner }))
      .json()
      .sessions.map((session: { address: string }) => session.address) // by the contract
    expect(seen.filter((address: string) => address === '198.51.100.7')).toHaveLength(1)
    const trusted = { headers: forwarded, to: proxied, from: '127.0.0.1' }
    const left = await send('DELETE', '/v1/session', { cookie: cookieOf(secure), ...trusted })
    expect(left.cookies[0]).toMatchObject({ name: '__Host-postern_session', value: '', secure: true, path: '/' })
    await proxied.close()
  })

  it('waits longer after each wrong guess, but never more than a quarter of a minute, and per source', async () => {
    const waits: number[] = []
    const guess = () =>
      send('POST', '/v1/session', { body: { address: 'member@example.org', password: 'wrong' }, from: '192.0.2.66' })
    for (let n = 0; n < 9; n++) {
      const answer = await guess()
      if (answer.statusCode === 401) waits.push(0)
      const refused = await guess()
      if (refused.statusCode === 429) waits.push(Number(refused.headers['retry-after']))
      // Their time passes; ours need not.
      await store.prisma.$executeRaw`UPDATE auth_failure SET last_at = last_at - interval '16 seconds'`
    }
    expect(waits.filter((wait) => wait > 0)).toEqual([...waits.filter((wait) => wait > 0)].sort((a, b) => a - b))
    expect(Math.max(...waits)).toBe(15)
    expect((await signIn('member@example.org')).length).toBeGreaterThan(20)
  })

  it.each(names.filter((name) => rest[name].path.includes(':')))('%s answers 404 for ids nobody has', async (name) => {
    const operation: RestOperation = rest[name]
    const path = operation.path.replace(/:(\w+)/g, (_, param: string) =>
      madeByClients.has(param) ? '00000000-0000-4000-8000-000000000000' : '999999999',
    )
    const query = validQueries[name] ?? ''
    const answer = await send(operation.method, path + query, { cookie: owner, body: validBodies[name] })
    expect([answer.statusCode, answer.json().error.code]).toEqual([404, 'not_found'])
  })

  it('keeps members away from private and loopback addresses unless the owner lists the host', async () => {
    const port = await refuser(servers, () => undefined)
    const wanted = {
      address: 'm@example.org',
      password: canary,
      incoming: { host: '127.0.0.1', port, security: 'tls', username: 'm' },
    }
    const denied = await send('POST', '/v1/accounts', { cookie: member, body: wanted })
    expect([denied.statusCode, denied.json().error.code]).toEqual([403, 'account.address_denied'])
    for (const host of ['localhost', '[::1]', '10.0.0.1', '169.254.169.254', '[::ffff:127.0.0.1]'])
      expect(
        (
          await send('POST', '/v1/accounts', {
            cookie: member,
            body: { ...wanted, incoming: { ...wanted.incoming, host } },
          })
        ).statusCode,
      ).toBeGreaterThanOrEqual(400)
    const policy = (await send('GET', '/v1/owner/policy', { cookie: owner })).json()
    const listed = { ...policy, privateHosts: [`127.0.0.1:${port}`] }
    expect((await send('PUT', '/v1/owner/policy', { cookie: member, body: listed })).statusCode).toBe(403)
    expect((await send('PUT', '/v1/owner/policy', { cookie: owner, body: listed })).statusCode).toBe(200)
    const allowed = await send('POST', '/v1/accounts', { cookie: member, body: wanted })
    expect(allowed.json().error.code).toMatch(/^(connect|tls)\./)
    await send('PUT', '/v1/owner/policy', { cookie: owner, body: policy })
  })

  it('a sealed password opens only in its own row and column', async () => {
    const settings = (address: string) => ({
      address,
      name: '',
      kind: 'imap' as const,
      incoming: {
        host: 'mail.example.org',
        port: 993,
        security: 'tls' as const,
        username: 'o',
        pinnedFingerprint: null,
      },
      outgoing: null,
    })
    const make = (address: string, secret: string) =>
      commit(store, { kind: 'user', userId: 1n }, (unit) =>
        createAccount(unit, {
          userId: 1n,
          settings: settings(address),
          password: secret,
          outgoingPassword: `${secret} out`,
          masterKey,
          isPrivateHost: false,
        }),
      )
    const [one, two] = [(await make('one@example.org', 'first')) ?? 0n, (await make('two@example.org', 'second')) ?? 0n]
    const open = async (id: bigint) => {
      const row = await store.prisma.account.findUniqueOrThrow({ where: { id } })
      return openCredential(masterKey, row, 'credential', { accountId: id, userId: row.userId }).reveal()
    }
    expect([await open(one), await open(two)]).toEqual(['first', 'second'])
    const stolen = await store.prisma.account.findUniqueOrThrow({ where: { id: two } })
    await store.prisma.account.update({ where: { id: one }, data: { credential: stolen.credential } })
    await expect(open(one)).rejects.toMatchObject({ code: 'config.invalid' })
    await store.prisma.account.update({ where: { id: one }, data: { dataKey: stolen.dataKey } })
    await expect(open(one)).rejects.toMatchObject({ code: 'config.invalid' })
    await store.prisma.account.update({
      where: { id: two },
      data: { credential: stolen.outgoingCredential ?? new Uint8Array() },
    })
    await expect(open(two)).rejects.toMatchObject({ code: 'config.invalid' })
  })

  it('sends its headers and a content security policy with every answer', async () => {
    const asked: Record<string, string>[] = [
      { accept: 'text/html' },
      { accept: 'application/json' },
      { host: 'evil.example' },
    ]
    const paths = [
      '/',
      '/somewhere',
      '/setup',
      '/v1/nothing',
      '/nothing.js',
      '/healthz',
      '/readyz',
      '/metrics',
      '/docs/',
      '/v1/openapi.json',
      '/message-frame.html',
      '/%',
      '/v1/accounts?x=%00',
    ]
    for (const name of names.filter((found) => rest[found].method === 'GET' && !rest[found].path.includes(':')))
      paths.push(rest[name].path)
    for (const path of paths)
      for (const headers of asked) {
        const answer = await send('GET', path, { cookie: owner, headers })
        const seen = { path, ...answer.headers }
        expect(seen).toMatchObject({
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cross-origin-opener-policy': 'same-origin',
        })
        const policy = String(answer.headers['content-security-policy'])
        expect({ path, policy }).toEqual({ path, policy: expect.stringMatching(/default-src '(none|self)'/) })
        expect(policy).toMatch(/frame-ancestors '(none|self)'/)
        if (!path.startsWith('/docs')) expect(policy).not.toMatch(/script-src[^;]*unsafe/)
      }
  })

  it('shows its metrics to the bearer of their token only', async () => {
    for (const authorization of ['', `Bearer ${metricsToken}x`, 'Bearer', metricsToken])
      expect(await send('GET', '/metrics', { cookie: owner, headers: { authorization } })).toMatchObject({
        statusCode: 401,
      })
    const { statusCode, body } = await send('GET', '/metrics', { headers: { authorization: `Bearer ${metricsToken}` } })
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: expect.stringMatching(/^postern_sockets \d+$/m) })
  })

  it('lets no password into a log or an answer, whatever goes wrong', async () => {
    const answers: string[] = []
    const tell = async (method: string, url: string, sent: Sent = {}) => {
      const { body, headers } = await send(method, url, { cookie: owner, from: '192.0.2.77', ...sent })
      answers.push(`${body} ${JSON.stringify(headers)}`)
    }
    // A server that repeats the login it refuses, in the open.
    const echo = await refuser(servers, (line) => line)
    const closed = await refuser(servers, () => undefined)
    const policy = (await send('GET', '/v1/owner/policy', { cookie: owner })).json()
    await send('PUT', '/v1/owner/policy', { cookie: owner, body: { ...policy, plaintextHosts: [`127.0.0.1:${echo}`] } })
    const account = (port: number, security: string) => ({
      address: 'c@example.org',
      password: canary,
      incoming: { host: '127.0.0.1', port, security, username: 'c' },
    })
    await tell('POST', '/v1/accounts', { body: account(echo, 'plain') })
    expect(answers.join('')).toContain('login.failed')
    await tell('POST', '/v1/account-checks', { body: account(echo, 'plain') })
    for (const security of ['tls', 'starttls', 'plain', 'nonsense'])
      await tell('POST', '/v1/accounts', { body: account(closed, security) })
    await tell('POST', '/v1/accounts', { body: account(1, 'tls') })
    await tell('POST', '/v1/accounts', { body: { ...account(1, 'tls'), password: { deep: canary } } })
    await tell('PATCH', '/v1/accounts/1', { body: { password: canary, incoming: account(1, 'tls').incoming } })
    await tell('PATCH', '/v1/accounts/999999', { body: { password: canary } })
    for (const at of ['/v1/session', '/v1/setup', '/v1/password', '/v1/invitations/accept'])
      for (const body of [
        {
          address: 'owner@example.org',
          password: canary,
          name: 'N',
          code: canary,
          token: canary,
          current: canary,
          next: canary,
        },
        { address: canary, password: canary, current: canary, next: 'short' },
        { password: [canary] },
        `{"password": "${canary}`,
        { password: canary.repeat(100_000) },
      ])
        await tell('POST', at, {
          body,
          headers: typeof body === 'string' ? { 'content-type': 'application/json' } : {},
        })
    await tell('GET', '/v1/session', { cookie: `postern_session=${canary}` })
    await tell('GET', `/v1/mailboxes/${canary}/threads`)
    // The database fails in the middle of storing it.
    await store.prisma.$executeRaw`ALTER TABLE account ADD CONSTRAINT nothing_fits CHECK (id < 0) NOT VALID`
    await store.prisma.$executeRaw`ALTER TABLE app_user ADD CONSTRAINT nobody_fits CHECK (password_hash = '') NOT VALID`
    await tell('PATCH', '/v1/accounts/1', { body: { password: canary } })
    await tell('POST', '/v1/password', { body: { current: password, next: `${canary} lantern orbit seventeen` } })
    expect(answers.at(-1)).toContain('internal')
    expect(printed).toContain('a request failed unexpectedly')
    expect(printed).not.toContain('argon2')
    expect(printed).not.toContain(canary)
    expect(answers.filter((answer) => answer.includes(canary))).toEqual([])
  })
})

/** An IMAP server that refuses every login, in words of the test's choosing; undefined: hangs up. */
const refuser = async (servers: Server[], words: (line: string) => string | undefined): Promise<number> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('* OK [CAPABILITY IMAP4rev1] ready\r\n')
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\r\n').filter(Boolean)) {
        const [tag, verb = ''] = line.split(' ')
        const isLogin = /^(LOGIN|AUTHENTICATE)$/i.test(verb)
        const said = isLogin ? words(line) : ''
        if (said === undefined) return socket.destroy()
        socket.write(isLogin ? `${tag} NO [AUTHENTICATIONFAILED] not right: ${said}\r\n` : `${tag} OK done\r\n`)
      }
      return undefined
    })
  })
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
