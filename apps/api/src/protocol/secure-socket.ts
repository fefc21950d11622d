import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls'
import { AppError } from '#platform/errors.ts'
import { trusting } from '#platform/trust.ts'
import { CertificateError, type CertificateFacts } from './session-error.ts'

/** Where a session goes: the name people typed, and the address that was judged for it (platform/egress.ts). */
export type Endpoint = {
  host: string
  port: number
  address: string
  /** SHA-256, lower-case hex: exactly this certificate is accepted, whatever else is wrong with it. */
  pinnedFingerprint: string | null
  /** Further authorities beside the usual ones, PEM. */
  ca?: string | undefined
  /** Ends the connection at once, also one that is just being made. */
  signal?: AbortSignal | undefined
}

/** A plain connection to the judged address; `onConnect` when it stands. Errors come as `error` events. */
export const openTcp = ({ address, port, signal }: Endpoint, onConnect: () => void): Socket => {
  const socket = connectTcp({ host: address, port, noDelay: true })
  socket.once('connect', onConnect)
  endBy(signal, socket)
  return socket
}

const endBy = (signal: AbortSignal | undefined, socket: Socket): void => {
  if (!signal) return
  const end = () => {
    socket.destroy(new AppError('connect.closed', 'The connection was given up.'))
  }
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  socket.once('close', () => signal.removeEventListener('abort', end))
}

/**
 * TLS on a new or an existing connection. Nothing may be written before `onSecure`: it is called only after the
 * certificate was accepted. Otherwise the socket fails with a CertificateError.
 */
export const openTls = (endpoint: Endpoint, onSecure: () => void, over?: Socket): TLSSocket => {
  const servername = isIP(endpoint.host) ? undefined : endpoint.host
  const socket = connectTls({
    ...(over ? { socket: over } : { host: endpoint.address, port: endpoint.port }),
    ...(servername ? { servername } : {}),
    ...trusting(endpoint.ca),
    // The verdict is ours, below: a refusal has to show what was presented.
    rejectUnauthorized: false,
  })
  if (!over) socket.setNoDelay(true)
  endBy(endpoint.signal, socket)
  socket.once('secureConnect', () => {
    const problem = judgeCertificate(endpoint, socket)
    if (problem) socket.destroy(problem)
    else onSecure()
  })
  return socket
}

const first = (value: string | string[] | undefined): string =>
  Array.isArray(value) ? (value[0] ?? '') : (value ?? '')

export const certificateFacts = (certificate: PeerCertificate): CertificateFacts => ({
  fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  subject: first(certificate.subject?.CN),
  names: (certificate.subjectaltname ?? '')
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''))
    .filter((name) => name !== '')
    .slice(0, 20),
  validFrom: certificate.valid_from,
  validTo: certificate.valid_to,
  issuer: first(certificate.issuer?.O) || first(certificate.issuer?.CN),
})

/** What is wrong with the certificate of a finished handshake that was made without a verdict; undefined when nothing is. */
export const judgeCertificate = (endpoint: Endpoint, socket: TLSSocket): AppError | undefined => {
  const certificate = socket.getPeerCertificate()
  if (!certificate.fingerprint256) return new AppError('tls.handshake', 'The server showed no certificate.')
  const facts = certificateFacts(certificate)
  if (endpoint.pinnedFingerprint !== null) {
    if (facts.fingerprint === endpoint.pinnedFingerprint) return undefined
    return new CertificateError(
      'tls.pin_changed',
      'The server shows another certificate than the one you trusted.',
      'If the provider renewed it, look at the new one and trust it in the account settings.',
      facts,
    )
  }
  if (Date.parse(facts.validTo) < Date.now())
    return new CertificateError(
      'tls.expired',
      `The certificate of ${endpoint.host} expired on ${facts.validTo}.`,
      'Tell whoever runs the server. If you know the server, you can trust exactly this certificate.',
      facts,
    )
  const nameProblem = checkServerIdentity(endpoint.host, certificate)
  if (socket.authorized && !nameProblem) return undefined
  if (nameProblem && (socket.authorized || !isTrustProblem(socket)))
    return new CertificateError(
      'tls.name',
      `The certificate is for another name than ${endpoint.host}.`,
      facts.names.length > 0
        ? `It names: ${facts.names.join(', ')}. Use one of these as the server name.`
        : 'Check the server name.',
      facts,
    )
  return new CertificateError(
    'tls.untrusted',
    `Nobody we trust vouches for the certificate of ${endpoint.host}.`,
    'On a server of your own this is usual: compare the fingerprint, then trust exactly this certificate.',
    facts,
  )
}

/** Whether Node complains about the chain, not only about the name. */
const isTrustProblem = (socket: TLSSocket): boolean =>
  !/altname|hostname|ip/i.test(String(socket.authorizationError ?? ''))
