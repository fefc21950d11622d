import type SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import { AppError } from '#platform/errors.ts'
import type { Secret } from '#platform/secret.ts'
import { xoauth2Response } from '../xoauth2.ts'
import { askServer, promised } from './ask-server.ts'
import { toSmtpError } from './smtp-error.ts'

export type Credentials = {
  username: string
  /** The password, or an access token. */
  password: Secret
  signInWith?: 'password' | 'accessToken'
}

/** By PLAIN or LOGIN, or by XOAUTH2 for an access token. Throws login.*, tls.starttls_missing, connect.*. RFC 4954. */
export const signIn = async (smtp: SMTPConnection, credentials: Credentials): Promise<void> => {
  try {
    await (credentials.signInWith === 'accessToken' ? byAccessToken(smtp, credentials) : byPassword(smtp, credentials))
  } catch (error) {
    throw withoutAnswers(toSmtpError(error), credentials)
  }
}

const byPassword = (smtp: SMTPConnection, { username, password }: Credentials): Promise<void> => {
  const credentials = { user: username, pass: password.reveal() }
  return promised((done) => smtp.login({ ...credentials, credentials }, done), smtp)
}

/** Ours, as the library asks for another token when one is refused, and the server's reason is lost. */
const byAccessToken = async (smtp: SMTPConnection, credentials: Credentials): Promise<void> => {
  const { _supportedAuth: offered } = smtp as unknown as { _supportedAuth?: unknown } // what it keeps to itself
  if (!Array.isArray(offered) || !offered.includes('XOAUTH2'))
    throw new AppError('login.method', 'The sending server does not take the sign-in of this provider.')
  // In two steps: a server that does not know the mechanism after all gets to see no token.
  let said = await askServer(smtp, 'AUTH XOAUTH2')
  if (isChallenge(said)) said = await askServer(smtp, answersOf(credentials).token)
  let reason = ''
  if (isChallenge(said)) {
    reason = Buffer.from(said.slice(4), 'base64').toString('utf8')
    said = await askServer(smtp, '')
  }
  if (!said.startsWith('235')) throw { code: 'EAUTH', response: `${said.trim()} ${reason}`.trim() }
}

const isChallenge = (said: string): boolean => said.startsWith('334')

/** What goes over the wire; base64 hides nothing. */
const answersOf = ({ username, password }: Credentials) => {
  const secret = password.reveal()
  const encode = (text: string) => Buffer.from(text).toString('base64')
  return {
    token: encode(xoauth2Response(username, secret)),
    plain: encode(`\0${username}\0${secret}`),
    login: encode(secret),
  }
}

/** A server that lost the thread repeats an answer as an unknown command. */
const withoutAnswers = (error: AppError, credentials: Credentials): AppError => {
  const { serverText, cause: _, ...detail } = error.detail
  if (serverText === undefined) return error
  const hidden = Object.values(answersOf(credentials)).reduce(
    (rest, line) => rest.replaceAll(line, '[secret]'),
    serverText,
  )
  return hidden === serverText ? error : new AppError(error.code, error.message, { ...detail, serverText: hidden })
}
