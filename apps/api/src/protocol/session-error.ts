import type { ErrorCode } from '@postern/shared/error-codes.ts'
import { displayLine } from '#mail/storable-text.ts'
import { AppError, isAppError } from '#platform/errors.ts'

/**
 * The one place where errors of libraries, sockets and servers become ours, judged by where they came from. A server's
 * own words travel in `serverText`, never in the message.
 */
export type CertificateFacts = {
  fingerprint: string
  subject: string
  names: string[]
  validFrom: string
  validTo: string
  issuer: string
}

/** A TLS failure with what the server showed, so that the person can decide. */
export class CertificateError extends AppError {
  readonly certificate: CertificateFacts

  constructor(
    code: 'tls.name' | 'tls.expired' | 'tls.untrusted' | 'tls.pin_changed',
    message: string,
    hint: string,
    certificate: CertificateFacts,
  ) {
    super(code, message, { hint })
    this.name = 'CertificateError'
    this.certificate = certificate
  }
}

/** What imapflow and sockets put on their errors; every field is looked at, none is trusted to be there. */
type LooseError = {
  code?: unknown
  authenticationFailed?: unknown
  serverResponseCode?: unknown
  responseText?: unknown
  responseStatus?: unknown
  message?: unknown
  throttleReset?: unknown
  /** What a BYE said. */
  reason?: unknown
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const byNodeCode: Record<string, [ErrorCode, string, string]> = {
  ENOTFOUND: ['connect.dns', 'No server is known by this name.', 'Check the spelling of the server name.'],
  EAI_AGAIN: [
    'connect.dns',
    'The name of the server could not be looked up right now.',
    'Check the network of this machine; we try again by ourselves.',
  ],
  ECONNREFUSED: [
    'connect.refused',
    'Nothing answers at this server and port.',
    'Check the port: usually 993 for IMAP, 995 for POP3, 465 or 587 for sending.',
  ],
  EHOSTUNREACH: [
    'connect.unreachable',
    'The server cannot be reached from here.',
    'Check the network, a firewall, or the server name.',
  ],
  ENETUNREACH: [
    'connect.unreachable',
    'The server cannot be reached from here.',
    'Check the network, a firewall, or the server name.',
  ],
  ETIMEDOUT: [
    'connect.timeout',
    'The server did not answer in time.',
    'Check server name and port; a firewall may swallow the connection.',
  ],
  CONNECT_TIMEOUT: [
    'connect.timeout',
    'The server did not answer in time.',
    'Check server name and port; a firewall may swallow the connection.',
  ],
  ETIMEOUT: ['connect.timeout', 'The server stopped answering.', 'We connect again by ourselves.'],
  GREETING_TIMEOUT: [
    'connect.timeout',
    'The server said nothing.',
    'It may expect the other kind of encryption: TLS at once is usual on port 993, STARTTLS on 143.',
  ],
  ECONNRESET: ['connect.closed', 'The server closed the connection.', 'We connect again by ourselves.'],
  EPIPE: ['connect.closed', 'The server closed the connection.', 'We connect again by ourselves.'],
  NoConnection: ['connect.closed', 'The connection to the server is gone.', 'We connect again by ourselves.'],
  EConnectionClosed: ['connect.closed', 'The server closed the connection.', 'We connect again by ourselves.'],
  ClosedAfterConnectText: [
    'connect.closed',
    'The server closed the connection at once.',
    'It may expect TLS at this port.',
  ],
  ClosedAfterConnectTLS: [
    'connect.closed',
    'The server closed the connection at once.',
    'Check the port and the kind of encryption.',
  ],
  StateLogout: ['connect.closed', 'The server ended the session.', 'We connect again by ourselves.'],
  ETHROTTLE: ['connect.throttled', 'The provider asks us to slow down.', 'We wait and go on by ourselves.'],
  STARTTLS_INJECTION: [
    'tls.handshake',
    'The server spoke out of turn while encryption was set up.',
    'Somebody may be tampering with the connection; try TLS at once (port 993).',
  ],
}

/** Of IMAP (RFC 9051 7.1, RFC 5530) and of POP3 (RFC 2449 8, RFC 3206). */
const byResponseCode: Record<string, [ErrorCode, string, string?]> = {
  AUTHENTICATIONFAILED: ['login.failed', 'The server does not accept this name and password.'],
  AUTHORIZATIONFAILED: ['login.failed', 'The server does not let this name in.'],
  EXPIRED: ['login.failed', 'The password has expired at the provider.'],
  WEBALERT: ['login.failed', 'The provider wants you to sign in on its web page first.'],
  PRIVACYREQUIRED: ['tls.starttls_missing', 'The server wants an encrypted connection.'],
  UNAVAILABLE: ['login.unavailable', 'The server cannot check passwords right now.'],
  LIMIT: ['connect.limit', 'The server allows no further connections for this account.'],
  THROTTLED: ['connect.throttled', 'The provider asks us to slow down.'],
  OVERQUOTA: ['mailbox.over_quota', 'The mailbox is full at the provider.'],
  NOPERM: ['mailbox.no_permission', 'The server does not allow this here.'],
  NONEXISTENT: ['mailbox.missing', 'The mailbox no longer exists on the server.'],
  TRYCREATE: ['mailbox.missing', 'The mailbox does not exist on the server.'],
  'READ-ONLY': ['mailbox.read_only', 'The mailbox is read-only on the server.'],
  ALREADYEXISTS: [
    'request.conflict',
    'There is a mailbox of this name already.',
    'Choose another name, or another place.',
  ],
  CANNOT: ['mailbox.refused', 'The server cannot do this.'],
  HASCHILDREN: ['mailbox.refused', 'There are other mailboxes below it.'],
  INUSE: ['mailbox.refused', 'The mailbox is in use by another program.'],
  AUTH: ['login.failed', 'The server does not accept this name and password.'],
  'IN-USE': [
    'mailbox.in_use',
    'Another program is reading the mailbox right now.',
    'We look again in a few minutes. If it stays so, close other mail programs that fetch from it.',
  ],
  'LOGIN-DELAY': [
    'connect.throttled',
    'The provider wants more time between two looks.',
    'We wait and go on by ourselves.',
  ],
  'SYS/TEMP': [
    'mailbox.unavailable',
    'The server has trouble with the mailbox right now.',
    'We try again by ourselves.',
  ],
  'SYS/PERM': [
    'mailbox.broken',
    'The server reports a lasting fault with the mailbox.',
    'Only the provider can mend it: tell them what the server says.',
  ],
  SERVERBUG: ['connect.protocol', 'The server reports a fault of its own.'],
}

/** Gmail, Yahoo and others say it in words only, partly while ending the connection. */
const throttleWords =
  /bandwidth limit|command limit|request is throttled|rate limit|too many (requests|commands)|slow down/i
export const maxServerText = 1000
/** No provider's word keeps an account away for longer. */
const longestPauseMs = 6 * 3_600_000

/** Our error for whatever went wrong in a session. AppErrors pass unchanged. */
export const toSessionError = (cause: unknown): AppError => {
  if (isAppError(cause)) return cause
  const error: LooseError = typeof cause === 'object' && cause !== null ? cause : {}
  const responseCode = text(error.serverResponseCode).toUpperCase()
  const serverText = displayLine(text(error.responseText) || text(error.reason), maxServerText) || undefined
  const retryAfterMs = typeof error.throttleReset === 'number' ? error.throttleReset : undefined
  const detail = {
    cause,
    ...(serverText ? { serverText } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.min(retryAfterMs, longestPauseMs) }),
  }
  const known = byResponseCode[responseCode]
  if (known) return new AppError(known[0], known[1], { ...detail, ...(known[2] ? { hint: known[2] } : {}) })
  if (
    serverText &&
    /too many (simultaneous )?connections|maximum number of connections|connection limit/i.test(serverText)
  )
    return new AppError('connect.limit', 'The server allows no further connections for this account.', detail)
  if (serverText && throttleWords.test(serverText))
    return new AppError('connect.throttled', 'The provider asks us to slow down.', detail)
  if (error.authenticationFailed === true)
    return new AppError('login.failed', 'The server does not accept this name and password.', detail)
  const byCode = byNodeCode[text(error.code)]
  if (byCode) return new AppError(byCode[0], byCode[1], { ...detail, hint: byCode[2] })
  if (/^(ERR_SSL|ERR_TLS|EPROTO|SELF_SIGNED|UNABLE_TO|CERT_)/.test(text(error.code)))
    return new AppError('tls.handshake', 'No encrypted connection could be made.', {
      ...detail,
      hint: 'The server may not speak TLS at this port: try STARTTLS, or port 993.',
    })
  if (/Unsupported authentication mechanism/i.test(text(error.message)))
    return new AppError('login.method', 'The server offers no way to sign in with a password.', detail)
  if (text(error.responseStatus) === 'NO') return new AppError('mailbox.refused', 'The server refused.', detail)
  return new AppError('connect.protocol', 'The server answered in a way we do not understand.', detail)
}

/** True for faults of the way to the server: the same command may well succeed on a new connection. */
export const isConnectionFault = (error: AppError): boolean =>
  /^(connect\.|tls\.|login\.|storage\.|lease\.)/.test(error.code)
