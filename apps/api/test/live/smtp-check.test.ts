import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '#platform/secret.ts'
import { checkSmtpLogin, type SmtpCheck, type SmtpProgress } from '#protocol/smtp/check-login.ts'
import { fingerprintOf, makeCertificate } from '../support/certificates.ts'

describe('signing in at a submission server', () => {
  let dir: string
  let certificate: string
  let server: SMTPServer
  /** Passwords that reached the server. */
  const heard: string[] = []
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'postern-smtp-'))
    certificate = makeCertificate(dir)
  })
  afterEach(async () => {
    heard.length = 0
    await new Promise<void>((done) => server.close(done))
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  const listen = async (options: SMTPServerOptions = {}): Promise<number> => {
    server = new SMTPServer({
      key: readFileSync(join(dir, 'key.pem')),
      cert: certificate,
      disableReverseLookup: true,
      onAuth: ({ password }, _session, done) => {
        heard.push(String(password))
        if (password === 'secret') done(null, { user: 'ann' })
        else done(new Error(`535 5.7.8 Not ${password}`))
      },
      ...options,
    })
    server.on('error', () => undefined)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = server.server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  const check = async (port: number, more: Partial<SmtpCheck> = {}) => {
    const steps: SmtpProgress[] = []
    const result = await checkSmtpLogin(
      {
        host: 'localhost',
        address: '127.0.0.1',
        port,
        security: 'tls',
        pinnedFingerprint: null,
        ca: certificate,
        username: 'ann',
        password: new Secret('secret'),
        ...more,
      },
      (progress) => steps.push(progress),
    )
    const [problem, maxBytes] = result.kind === 'failed' ? [result, null] : [null, result.maxBytes]
    return { problem, maxBytes, steps: steps.filter(({ state }) => state === 'ok').map(({ step }) => step) }
  }
  const ways = [
    { security: 'tls' as const, options: { secure: true }, steps: ['connect', 'tls', 'greeting', 'login'] },
    { security: 'starttls' as const, options: {}, steps: ['connect', 'greeting', 'tls', 'login'] },
  ]

  it.each(ways)('tells every step over $security', async ({ security, options, steps }) => {
    expect(await check(await listen({ ...options, size: 5_000_000 }), { security })).toEqual({
      problem: null,
      maxBytes: 5_000_000,
      steps,
    })
    expect(heard).toEqual(['secret'])
  })

  it.each(ways)('says that the password is refused over $security', async ({ security, options }) => {
    const port = await listen(options)
    const { problem } = await check(port, { security, password: new Secret('wrong') })
    expect(problem).toMatchObject({ step: 'login', error: { code: 'login.failed' } })
  })

  it.each(ways)('gives no password to a certificate that nobody vouches for over $security', async (way) => {
    const port = await listen(way.options)
    const fingerprint = fingerprintOf(certificate)
    const { security } = way
    expect((await check(port, { security, ca: undefined })).problem).toMatchObject({
      step: 'tls',
      error: { code: 'tls.untrusted', certificate: { fingerprint } },
    })
    expect((await check(port, { security, host: 'mail.example.org' })).problem?.error.code).toBe('tls.name')
    const other = { security, pinnedFingerprint: 'ab'.repeat(32) }
    expect((await check(port, other)).problem?.error.code).toBe('tls.pin_changed')
    expect(heard).toEqual([])
    const pinned = { security, ca: undefined, host: 'mail.example.org', pinnedFingerprint: fingerprint }
    expect((await check(port, pinned)).problem).toBeNull()
    expect(heard).toEqual(['secret'])
  })

  it('signs in by LOGIN where there is nothing else', async () => {
    expect((await check(await listen({ secure: true, authMethods: ['LOGIN'] }))).problem).toBeNull()
    expect(heard).toEqual(['secret'])
  })

  it('shows an access token by XOAUTH2, and says why it is refused', async () => {
    const tokens: (string | undefined)[] = []
    const port = await listen({
      secure: true,
      // Offered first, and never given a token.
      authMethods: ['PLAIN', 'XOAUTH2'],
      onAuth: ({ method, accessToken }, _session, done) => {
        tokens.push(`${method} ${accessToken}`)
        if (accessToken === 'busy') return done(Object.assign(new Error('4.7.0 later'), { responseCode: 454 }))
        if (accessToken === 'fresh') return done(null, { user: 'ann' })
        done(null, { data: { status: '401', schemes: 'bearer', scope: 'https://mail.example/' } })
      },
    })
    const by = (token: string) => check(port, { password: new Secret(token), signInWith: 'accessToken' })
    expect((await by('fresh')).problem).toBeNull()
    expect((await by('stale')).problem?.error).toMatchObject({
      code: 'login.failed',
      detail: { serverText: expect.stringMatching(/^535 .*"status":"401".*"scope":"https:\/\/mail\.example\/"/) },
    })
    // The token may be right.
    expect((await by('busy')).problem?.error.code).toBe('login.unavailable')
    expect(tokens).toEqual(['XOAUTH2 fresh', 'XOAUTH2 stale', 'XOAUTH2 busy'])
  })

  it('shows no access token to a server that does not ask for one', async () => {
    const port = await listen({ secure: true, authMethods: ['PLAIN', 'LOGIN'] })
    const { problem } = await check(port, { signInWith: 'accessToken' })
    expect(problem).toMatchObject({ step: 'login', error: { code: 'login.method' } })
    expect(heard).toEqual([])
  })

  it('gives no password in the open where encryption was wanted', async () => {
    const port = await listen({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true })
    expect((await check(port, { security: 'starttls' })).problem?.error.code).toBe('tls.starttls_missing')
    expect(heard).toEqual([])
    expect((await check(port, { security: 'plain' })).problem).toBeNull()
  })
})
