import type SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import { AppError } from '#platform/errors.ts'
import type { Secret } from '#platform/secret.ts'
import { xoauth2Response } from '../xoauth2.ts'
import { askServer, promised } from './ask-server.ts'

export type Credentials = {
  username: string
  /** The password, or an access token. */
  password: Secret
  signInWith?: 'password' | 'accessToken'
}

/** By PLAIN or LOGIN, or by XOAUTH2 for an access token. Rejects with what toSmtpError reads, or login.method. RFC 4954. */
export const signIn = (smtp: SMTPConnection, credentials: Credentials): Promise<void> =>
  credentials.signInWith === 'accessToken' ? byAccessToken(smtp, credentials) : byPassword(smtp, credentials)

const byPassword = (smtp: SMTPConnection, { username, password }: Credentials): Promise<void> => {
  const credentials = { user: username, pass: password.reveal() }
  return promised((done) => smtp.login({ ...credentials, credentials }, done), smtp)
}

/** Ours, as the library asks for another token when one is refused, and the server's reason is lost. */
const byAccessToken = async (smtp: SMTPConnection, { username, password }: Credentials): Promise<void> => {
  const { _supportedAuth: offered } = smtp as unknown as { _supportedAuth?: unknown } // what it keeps to itself
  if (!Array.isArray(offered) || !offered.includes('XOAUTH2'))
    throw new AppError('login.method', 'The sending server does not take the sign-in of this provider.')
  // In two steps: a server that does not know the mechanism after all gets to see no token.
  let said = await askServer(smtp, 'AUTH XOAUTH2')
  if (isChallenge(said)) said = await askServer(smtp, base64(xoauth2Response(username, password.reveal())))
  let reason = ''
  if (isChallenge(said)) {
    reason = Buffer.from(said.slice(4), 'base64').toString('utf8')
    said = await askServer(smtp, '')
  }
  if (said.startsWith('235')) return
  const response = `${said.trim()} ${reason}`.trim()
  throw Object.assign(new Error('the token was refused'), { code: 'EAUTH', response })
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const isChallenge = (said: string): boolean => said.startsWith('334')
