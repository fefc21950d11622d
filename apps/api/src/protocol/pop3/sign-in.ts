import { AppError } from '#platform/errors.ts'
import type { Secret } from '#platform/secret.ts'
import type { Capabilities } from './capabilities.ts'
import { type Channel, refuseBreaks } from './channel.ts'
import { type Credentials, type Mechanism, planSignIn } from './mechanisms.ts'
import { refusalOf, type Status } from './status-line.ts'

export type SignInOptions = {
  username: string
  /** The password, or an access token. */
  password: Secret
  signInWith?: 'password' | 'accessToken'
}

/** `\x01` ends a field of XOAUTH2 as NUL does in PLAIN. Throws request.invalid. */
export const checkCredentials = ({ username, password }: SignInOptions): void => {
  for (const value of [username, password.reveal()]) refuseBreaks(value.replaceAll('\x01', '\0'))
}

/**
 * Signs in by the first way that the server takes. A way that it refuses before it has seen the password leads to the
 * next; a refused password is final, since trying it again in another way only counts as one more failure. RFC 5034.
 */
export const signIn = (
  channel: Channel,
  capabilities: Capabilities,
  { isEncrypted, ...options }: SignInOptions & { isEncrypted: boolean },
): Promise<void> =>
  channel.alone(async () => {
    const credentials: Credentials = {
      username: options.username,
      secret: options.password.reveal(),
      with: options.signInWith ?? 'password',
    }
    const judge = new RefusalJudge(options.password, capabilities, isEncrypted)
    let last: { status: Status; isUser: boolean } | null = null
    // Without it the server may rewrite mail with addresses in UTF-8 (RFC 6857); a refusal changes nothing. RFC 6856 2.
    if (capabilities.utf8) await command(channel, 'UTF8')
    for (const mechanism of planSignIn(credentials, capabilities, isEncrypted)) {
      const outcome = await (mechanism ? authenticate(channel, mechanism) : userAndPass(channel, credentials))
      if (outcome.kind === 'ok') return
      if (outcome.kind === 'refused') throw judge.ofCredentials(outcome.status)
      if (!judge.isAboutTheWay(outcome.status)) throw judge.ofCredentials(outcome.status)
      last = { status: outcome.status, isUser: mechanism === null }
    }
    throw judge.ofAllWays(last, credentials.with)
  })

/** `notTaken`: before the password was sent. */
type Outcome = { kind: 'ok' } | { kind: 'refused' | 'notTaken'; status: Status }

/**
 * Always in two steps. An answer in the same line as the command is younger than many servers, and a server that does not
 * know the mechanism gets to see no password this way.
 */
const authenticate = async (channel: Channel, { name, steps }: Mechanism): Promise<Outcome> => {
  channel.send(`AUTH ${name}`)
  let reply = await channel.readReply()
  const sent: string[] = []
  let reason = ''
  while (reply.kind === 'challenge') {
    const challenge = Buffer.from(reply.text, 'base64').toString('latin1')
    if (sent.length > 0) reason = challenge
    const step = steps[sent.length]
    // `*` gives up where a server asks for more than the mechanism has. RFC 5034 4.
    const answer = step ? Buffer.from(step(challenge)).toString('base64') : '*'
    channel.respond(answer)
    if (sent.push(answer) > steps.length + 1)
      throw channel.fail(new AppError('connect.protocol', 'The server goes on asking while we sign in.'))
    reply = await channel.readReply()
  }
  if (reply.kind === 'ok') return { kind: 'ok' }
  if (sent.length === 0) return { kind: 'notTaken', status: reply }
  const status = { ...reply, text: withoutLines(reply.text, sent) }
  return { kind: 'refused', status: name === 'XOAUTH2' ? withReason(status, reason) : status }
}

/** A server that lost the thread repeats an answer as an unknown command, and base64 hides nothing. */
const withoutLines = (text: string, lines: string[]): string =>
  lines.reduce((rest, line) => (line.length > 1 ? rest.replaceAll(line, '[secret]') : rest), text)

/** Google's JSON says more than the line that follows it. */
const withReason = (status: Status, reason: string): Status =>
  reason === '' ? status : { ...status, text: `${status.text} ${reason}`.trim() }

const userAndPass = async (channel: Channel, { username, secret }: Credentials): Promise<Outcome> => {
  const user = await command(channel, `USER ${username}`)
  if (user.kind === 'refused') return { kind: 'notTaken', status: user }
  const pass = await command(channel, `PASS ${secret}`)
  return pass.kind === 'ok' ? { kind: 'ok' } : { kind: 'refused', status: pass }
}

const command = async (channel: Channel, line: string): Promise<Status> => {
  channel.send(line)
  return channel.readStatus()
}

/** What a refusal means while somebody signs in. */
class RefusalJudge {
  readonly #password: Secret
  readonly #loginDelayMs: number | undefined
  readonly #isEncrypted: boolean

  constructor(password: Secret, { loginDelay }: Capabilities, isEncrypted: boolean) {
    this.#password = password
    this.#loginDelayMs = loginDelay ? loginDelay.seconds * 1000 : undefined
    this.#isEncrypted = isEncrypted
  }

  /** Not about the account or the server's state. */
  isAboutTheWay(status: Status): boolean {
    return status.code === null || status.code === 'AUTH' ? this.#judge(status).code === 'login.failed' : false
  }

  ofCredentials(status: Status): AppError {
    const known = this.#judge(status)
    if (known.code === 'connect.throttled' && this.#loginDelayMs !== undefined)
      return new AppError(known.code, known.message, { ...known.detail, retryAfterMs: this.#loginDelayMs })
    // RFC 3206 has SYS/TEMP for both, and while somebody signs in it is the login that cannot be had.
    if (known.code === 'mailbox.unavailable')
      return new AppError('login.unavailable', 'The server cannot let anybody in right now.', known.detail)
    return known
  }

  ofAllWays(last: { status: Status; isUser: boolean } | null, signInWith: Credentials['with']): AppError {
    const detail = last ? this.#judge(last.status).detail : {}
    const wantsTls = /\b(tls|ssl|stls|encrypt|plain ?text|clear ?text|secure)/i
    if (last && !this.#isEncrypted && wantsTls.test(last.status.text))
      return new AppError('tls.starttls_missing', 'The server wants an encrypted connection.', {
        ...detail,
        hint: 'Choose TLS (usually port 995) or STARTTLS.',
      })
    if (signInWith === 'accessToken')
      return new AppError('login.method', 'The server does not take the sign-in of this provider.', detail)
    // A server may refuse a name before it hears the password.
    if (last && (last.isUser || last.status.code === 'AUTH')) return this.#judge(last.status)
    return new AppError('login.method', 'The server offers no way to sign in with a password.', detail)
  }

  /** Some servers repeat the whole login in their refusal. */
  #judge(status: Status): AppError {
    const text = this.#password.hideIn(status.text)
    return refusalOf(
      { ...status, text },
      new AppError('login.failed', 'The server does not accept this name and password.'),
    )
  }
}
