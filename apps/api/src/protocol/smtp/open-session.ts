import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import { AppError } from '#platform/errors.ts'
import { trusting } from '#platform/trust.ts'
import type { OpeningStage } from '../check-steps.ts'
import { type Endpoint, judgeCertificate, openTcp, openTls } from '../secure-socket.ts'
import { toSessionError } from '../session-error.ts'
import { askServer, promised } from './ask-server.ts'
import { type Credentials, signIn } from './sign-in.ts'
import { toSmtpError } from './smtp-error.ts'

export type SmtpEndpoint = Endpoint &
  Credentials & {
    security: 'tls' | 'starttls' | 'plain'
    /** For the connection, and again for the handshake. Milliseconds. */
    connectTimeoutMs?: number
    /** For each answer. Milliseconds. */
    answerTimeoutMs?: number
  }

/** Runs one stage of opening; whoever wants to tell of it puts something around. */
export type RunStage = (stage: OpeningStage, work: () => Promise<void>) => Promise<void>

/** Signed in, or trusted by address; one mail after the other (protocol/smtp/send-message.ts). */
export type SmtpSession = {
  readonly smtp: SMTPConnection
  /** The largest mail the server takes, in bytes; null when it did not say by itself. RFC 1870. */
  readonly maxBytes: number | null
  /** Asks for it where it did not. Some servers end the session over that, or say nothing: throws connect.*, and the session is over. */
  learnMaxBytes: () => Promise<number | null>
  /** Addresses may be in any script. RFC 6531. */
  readonly takesUnicode: boolean
  isOpen: () => boolean
  /** The end of a mail has left, and its answer has not come. */
  awaitsEnd: boolean
  /** Asks the server, which may have gone quietly. Never throws. */
  isAlive: () => Promise<boolean>
  /** Ends it at once: the server gets to see no end of what is under way. */
  destroy: () => void
  /** QUIT, and no longer than it takes. */
  leave: () => Promise<void>
}

const usualConnectMs = 15_000
const greetingMs = 16_000
const usualAnswerMs = 20_000
const leaveMs = 3000

/** Opens and signs in; without a user name nobody does. Throws connect.*, tls.*, login.*; nothing stays open then. RFC 6409, RFC 8314. */
export const openSmtpSession = async (
  endpoint: SmtpEndpoint,
  run: RunStage = (_stage, work) => work(),
): Promise<SmtpSession> => {
  let connection: SMTPConnection | undefined
  try {
    const socket = await connectSocket(endpoint, run)
    // Loaded when it is needed: an idle gateway has no use for it.
    const { default: Connection } = await import('nodemailer/lib/smtp-connection/index.js')
    if (socket.destroyed) throw toSessionError({ code: 'ECONNRESET' })
    const smtp = new Connection({
      connection: socket,
      secured: endpoint.security === 'tls',
      secure: endpoint.security === 'tls',
      host: endpoint.host,
      requireTLS: endpoint.security === 'starttls',
      ignoreTLS: endpoint.security === 'plain',
      // The verdict is ours, below and before any password: a refusal has to show what was presented.
      tls: { ...trusting(endpoint.ca), rejectUnauthorized: false },
      greetingTimeout: greetingMs,
      socketTimeout: endpoint.answerTimeoutMs ?? usualAnswerMs,
    })
    connection = smtp
    // Whoever waits hears of it; one that comes when nobody does would end the process.
    smtp.on('error', () => undefined)
    await run('greeting', () => promised((done) => smtp.connect(done), smtp))
    if (endpoint.security === 'starttls') await run('tls', async () => requireTrusted(endpoint, smtp))
    if (endpoint.username !== '') await run('login', () => signIn(smtp, endpoint))
    return toSession(smtp, socket)
  } catch (error) {
    connection?.close()
    throw toSmtpError(error)
  }
}

/** What EHLO said the library keeps to itself. */
type Extensions = {
  _maxAllowedSize?: unknown
  _supportedExtensions?: unknown
  name: string
  _parseEhloExtensions: (said: string) => void
}
const extensionsOf = (smtp: SMTPConnection): Extensions => smtp as unknown as Extensions
const hasExtension = (smtp: SMTPConnection, name: string): boolean => {
  const { _supportedExtensions: known } = extensionsOf(smtp)
  return Array.isArray(known) && known.includes(name)
}

const maxBytesOf = (smtp: SMTPConnection): number | null => {
  const { _maxAllowedSize: size } = extensionsOf(smtp)
  return typeof size === 'number' && size > 0 ? size : null
}

/** Some servers say only to those who are signed in how much they take. RFC 5321 4.1.4: EHLO may be said again. */
const askForSize = async (smtp: SMTPConnection): Promise<void> => {
  if (hasExtension(smtp, 'SIZE')) return
  const library = extensionsOf(smtp)
  const said = await askServer(smtp, `EHLO ${library.name}`)
  if (said.startsWith('250')) library._parseEhloExtensions(said)
}

const toSession = (smtp: SMTPConnection, raw: Socket): SmtpSession => {
  // After STARTTLS there is another one over it.
  const socketOf = () => smtp._socket || raw
  return {
    smtp,
    get maxBytes() {
      return maxBytesOf(smtp)
    },
    learnMaxBytes: async () => {
      const timer = setTimeout(() => socketOf().destroy(timedOut()), usualAnswerMs)
      try {
        await askForSize(smtp)
        return maxBytesOf(smtp)
      } catch (error) {
        throw toSmtpError(error)
      } finally {
        clearTimeout(timer)
      }
    },
    takesUnicode: hasExtension(smtp, 'SMTPUTF8'),
    awaitsEnd: false,
    isOpen: () => !smtp.destroyed && !socketOf().destroyed,
    isAlive: () =>
      new Promise((done) => {
        const onEnd = () => done(false)
        smtp.once('end', onEnd)
        smtp.reset((error) => {
          // A session lasts for many mails.
          smtp.off('end', onEnd)
          done(!error)
        })
      }),
    destroy: () => {
      socketOf().destroy()
      smtp.close()
    },
    leave: () =>
      new Promise((done) => {
        const timer = setTimeout(() => socketOf().destroy(), leaveMs)
        smtp.once('end', () => {
          clearTimeout(timer)
          done()
        })
        if (smtp.destroyed) smtp.emit('end')
        else smtp.quit()
      }),
  }
}

/** Throws tls.* unless the connection is encrypted, by a certificate we accept. */
const requireTrusted = (endpoint: SmtpEndpoint, { _socket: socket }: SMTPConnection): void => {
  if (!(socket instanceof TLSSocket))
    throw new AppError('tls.starttls_missing', 'The sending server offers no encryption at this port.')
  const problem = judgeCertificate(endpoint, socket)
  if (problem) throw problem
}

const connectSocket = async (endpoint: SmtpEndpoint, run: RunStage) => {
  let socket = undefined as unknown as ReturnType<typeof openTcp> // set by the first step, which throws otherwise
  const opened = (open: (ready: () => void) => ReturnType<typeof openTcp>) => () =>
    new Promise<void>((done, fail) => {
      const opening = open(() => {
        clearTimeout(timer)
        done()
      })
      const timer = setTimeout(() => opening.destroy(timedOut()), endpoint.connectTimeoutMs ?? usualConnectMs)
      // It stays: what breaks before the library listens would end the process.
      opening.on('error', (error) => {
        clearTimeout(timer)
        fail(error)
      })
      socket = opening
    })
  await run(
    'connect',
    opened((ready) => openTcp(endpoint, ready)),
  )
  if (endpoint.security === 'tls') {
    const plain = socket
    await run(
      'tls',
      opened((ready) => openTls(endpoint, ready, plain)),
    )
  }
  return socket
}

const timedOut = () => Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })
