import { displayLine } from '#mail/storable-text.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import { wrongProtocol } from '../greeting.ts'
import { maxServerText, toSessionError } from '../session-error.ts'

/** Errors of the library, of sockets and of servers that are no answer to a mail. */
export const toSmtpError = (error: unknown): AppError => {
  if (isAppError(error)) return error
  const loose = error as { code?: unknown; response?: unknown; message?: unknown } // read-only look at a library's error
  const serverText = typeof loose.response === 'string' ? displayLine(loose.response, maxServerText) : undefined
  const detail = { cause: error, ...(serverText ? { serverText } : {}) }
  if (loose.code === 'EAUTH') return refusedLogin(serverText ?? '', detail)
  if (loose.code === 'ETLS') return needsTls('The sending server offers no encryption at this port.', detail)
  const stranger = serverText && wrongProtocol(serverText, 'SMTP')
  if (stranger) return stranger
  // The library's own codes for a connection that broke, whatever the socket said.
  const isCut = loose.code === 'ECONNECTION' || (loose.code === 'ESOCKET' && !/SSL|TLS/i.test(String(loose.message)))
  const known = toSessionError(isCut ? { code: 'ECONNRESET' } : error)
  if (known.code !== 'tls.handshake') return known
  return new AppError(known.code, known.message, {
    cause: error,
    hint: 'The server may not speak TLS at this port: try STARTTLS (usually port 587), or port 465.',
  })
}

type Detail = { cause: unknown; serverText?: string }

/** Only some answers to AUTH are about the name and the password. RFC 4954 4, 6. */
const refusedLogin = (said: string, detail: Detail): AppError => {
  const code = Number(said.slice(0, 3))
  if (code >= 400 && code < 500)
    return new AppError('login.unavailable', 'The sending server cannot let anybody in right now.', detail)
  if (code === 530 || code === 538) return needsTls('The sending server wants an encrypted connection.', detail)
  if (code >= 502 && code <= 504)
    return new AppError('login.method', 'The sending server does not take this way to sign in.', detail)
  return new AppError('login.failed', 'The sending server does not accept this name and password.', detail)
}

const needsTls = (message: string, detail: Detail): AppError =>
  new AppError('tls.starttls_missing', message, { ...detail, hint: 'Port 465 with TLS is usual.' })
