import { createHmac, timingSafeEqual } from 'node:crypto'

/** Signs the parts of an address so that only we can have made it. `parts` never contain secrets. */
export const signParts = (key: Buffer, parts: string[]): string =>
  createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url')

/** Constant-time comparison; false for anything that is not exactly our signature. */
export const isSignedBy = (key: Buffer, parts: string[], signature: string): boolean => {
  const expected = Buffer.from(signParts(key, parts))
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
