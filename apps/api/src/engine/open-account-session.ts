import { resolveChecked } from '#platform/egress.ts'
import { type AppError, isAppError } from '#platform/errors.ts'
import { type ImapSession, openImapSession } from '#protocol/imap/open-session.ts'
import { toSessionError } from '#protocol/session-error.ts'
import type { ConnectableAccount } from '#store/accounts.ts'
import { type Lease, requireLease } from '#store/lease.ts'
import { egressPolicyFor } from '#store/owner-policy.ts'
import type { EngineDeps } from './engine-deps.ts'

const appPasswordHosts = /(^|\.)(gmail\.com|googlemail\.com|yahoo\.com|aol\.com|mail\.me\.com|icloud\.com)$/i
const noPasswordHosts = /(^|\.)(outlook\.com|office365\.com|hotmail\.com|live\.com)$/i

/** A session for an account: judged address, connect budget, and failures in the words of its provider. */
export const openAccountSession = async (
  deps: EngineDeps,
  account: ConnectableAccount,
  lease: Lease,
): Promise<ImapSession> => {
  const { incoming, password, row } = account
  const policy = await deps.store.readSystem((tx) => egressPolicyFor(tx, row.userId))
  const [target] = await resolveChecked(incoming.host, incoming.port, policy)
  const leave = await deps.budget.enter(incoming.host)
  try {
    const session = await openImapSession({
      ...incoming,
      address: target?.address ?? incoming.host,
      ca: deps.ca,
      password,
      mayAct: () => requireLease(lease),
      socketTimeoutMs: deps.timing.silenceMs,
      maxIdleMs: deps.timing.idleRenewMs,
    })
    leave('ok')
    return session
  } catch (error) {
    const known = explainLogin(toSessionError(error), incoming.host)
    leave(known.code === 'connect.limit' || known.code === 'connect.throttled' ? 'refused' : 'failed')
    throw known
  }
}

/** A refused password means something else at providers that take no plain passwords. */
export const explainLogin = (error: AppError, host: string): AppError => {
  if (!isAppError(error) || error.code !== 'login.failed') return error
  const Known = error.constructor as new (...args: ConstructorParameters<typeof AppError>) => AppError // AppError itself
  if (noPasswordHosts.test(host))
    return new Known('login.no_passwords', 'Microsoft no longer takes passwords from mail programs.', {
      ...error.detail,
      hint: 'This account can be added once Postern supports signing in through Microsoft; for now it cannot.',
    })
  if (appPasswordHosts.test(host))
    return new Known(
      'login.app_password',
      'This provider wants an app password here, not the password of your account.',
      { ...error.detail, hint: 'Make an app password in the security settings of the provider and enter it here.' },
    )
  return new Known('login.failed', error.message, {
    ...error.detail,
    hint: 'Check the name and the password. Some providers want the whole address as the name.',
  })
}
