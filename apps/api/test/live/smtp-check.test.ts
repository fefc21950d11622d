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
    const problem = await checkSmtpLogin(
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
    return { problem, steps: steps.filter(({ state }) => state === 'ok').map(({ step }) => step) }
  }
  const ways = [
    { security: 'tls' as const, options: { secure: true }, steps: ['connect', 'tls', 'greeting', 'login'] },
    { security: 'starttls' as const, options: {}, steps: ['connect', 'greeting', 'tls', 'login'] },
  ]

  it.each(ways)('tells every step over $security', async ({ security, options, steps }) => {
    expect(await check(await listen(options), { security })).toEqual({ problem: null, steps })
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

  it('gives no password in the open where encryption was wanted', async () => {
    const port = await listen({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true })
    expect((await check(port, { security: 'starttls' })).problem?.error.code).toBe('tls.starttls_missing')
    expect(heard).toEqual([])
    expect((await check(port, { security: 'plain' })).problem).toBeNull()
  })
})
