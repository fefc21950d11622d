import type { ServerSettings } from '@postern/shared/accounts.ts'
import { resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import type { Secret } from '#platform/secret.ts'
import { type ImapSession, openImapSession } from '#protocol/imap/open-session.ts'
import { openPop3Session, type Pop3Session } from '#protocol/pop3/open-session.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { openSmtpSession, type SmtpSession } from '#protocol/smtp/open-session.ts'
import type { ConnectableAccount, SubmissionServer } from '#store/accounts.ts'
import { type Lease, requireLease } from '#store/lease.ts'
import { egressPolicyFor } from '#store/owner-policy.ts'
import type { EngineDeps } from './engine-deps.ts'

const appPasswordHosts = /(^|\.)(gmail\.com|googlemail\.com|yahoo\.com|aol\.com|mail\.me\.com|icloud\.com)$/i
const noPasswordHosts = /(^|\.)(outlook\.com|office365\.com|hotmail\.com|live\.com)$/i

/** An IMAP session for an account. */
export const openAccountSession = (deps: EngineDeps, account: ConnectableAccount, lease: Lease): Promise<ImapSession> =>
  openWithCare(deps, account, (address) =>
    openImapSession({
      ...account.incoming,
      address,
      ca: deps.ca,
      password: account.password,
      mayAct: () => requireLease(lease),
      socketTimeoutMs: deps.timing.silenceMs,
      maxIdleMs: deps.timing.idleRenewMs,
    }),
  )

/** A POP3 session for an account: its maildrop is locked until it ends. */
export const openMaildropSession = async (
  deps: EngineDeps,
  account: ConnectableAccount,
  lease: Lease,
): Promise<Pop3Session> => {
  const session = await openWithCare(deps, account, (address) =>
    openPop3Session({
      ...account.incoming,
      address,
      ca: deps.ca,
      password: account.password,
      mayAct: () => requireLease(lease),
      silenceMs: deps.timing.silenceMs,
    }),
  )
  // As if the server had said so: each mail is then safe here before the next is asked for.
  if (hidesFetched(account.incoming)) session.capabilities.expire = { afterDays: 0, differsByUser: false }
  return session
}

/** An SMTP session by which an account's mail goes out. */
export const openSubmissionSession = (
  deps: EngineDeps,
  { server, password, reachedAs }: SubmissionServer,
  signal: AbortSignal,
): Promise<SmtpSession> =>
  openWithCare(deps, { incoming: server, password, row: { userId: reachedAs } }, (address) =>
    openSmtpSession({
      ...server,
      address,
      ca: deps.ca,
      password,
      signal,
      connectTimeoutMs: deps.timing.submissionConnectMs,
      answerTimeoutMs: deps.timing.submissionAnswerMs,
    }),
  )

/** Gmail lists a mail no more once any program has fetched it, unless the login name begins with `recent:`. */
export const hidesFetched = ({ host, username }: Pick<ServerSettings, 'host' | 'username'>): boolean =>
  /^pop\.(gmail|googlemail)\.com$/i.test(host) && !username.toLowerCase().startsWith('recent:')

/** Judged address, connect budget, and failures in the words of the provider. */
const openWithCare = async <Session>(
  deps: EngineDeps,
  { incoming, password, row }: { incoming: ServerSettings; password: Secret; row: { userId: bigint } },
  open: (address: string) => Promise<Session>,
): Promise<Session> => {
  const policy = await deps.store.readSystem((tx) => egressPolicyFor(tx, row.userId))
  const [target] = await resolveChecked(incoming.host, incoming.port, policy)
  const leave = await deps.budget.enter(incoming.host)
  try {
    const session = await open(target?.address ?? incoming.host)
    leave('ok')
    return session
  } catch (error) {
    const known = explainLogin(toSessionError(error), incoming.host, password)
    leave(known.code === 'connect.limit' || known.code === 'connect.throttled' ? 'refused' : 'failed')
    throw known
  }
}

/** A refused password means something else at providers that take no plain passwords. What was refused is not repeated. */
export const explainLogin = (refusal: AppError, host: string, password: Secret): AppError => {
  const error = withoutSecret(refusal, password)
  if (error.code !== 'login.failed') return error
  if (noPasswordHosts.test(host))
    return new AppError('login.no_passwords', 'Microsoft no longer takes passwords from mail programs.', {
      ...error.detail,
      hint: 'This account can be added once Postern supports signing in through Microsoft; for now it cannot.',
    })
  if (appPasswordHosts.test(host))
    return new AppError(
      'login.app_password',
      'This provider wants an app password here, not the password of your account.',
      { ...error.detail, hint: 'Make an app password in the security settings of the provider and enter it here.' },
    )
  return new AppError('login.failed', error.message, {
    ...error.detail,
    hint: 'Check the name and the password. Some providers want the whole address as the name.',
  })
}

const withoutSecret = (error: AppError, password: Secret): AppError => {
  const { serverText, cause, ...detail } = error.detail
  if (serverText === undefined || password.hideIn(serverText) === serverText) return error
  return new AppError(error.code, error.message, { ...detail, serverText: password.hideIn(serverText) })
}
