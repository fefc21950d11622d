import { createServer, type Server, type Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { Secret } from '#platform/secret.ts'
import { checkSmtpLogin, type SmtpCheck } from '#protocol/smtp/check-login.ts'
import { CertificateError } from '../../src/protocol/session-error.ts'
import { startScriptedSmtp } from '../support/scripted-smtp.ts'

/** The sending side of the account wizard, against servers that a person may meet there. */
describe('trying a sending server', () => {
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })
  const portOf = (server: Server): number => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  const check = async (port: number, more: Partial<SmtpCheck>) => {
    const steps: string[] = []
    const result = await checkSmtpLogin(
      {
        host: 'localhost',
        address: '127.0.0.1',
        port,
        username: 'u',
        password: new Secret('p'),
        security: 'plain',
        pinnedFingerprint: null,
        ...more,
      },
      ({ step, state }) => state === 'ok' && steps.push(step),
    )
    return { failure: result.kind === 'failed' ? result : null, steps }
  }
  /** With the old certificate that its library brings along. `logins`: how often a password was sent. */
  const startSubmission = async () => {
    let logins = 0
    const server = new SMTPServer({
      onAuth: ({ password }, _session, done) => {
        logins++
        done(null, { user: password })
      },
    })
    server.on('error', () => undefined)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    ends.push(() => new Promise<void>((done) => server.close(done)))
    return { port: portOf(server.server), logins: () => logins }
  }
  const startBare = async (onSocket: (socket: Socket) => void): Promise<number> => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      onSocket(socket)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    ends.push(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    })
    return portOf(server)
  }

  it('judges the certificate of STARTTLS before any password, and accepts exactly the pinned one', async () => {
    const { port, logins } = await startSubmission()
    const expired = await check(port, { security: 'starttls' })
    expect(expired.failure).toMatchObject({ step: 'tls', error: { code: 'tls.expired' } })
    const shown = expired.failure?.error
    const fingerprint = shown instanceof CertificateError ? shown.certificate.fingerprint : ''
    const other = await check(port, { security: 'starttls', pinnedFingerprint: 'ab'.repeat(32) })
    expect(other.failure).toMatchObject({ step: 'tls', error: { code: 'tls.pin_changed' } })
    expect(logins()).toBe(0)
    const pinned = await check(port, { security: 'starttls', pinnedFingerprint: fingerprint })
    expect(pinned).toEqual({ failure: null, steps: ['connect', 'greeting', 'tls', 'login'] })
    expect(logins()).toBe(1)
  })

  it.each([0, 30])('says of one that cuts the connection after %i ms that it closed it', async (ms) => {
    const port = await startBare((socket) => setTimeout(() => socket.resetAndDestroy(), ms))
    for (const security of ['plain', 'tls'] as const)
      expect((await check(port, { security })).failure).toMatchObject({ error: { code: 'connect.closed' } })
  })

  it('is content with one that ends the session when it is asked how much it takes', async () => {
    let greetings = 0
    const server = await startScriptedSmtp((step) => (step === 'ehlo' && ++greetings > 1 ? 'cut' : undefined), [])
    ends.push(() => server.stop())
    const steps = ['connect', 'greeting', 'login']
    expect(await check(server.port, {})).toEqual({ failure: null, steps })
    expect(greetings).toBe(2)
  })

  it('gives up one that accepts the connection and never answers the handshake', async () => {
    const port = await startBare(() => undefined)
    expect((await check(port, { security: 'tls', connectTimeoutMs: 100 })).failure).toMatchObject({
      step: 'tls',
      error: { code: 'connect.timeout' },
    })
  })
})
