import type { Socket } from 'node:net'
import { AppError, isAppError } from '#platform/errors.ts'
import type { OpeningStage } from '../check-steps.ts'
import { wrongProtocol } from '../greeting.ts'
import { type Endpoint, openTcp, openTls } from '../secure-socket.ts'
import { toSessionError } from '../session-error.ts'
import { type Capabilities, readCapabilities } from './capabilities.ts'
import { Channel } from './channel.ts'
import { checkCredentials, type SignInOptions, signIn } from './sign-in.ts'
import { refusalOf } from './status-line.ts'

/**
 * One POP3 session, signed in. The maildrop is locked while it lasts: what is listed stays as it is, and other programs
 * are kept out. So a session is short: look, retrieve, delete, quit.
 */
export type Pop3Session = {
  /** Only for the operations in this folder. */
  channel: Channel
  /** What is not known at first is filled in when it was tried. */
  capabilities: Capabilities
  /** Numbers of messages that QUIT will remove. */
  marked: Set<number>
  /** Resolves once, when the session is over for whatever reason. */
  closed: Promise<void>
  isOpen: () => boolean
  /** Asked before every command that changes something at the server; throws when it is no longer ours to change. */
  mayAct: () => void
  /** Cuts the connection; the server removes nothing. */
  destroy: () => void
}

export type SessionOptions = Endpoint &
  SignInOptions & {
    security: 'tls' | 'starttls' | 'plain'
    /** Told as each is done, for the account wizard. */
    onStage?: (stage: OpeningStage) => void
    /** Silence after which the peer counts as gone. Milliseconds. */
    silenceMs?: number
    mayAct?: () => void
  }

const maxConnectMs = 15_000
/** A server that is there greets at once, unless it looks up the name of whoever calls. */
const maxGreetingMs = 16_000
/** Large maildrops take long to be opened and counted. */
const usualSilenceMs = 60_000

/** Throws connect.*, tls.*, login.*, mailbox.in_use, request.invalid. */
export const openPop3Session = async (options: SessionOptions): Promise<Pop3Session> => {
  checkCredentials(options)
  let channel: Channel | undefined
  let socket: Socket | undefined
  try {
    socket = await opened((ready) => openTcp(options, ready))
    options.onStage?.('connect')
    if (options.security === 'tls') socket = await secured(options, socket)
    channel = new Channel(socket, options.silenceMs ?? usualSilenceMs)
    await hearGreeting(channel, options)
    if (options.security === 'starttls') {
      await askForTls(channel)
      socket = await secured(options, socket)
      // What was said in clear is forgotten with its channel.
      channel = new Channel(socket, options.silenceMs ?? usualSilenceMs)
    }
    const isEncrypted = options.security !== 'plain'
    let capabilities = await readCapabilities(channel)
    await signIn(channel, capabilities, { ...options, isEncrypted })
    options.onStage?.('login')
    if (capabilities.expire?.differsByUser || capabilities.loginDelay?.differsByUser)
      capabilities = await readCapabilities(channel)
    return sessionOver(channel, capabilities, options.mayAct)
  } catch (error) {
    const known = toPop3Error(error)
    channel?.fail(known)
    socket?.destroy()
    throw known
  }
}

/** The session of a channel on which somebody is signed in. */
export const sessionOver = (
  channel: Channel,
  capabilities: Capabilities,
  mayAct: () => void = () => undefined,
): Pop3Session => ({
  channel,
  capabilities,
  marked: new Set(),
  closed: channel.closed,
  isOpen: () => channel.isOpen,
  mayAct,
  destroy: () => void channel.fail(new AppError('connect.closed', 'The session is over.')),
})

const opened = (open: (ready: () => void) => Socket): Promise<Socket> =>
  new Promise((done, fail) => {
    const socket = open(() => {
      clearTimeout(timer)
      socket.off('error', refuse).off('close', leave)
      done(socket)
    })
    const refuse = (error: Error) => {
      clearTimeout(timer)
      fail(error)
    }
    const leave = () => refuse(Object.assign(new Error('closed'), { code: 'ECONNRESET' }))
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error('no connection'), { code: 'CONNECT_TIMEOUT' })),
      maxConnectMs,
    )
    // An error without a listener would end the process, and more than one may come.
    socket.on('error', () => undefined)
    socket.once('error', refuse).once('close', leave)
  })

const secured = async (options: SessionOptions, over: Socket): Promise<Socket> => {
  const socket = await opened((ready) => openTls(options, ready, over))
  options.onStage?.('tls')
  return socket
}

const hearGreeting = async (channel: Channel, options: SessionOptions): Promise<void> => {
  try {
    const greeting = await channel.readReply(Math.min(maxGreetingMs, options.silenceMs ?? maxGreetingMs))
    if (greeting.kind === 'refused')
      throw refusalOf(greeting, new AppError('connect.closed', 'The server turns us away.', { hint: tryLater }))
    if (greeting.kind === 'challenge')
      throw new AppError('connect.protocol', 'The server answered in a way we do not understand.')
  } catch (error) {
    throw explainGreeting(toSessionError(error), options.security)
  }
  options.onStage?.('greeting')
}

const tryLater = 'We try again by ourselves.'

const explainGreeting = (error: AppError, security: SessionOptions['security']): AppError => {
  const stranger = wrongProtocol(error.detail.serverText ?? '', 'POP3')
  if (stranger) return stranger
  if (error.code !== 'connect.timeout' || security === 'tls') return error
  return new AppError('connect.timeout', 'The server said nothing.', {
    ...error.detail,
    hint: 'It may expect the other kind of encryption: TLS at once is usual on port 995, STARTTLS on 110.',
  })
}

/** Without asking for capabilities first: what is said in clear is believed by nobody. RFC 2595 4. */
const askForTls = (channel: Channel): Promise<void> =>
  channel.alone(async () => {
    channel.send('STLS')
    const status = await channel.readStatus()
    if (status.kind === 'refused')
      throw new AppError('tls.starttls_missing', 'The server offers no encryption at this port.', {
        hint: 'Port 995 with TLS is usual. Nothing was sent that others should not see.',
        serverText: status.text,
      })
    channel.detach()
  })

const toPop3Error = (error: unknown): AppError => {
  const known = toSessionError(error)
  if (known.code !== 'tls.handshake' || isAppError(error)) return known
  return new AppError(known.code, known.message, {
    ...known.detail,
    hint: 'The server may not speak TLS at this port: try STARTTLS (usually port 110), or port 995.',
  })
}
