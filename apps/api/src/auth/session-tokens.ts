import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits for a cookie or a link; only their hash is stored. */
export const newToken = (): string => randomBytes(32).toString('base64url')
export const tokenHash = (token: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(createHash('sha256').update(token).digest())

export const sessionDays = 90
/** `__Host-` pins a cookie to this host and to TLS; without TLS browsers refuse that name. */
export const cookieName = (isSecure: boolean): string => (isSecure ? '__Host-postern_session' : 'postern_session')
