import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { AppError } from './errors.ts'

/** By the further authorities in it. One for all connections: each with its own would hold the whole list again. */
const contexts = new Map<string, SecureContext>()

/** Trusts whom everybody trusts and, beside them, further authorities (PEM): Node takes `ca` for all there are. */
export const clientContext = (ca: string | undefined): SecureContext => {
  const known = contexts.get(ca ?? '')
  if (known) return known
  const made = createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca ? { ca: [...getCACertificates('default'), ca] } : {}),
  })
  contexts.set(ca ?? '', made)
  return made
}

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
