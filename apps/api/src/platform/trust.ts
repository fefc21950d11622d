import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'

/**
 * Options of a TLS connection that trusts `ca` (PEM) beside the usual authorities: Node alone would trust nobody else then.
 * One context for all connections: each would hold two hundred certificates of its own.
 */
export const trusting = (ca: string | undefined): { secureContext?: SecureContext } => {
  if (!ca) return {}
  const context =
    contexts.get(ca) ?? createSecureContext({ ca: [...getCACertificates('default'), ca], minVersion: 'TLSv1.2' })
  contexts.set(ca, context)
  return { secureContext: context }
}

const contexts = new Map<string, SecureContext>()
