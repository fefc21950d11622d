import { TLSSocket } from 'node:tls'
import type SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import type { AppError } from '#platform/errors.ts'
import { isAppError, AppError as OurError } from '#platform/errors.ts'
import type { Secret } from '#platform/secret.ts'
import { trusting } from '#platform/trust.ts'
import { wrongProtocol } from '../greeting.ts'
import { type Endpoint, judgeCertificate, openTcp, openTls } from '../secure-socket.ts'
import { toSessionError } from '../session-error.ts'

export type SmtpCheck = Endpoint & { security: 'tls' | 'starttls' | 'plain'; username: string; password: Secret }
export type SmtpStep = 'connect' | 'tls' | 'greeting' | 'login'
export type SmtpProgress =
  | { step: SmtpStep; state: 'running' }
  | { step: SmtpStep; state: 'ok'; ms: number; note: string | null }

/** Signs in at a submission server and leaves; sends nothing. Answers the failed step, or null. RFC 6409, RFC 8314. */
export const checkSmtpLogin = async (
  options: SmtpCheck,
  onProgress: (progress: SmtpProgress) => void,
): Promise<{ step: SmtpStep; error: AppError } | null> => {
  let step: SmtpStep = 'connect'
  const run = async (next: SmtpStep, work: () => Promise<void>) => {
    step = next
    const startedAt = performance.now()
    onProgress({ step, state: 'running' })
    await work()
    onProgress({ step, state: 'ok', ms: Math.round(performance.now() - startedAt), note: null })
  }
  let connection: SMTPConnection | undefined
  try {
    const socket = await connectSocket(options, run)
    // Loaded when an account is tested: an idle gateway has no use for it.
    const { default: Connection } = await import('nodemailer/lib/smtp-connection/index.js')
    const smtp = new Connection({
      connection: socket,
      secured: options.security === 'tls',
      secure: options.security === 'tls',
      host: options.host,
      requireTLS: options.security === 'starttls',
      ignoreTLS: options.security === 'plain',
      // Judged below, before any password: a refusal has to show what was presented.
      tls: { servername: options.host, rejectUnauthorized: false, ...trusting(options.ca) },
      greetingTimeout: 16_000,
      socketTimeout: 20_000,
    })
    connection = smtp
    await run('greeting', () => promised((done) => smtp.connect(done), smtp))
    if (options.security === 'starttls') await run('tls', () => judgeUpgraded(options, smtp))
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
    return { step, error: toSmtpError(error) }
  } finally {
    connection?.close()
  }
}

const connectSocket = async (options: SmtpCheck, run: (step: SmtpStep, work: () => Promise<void>) => Promise<void>) => {
  let socket = undefined as unknown as ReturnType<typeof openTcp> // set by the first step, which throws otherwise
  const opened = (open: (ready: () => void) => ReturnType<typeof openTcp>) => () =>
    new Promise<void>((done, fail) => {
      socket = open(() => {
        socket.off('error', fail)
        done()
      })
      socket.once('error', fail)
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

/** What the library made of the socket by STARTTLS. */
const judgeUpgraded = async (options: SmtpCheck, smtp: SMTPConnection): Promise<void> => {
  const socket: unknown = Reflect.get(smtp, '_socket')
  const problem =
    socket instanceof TLSSocket
      ? judgeCertificate(options, socket)
      : new OurError('tls.starttls_missing', 'The sending server offers no encryption at this port.')
  if (problem) throw problem
}

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
  const loose = error as { code?: unknown; response?: unknown; responseCode?: unknown; cause?: unknown } // read-only look at a library's error
  const serverText = typeof loose.response === 'string' ? loose.response : undefined
  const detail = { cause: error, ...(serverText ? { serverText } : {}) }
  if (loose.code === 'EAUTH')
    return new OurError('login.failed', 'The sending server does not accept this name and password.', detail)
  if (loose.code === 'ETLS')
    return new OurError('tls.starttls_missing', 'The sending server offers no encryption at this port.', {
      ...detail,
      hint: 'Port 465 with TLS is usual.',
    })
  const stranger = serverText && wrongProtocol(serverText, 'SMTP')
  if (stranger) return stranger
  const known = toSessionError(error)
  if (known.code !== 'tls.handshake' || isAppError(error)) return known
  return new OurError(known.code, known.message, {
    cause: error,
    hint: 'The server may not speak TLS at this port: try STARTTLS (usually port 587), or port 465.',
  })
}
