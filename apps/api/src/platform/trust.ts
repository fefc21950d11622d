import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { AppError } from './errors.ts'

/**
 * Options of a TLS connection that trusts `ca` (PEM) beside the usual authorities: Node alone would trust nobody else then.
 * One context for all connections: each would hold two hundred certificates of its own.
 */
export const trusting = (ca: string | undefined): { secureContext: SecureContext } => {
  const known = contexts.get(ca ?? '')
  if (known) return { secureContext: known }
  const further = ca ? { ca: [...getCACertificates('default'), ca] } : {}
  const secureContext = createSecureContext({ ...further, minVersion: 'TLSv1.2' })
  contexts.set(ca ?? '', secureContext)
  return { secureContext }
}

const contexts = new Map<string, SecureContext>()

/** The content of CA_FILE; undefined without one. Throws config.invalid when it holds no certificates. */
export const readAuthorities = async (file: string | null): Promise<string | undefined> => {
  if (file === null) return undefined
  try {
    const ca = await readFile(file, 'utf8')
    // Node passes over whatever is no certificate without a word.
    new X509Certificate(ca)
    return ca
  } catch (cause) {
    throw new AppError('config.invalid', 'The file that CA_FILE names cannot be used.', {
      hint: 'It must be readable and hold certificates (PEM).',
      cause,
    })
  }
}
