import { createHash, type Hash } from 'node:crypto'

/** A running SHA-256; `digest()` gives 32 bytes. */
export const newSha256 = (): Hash => createHash('sha256')
