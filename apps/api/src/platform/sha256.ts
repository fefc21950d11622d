import { createHash, type Hash } from 'node:crypto'

/** A running SHA-256; `digest()` gives 32 bytes. */
export const newSha256 = (): Hash => createHash('sha256')

/** An id that is the same for the same text. RFC 9562 5.8. */
export const idFrom = (text: string): string => {
  const hex = newSha256().update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
