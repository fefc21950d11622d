import { createHmac } from 'node:crypto'
import { xoauth2Response } from '../xoauth2.ts'
import type { Capabilities } from './capabilities.ts'

/** Who signs in, and by what. */
export type Credentials = {
  username: string
  /** The password, or an access token where `with` says so. */
  secret: string
  with: 'password' | 'accessToken'
}

/** Answers of the client to the challenges of a mechanism, in their order; both sides decoded. RFC 4422. */
export type Mechanism = { name: string; steps: ((challenge: string) => string)[] }

/** RFC 4616. */
const plain = ({ username, secret }: Credentials): Mechanism => ({
  name: 'PLAIN',
  steps: [() => `\0${username}\0${secret}`],
})

/** Never standardised; what is asked for comes in this order whatever the words. */
const login = ({ username, secret }: Credentials): Mechanism => ({
  name: 'LOGIN',
  steps: [() => username, () => secret],
})

/** RFC 2195. */
const cramMd5 = ({ username, secret }: Credentials): Mechanism => ({
  name: 'CRAM-MD5',
  steps: [(challenge) => `${username} ${createHmac('md5', secret).update(challenge, 'latin1').digest('hex')}`],
})

/** Google's and Microsoft's. A refusal comes as a challenge with the reason, which wants an empty answer. */
const xoauth2 = ({ username, secret }: Credentials): Mechanism => ({
  name: 'XOAUTH2',
  steps: [() => xoauth2Response(username, secret), () => ''],
})

/**
 * The ways to sign in, the first to be tried first; null stands for USER and PASS. Under TLS a password is sent as it is:
 * CRAM-MD5 protects nothing there, and many servers that offer it keep passwords in a form that it cannot work with.
 * Without TLS it comes first, as it keeps the password off the wire.
 */
export const planSignIn = (
  credentials: Credentials,
  capabilities: Capabilities,
  isEncrypted: boolean,
): (Mechanism | null)[] => {
  const offered = (mechanism: Mechanism) => capabilities.mechanisms.includes(mechanism.name)
  if (credentials.with === 'accessToken')
    return [xoauth2(credentials)].filter((mechanism) => offered(mechanism) || !capabilities.isListed)
  const simple = [plain(credentials), login(credentials)].filter(offered)
  const hashed = [cramMd5(credentials)].filter(offered)
  const isUserKnown = capabilities.user || simple.length + hashed.length === 0
  const clear = [...simple, ...(isUserKnown ? [null] : [])]
  return isEncrypted ? [...clear, ...hashed] : [...hashed, ...clear]
}
