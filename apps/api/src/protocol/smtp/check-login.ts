import { TLSSocket } from 'node:tls'
import type SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import { displayLine } from '#mail/storable-text.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import type { Secret } from '#platform/secret.ts'
import { trusting } from '#platform/trust.ts'
import { type OpeningStage, type StepProgress, trackSteps } from '../check-steps.ts'
import { wrongProtocol } from '../greeting.ts'
import { type Endpoint, judgeCertificate, openTcp, openTls } from '../secure-socket.ts'
import { maxServerText, toSessionError } from '../session-error.ts'

export type SmtpCheck = Endpoint & {
  security: 'tls' | 'starttls' | 'plain'
  username: string
  password: Secret
  /** For the connection, and again for the handshake. Milliseconds. */
  connectTimeoutMs?: number
}
export type SmtpStep = OpeningStage
export type SmtpProgress = StepProgress<SmtpStep>

const usualConnectMs = 15_000

/** Signs in at a submission server and leaves; sends nothing. Answers the failed step, or null. RFC 6409, RFC 8314. */
export const checkSmtpLogin = async (
  options: SmtpCheck,
  onProgress: (progress: SmtpProgress) => void,
): Promise<{ step: SmtpStep; error: AppError } | null> => {
  const track = trackSteps<SmtpStep>('connect', onProgress)
  const run = async (step: SmtpStep, work: () => Promise<void>) => {
    track.begin(step)
    await work()
    track.end()
  }
  let connection: SMTPConnection | undefined
  try {
    const socket = await connectSocket(options, run)
    // Loaded when an account is tested: an idle gateway has no use for it.
    const { default: Connection } = await import('nodemailer/lib/smtp-connection/index.js')
    if (socket.destroyed) throw toSessionError({ code: 'ECONNRESET' })
    const smtp = new Connection({
      connection: socket,
      secured: options.security === 'tls',
      secure: options.security === 'tls',
      host: options.host,
      requireTLS: options.security === 'starttls',
      ignoreTLS: options.security === 'plain',
      // The verdict is ours, below and before any password: a refusal has to show what was presented.
      tls: { ...trusting(options.ca), rejectUnauthorized: false },
      greetingTimeout: 16_000,
      socketTimeout: 20_000,
    })
    connection = smtp
    // Whoever waits hears of it; one that comes when nobody does would end the process.
    smtp.on('error', () => undefined)
    await run('greeting', () => promised((done) => smtp.connect(done), smtp))
    if (options.security === 'starttls') await run('tls', async () => requireTrusted(options, smtp))
    await run('login', () =>
      promised(
        (done) =>
          smtp.login(
            {
              user: options.username,
              pass: options.password.reveal(),
              credentials: { user: options.username, pass: options.password.reveal() },
            },
            done,
          ),
        smtp,
      ),
    )
    return null
  } catch (error) {
    return { step: track.step, error: toSmtpError(error) }
  } finally {
    connection?.close()
  }
}

/** Throws tls.* unless the connection is encrypted, by a certificate we accept. */
const requireTrusted = (options: SmtpCheck, { _socket: socket }: SMTPConnection): void => {
  if (!(socket instanceof TLSSocket))
    throw new AppError('tls.starttls_missing', 'The sending server offers no encryption at this port.')
  const problem = judgeCertificate(options, socket)
  if (problem) throw problem
}

const connectSocket = async (options: SmtpCheck, run: (step: SmtpStep, work: () => Promise<void>) => Promise<void>) => {
  let socket = undefined as unknown as ReturnType<typeof openTcp> // set by the first step, which throws otherwise
  const opened = (open: (ready: () => void) => ReturnType<typeof openTcp>) => () =>
    new Promise<void>((done, fail) => {
      const opening = open(() => {
        clearTimeout(timer)
        done()
      })
      const timer = setTimeout(() => opening.destroy(timedOut()), options.connectTimeoutMs ?? usualConnectMs)
      // It stays: what breaks before the library listens would end the process.
      opening.on('error', (error) => {
        clearTimeout(timer)
        fail(error)
      })
      socket = opening
    })
  await run(
    'connect',
    opened((ready) => openTcp(options, ready)),
  )
  if (options.security === 'tls') {
    const plain = socket
    await run(
      'tls',
      opened((ready) => openTls(options, ready, plain)),
    )
  }
  return socket
}

const timedOut = () => Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })

const promised = (start: (done: (error?: Error | null) => void) => void, smtp: SMTPConnection): Promise<void> =>
  new Promise((done, fail) => {
    smtp.once('error', fail)
    start((error) => {
      smtp.off('error', fail)
      if (error) fail(error)
      else done()
    })
  })

const toSmtpError = (error: unknown): AppError => {
  const loose = error as { code?: unknown; response?: unknown; message?: unknown } // read-only look at a library's error
  const serverText = typeof loose.response === 'string' ? displayLine(loose.response, maxServerText) : undefined
  const detail = { cause: error, ...(serverText ? { serverText } : {}) }
  if (loose.code === 'EAUTH')
    return new AppError('login.failed', 'The sending server does not accept this name and password.', detail)
  if (loose.code === 'ETLS')
    return new AppError('tls.starttls_missing', 'The sending server offers no encryption at this port.', {
      ...detail,
      hint: 'Port 465 with TLS is usual.',
    })
  const stranger = serverText && wrongProtocol(serverText, 'SMTP')
  if (stranger) return stranger
  // The library's own codes for a connection that broke, whatever the socket said.
  const isCut = loose.code === 'ECONNECTION' || (loose.code === 'ESOCKET' && !/SSL|TLS/i.test(String(loose.message)))
  const known = toSessionError(isCut ? { code: 'ECONNRESET' } : error)
  if (known.code !== 'tls.handshake' || isAppError(error)) return known
  return new AppError(known.code, known.message, {
    cause: error,
    hint: 'The server may not speak TLS at this port: try STARTTLS (usually port 587), or port 465.',
  })
}
