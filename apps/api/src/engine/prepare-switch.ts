import type { ServerSettings } from '@postern/shared/accounts.ts'
import { assignRoles } from '#mail/mailbox-role.ts'
import { type EgressPolicy, resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { Secret } from '#platform/secret.ts'
import { createMailbox } from '#protocol/imap/change-mailboxes.ts'
import { listMailboxes } from '#protocol/imap/list-mailboxes.ts'
import { openImapSession } from '#protocol/imap/open-session.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { explainLogin } from './open-account-session.ts'
import { type MailboxHere, type MailboxSwitch, planMailboxSwitch } from './plan-mailbox-switch.ts'
import { type MailboxProof, proveMailbox } from './prove-mailbox.ts'

export type SwitchPreparation = {
  incoming: ServerSettings
  password: string
  policy: EgressPolicy
  ca: string | undefined
  /** Those of the account, as they are kept here. */
  mailboxes: MailboxHere[]
  proof: MailboxProof
}

/**
 * Signs in at the IMAP server that a POP3 account is to change to, sees that it is the same mailbox, and makes what mailboxes
 * it lacks. Nothing changes here: cut off in the middle, empty mailboxes stay behind, which the next time finds. Throws
 * connect.*, tls.*, login.*, mailbox.*, request.conflict.
 */
export const prepareSwitch = async ({
  incoming,
  password,
  policy,
  ca,
  mailboxes,
  proof,
}: SwitchPreparation): Promise<MailboxSwitch[]> => {
  const secret = new Secret(password)
  const [target] = await resolveChecked(incoming.host, incoming.port, policy)
  const address = target?.address ?? incoming.host
  const session = await openImapSession({ ...incoming, address, ca, password: secret }).catch((error: unknown) => {
    throw explainLogin(toSessionError(error), incoming.host, secret)
  })
  try {
    const listed = await listMailboxes(session, { withStatus: false })
    // Some show what was archived by POP3 too.
    const own = listed.filter(({ namespace, isSelectable }) => namespace === '' && isSelectable)
    const everything = [...assignRoles(own)].flatMap(([path, role]) => (role === 'all' ? path : []))
    await proveMailbox(session, ['INBOX', ...everything], proof)
    const plan = planMailboxSwitch(mailboxes, listed, session.personal)
    for (const { to, isMissing } of plan)
      if (isMissing) await createMailbox(session, to.path).catch((error: unknown) => refuse(to.name, error))
    return plan
  } finally {
    await session.logout()
  }
}

const refuse = (name: string, error: unknown): never => {
  const known = toSessionError(error)
  if (!known.code.startsWith('mailbox.')) throw known
  throw new AppError(known.code, `The server does not let the mailbox ${name} be made.`, {
    ...known.detail,
    hint: 'Rename it here, or make it at the provider, then try it again.',
  })
}
