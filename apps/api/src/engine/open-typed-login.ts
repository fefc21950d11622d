import type { ServerSettings } from '@postern/shared/accounts.ts'
import { type EgressPolicy, resolveChecked } from '#platform/egress.ts'
import { Secret } from '#platform/secret.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { explainLogin } from './open-account-session.ts'

/** What a person typed, and no account has yet. */
export type TypedLogin = { incoming: ServerSettings; password: string; policy: EgressPolicy; ca: string | undefined }

type Login = ServerSettings & { address: string; ca: string | undefined; password: Secret }

/** Signs in once, at a judged address; what goes wrong is told in the words of the provider. Throws connect.*, tls.*, login.*. */
export const openTypedLogin = async <Session>(
  { incoming, password, policy, ca }: TypedLogin,
  open: (login: Login) => Promise<Session>,
): Promise<Session> => {
  const secret = new Secret(password)
  const [target] = await resolveChecked(incoming.host, incoming.port, policy)
  const address = target?.address ?? incoming.host
  try {
    return await open({ ...incoming, address, ca, password: secret })
  } catch (error) {
    throw explainLogin(toSessionError(error), incoming.host, secret)
  }
}
