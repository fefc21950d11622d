import type { Socket } from 'node:net'
import { ImapFlow, type ImapTransport } from 'imapflow'
import { AppError } from '#platform/errors.ts'
import type { Secret } from '#platform/secret.ts'
import { wrongProtocol } from '../greeting.ts'
import { type Endpoint, openTcp, openTls } from '../secure-socket.ts'
import { toSessionError } from '../session-error.ts'
import { LineLimit } from './line-limit.ts'
import { MailboxNames } from './mailbox-names.ts'

/**
 * One IMAP session. Imapflow is handled with care: our own sockets (the address was judged, the certificate is judged
 * before a byte is written), lower limits than its defaults, IDLE only when we say so, listeners before anything opens,
 * and a `close` without `error` counts as a drop.
 */
export type Capabilities = {
  idle: boolean
  condstore: boolean
  move: boolean
  uidplus: boolean
  specialUse: boolean
  listStatus: boolean
  esearch: boolean
  acl: boolean
}

export type ImapSession = {
  /** Only for the operations in this folder. */
  flow: ImapFlow
  capabilities: Capabilities
  /** How mailboxes are spelled here: what goes to the library is the server's spelling. */
  names: MailboxNames
  /** How paths of one's own mailboxes are spelled; `prefix` is that of the top, as `INBOX.` at Courier and Cyrus. RFC 2342. */
  personal: { prefix: string; delimiter: string | null }
  /** Prefixes of what belongs to others: other people's mailboxes and public ones. RFC 2342. */
  foreignPrefixes: string[]
  /** The path of the mailbox that is open; null when there is none. */
  selectedPath: () => string | null
  /** Resolves once, when the session is over for whatever reason. */
  closed: Promise<void>
  isOpen: () => boolean
  /** Why the last command was refused: the library answers such commands with `false` and only logs the reason. */
  refusal: () => AppError
  /** Asked before every command that changes something at the server; throws when it is no longer ours to change. */
  mayAct: () => void
  /** Cuts the connection when `work` makes the server say more lines than that. Throws connect.protocol. */
  withinLines: LineLimit['within']
  /** Octets of a literal that the server waits for; resolves when more can be taken. Throws connect.closed. */
  send: (octets: Uint8Array) => Promise<void>
  /** Milliseconds until its IDLE is to be renewed. */
  untilRenewalMs: () => number
  /** Ends politely, within two seconds; never throws. */
  logout: () => Promise<void>
  /** Cuts the connection. */
  destroy: () => void
}

export type SessionOptions = Endpoint & {
  security: 'tls' | 'starttls' | 'plain'
  username: string
  password: Secret
  /** Told as the session comes up, for the account wizard. */
  onStage?: (stage: 'connect' | 'tls' | 'greeting') => void
  /** Silence after which the peer counts as gone. Milliseconds. */
  socketTimeoutMs?: number
  /** An IDLE is renewed this often, so that a stalled peer comes to owe an answer. Milliseconds. */
  maxIdleMs?: number
  mayAct?: () => void
}

/** A server that is there greets at once, unless it looks up the name of whoever calls. */
const maxGreetingMs = 16_000
/** Sessions take turns at renewing their IDLE, so many in a round of `maxIdleMs`. */
const turnsPerRound = 20
/** From the greeting to the login; a few dozen are usual. */
const maxGreetingLines = 10_000
const limits = {
  maxLineLength: 8 * 1024 * 1024,
  maxLiteralSize: 64 * 1024 * 1024,
  maxResponseSize: 80 * 1024 * 1024,
  maxResponseTokens: 200_000,
}

/** Throws connect.*, tls.*, login.*. */
export const openImapSession = async (options: SessionOptions): Promise<ImapSession> => {
  const silenceMs = options.socketTimeoutMs ?? 45_000
  const maxIdleMs = options.maxIdleMs ?? 30_000
  const turnMs = Math.floor(Math.random() * turnsPerRound) * (maxIdleMs / turnsPerRound)
  let lastRefusal: unknown
  const remember = (entry: { err?: unknown }) => {
    if (entry.err !== undefined) lastRefusal = entry.err
  }
  let current: Socket | undefined
  const flow = new ImapFlow({
    host: options.host,
    port: options.port,
    secure: options.security === 'tls',
    ...(options.security === 'starttls' ? { doSTARTTLS: true } : {}),
    ...(options.security === 'plain' ? { doSTARTTLS: false } : {}),
    auth: { user: options.username, pass: options.password.reveal() },
    clientInfo: { name: 'Postern' },
    transport: ownTransport(options, (socket, isFirst) => {
      current = socket
      lines.follow(socket)
      if (isFirst) hearGreeting(socket)
    }),
    logger: quietLogger(remember),
    disableAutoIdle: true,
    disableCompression: true,
    disableBinary: true,
    connectionTimeout: 15_000,
    greetingTimeout: Math.min(maxGreetingMs, silenceMs),
    socketTimeout: silenceMs,
    // Where there is IDLE it is renewed sooner (watch-mailbox.ts); elsewhere the library asks this often.
    maxIdleTime: maxIdleMs,
    ...limits,
    expungeHandler: (gone) => onExpunge(flow, gone),
  })
  const lines = new LineLimit(() => flow.close())
  let stranger: AppError | null = null
  const hearGreeting = (socket: Socket) =>
    socket.once('data', (bytes: Buffer) => {
      stranger = wrongProtocol(bytes.toString('latin1', 0, 200), 'IMAP')
      // The library would wait for a greeting that never comes.
      if (stranger) flow.close()
      else options.onStage?.('greeting')
    })
  let isOpen = true
  const closed = new Promise<void>((done) => {
    flow.once('close', () => {
      isOpen = false
      done()
    })
  })
  // Without a listener an error would end the process; what matters arrives as `close` or as a rejected command.
  flow.on('error', () => undefined)
  try {
    await lines.within(maxGreetingLines, () => flow.connect())
  } catch (error) {
    flow.close()
    throw stranger ?? toSessionError(error)
  }
  const names = takeOverNames(flow)
  const { prefix = '', delimiter = null } = flow.namespaces?.personal?.[0] ?? {}
  return {
    flow,
    capabilities: readCapabilities(flow),
    names,
    personal: { prefix: names.fromWire(prefix, delimiter), delimiter },
    foreignPrefixes: [...(flow.namespaces?.other || []), ...(flow.namespaces?.shared || [])]
      .map(({ prefix, delimiter }) => names.fromWire(prefix, delimiter ?? null))
      .filter(Boolean),
    selectedPath: () => (flow.mailbox ? names.pathOf(flow.mailbox.path) : null),
    closed,
    isOpen: () => isOpen && flow.usable,
    refusal: () => {
      const reason = lastRefusal
      lastRefusal = undefined
      return reason === undefined ? new AppError('mailbox.refused', 'The server refused.') : toSessionError(reason)
    },
    mayAct: options.mayAct ?? (() => undefined),
    withinLines: (most, work) => lines.within(most, work),
    send: async (octets) => {
      if (!current || !isOpen) throw toSessionError({ code: 'NoConnection' })
      if (!current.write(octets)) await Promise.race([drained(current), closed])
    },
    untilRenewalMs: () => maxIdleMs - ((performance.now() + maxIdleMs - turnMs) % maxIdleMs),
    logout: () => logout(flow, closed),
    destroy: () => flow.close(),
  }
}

/**
 * The library shall pass every name as it is. It would put the prefix of the personal namespace before each path, so that
 * shared mailboxes are neither listed nor opened at servers of the Courier kind, and would spell names against the rules
 * differently on the way back.
 */
const takeOverNames = (flow: ImapFlow): MailboxNames => {
  const { enabled, capabilities } = flow
  const isRev2 = enabled.has('IMAP4REV2') || (capabilities.has('IMAP4rev2') && !capabilities.has('IMAP4rev1'))
  const names = new MailboxNames(enabled.has('UTF8=ACCEPT') || isRev2)
  enabled.add('UTF8=ACCEPT')
  if (flow.namespace) flow.namespace = { ...flow.namespace, prefix: '' }
  return names
}

/**
 * QRESYNC is never enabled (docs/adr), so VANISHED is nothing a server may say: one line can name sixteen million uids,
 * and the library would walk them all before anything else in this process runs.
 */
const onExpunge = (flow: ImapFlow, gone: { vanished?: boolean | undefined }): void | Promise<void> => {
  if (gone.vanished !== true) return void flow.emit('expunge', gone)
  flow.close()
  // Never settles: the walk ends here and is collected with the session.
  return new Promise(() => undefined)
}

const drained = (socket: Socket): Promise<void> => new Promise((done) => socket.once('drain', done))

/** Without `isLevelEnabled` the library would write out every answer it parsed, only for it to be thrown away. */
const quietLogger = (remember: (entry: { err?: unknown }) => void) => ({
  debug: () => undefined,
  info: () => undefined,
  warn: remember,
  error: remember,
  isLevelEnabled: (level: string) => level === 'warn' || level === 'error',
})

/** `onSocket` is told which socket carries the session: another one once STARTTLS is done. */
const ownTransport = (
  options: SessionOptions,
  onSocket: (socket: Socket, isFirst: boolean) => void,
): ImapTransport => ({
  connect: ({ secure }: { secure: boolean }, onConnect) => {
    const ready = () => {
      options.onStage?.(secure ? 'tls' : 'connect')
      onConnect()
    }
    const socket = secure ? openTls(options, ready) : openTcp(options, ready)
    if (secure) socket.once('connect', () => options.onStage?.('connect'))
    onSocket(socket, true)
    return socket
  },
  upgrade: (socket, _options, onSecure) => {
    const ready = () => {
      options.onStage?.('tls')
      onSecure()
    }
    // The socket our own connect() above returned.
    const secured = openTls(options, ready, socket as unknown as Socket)
    onSocket(secured, false)
    return secured
  },
})

const readCapabilities = (flow: ImapFlow): Capabilities => {
  const has = (name: string) => flow.capabilities.has(name)
  return {
    idle: has('IDLE'),
    condstore: has('CONDSTORE') || has('QRESYNC'),
    move: has('MOVE'),
    uidplus: has('UIDPLUS'),
    specialUse: has('SPECIAL-USE') || has('XLIST'),
    listStatus: has('LIST-STATUS'),
    esearch: has('ESEARCH'),
    acl: has('ACL'),
  }
}

const logout = async (flow: ImapFlow, closed: Promise<void>): Promise<void> => {
  const timer = setTimeout(() => flow.close(), 2000)
  try {
    await Promise.race([flow.logout(), closed])
  } catch {
    flow.close()
  } finally {
    clearTimeout(timer)
  }
}
