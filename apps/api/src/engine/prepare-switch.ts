import { assignRoles } from '#mail/mailbox-role.ts'
import { AppError } from '#platform/errors.ts'
import { createMailbox } from '#protocol/imap/change-mailboxes.ts'
import { listMailboxes } from '#protocol/imap/list-mailboxes.ts'
import { openImapSession } from '#protocol/imap/open-session.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { openTypedLogin, type TypedLogin } from './open-typed-login.ts'
import { type MailboxHere, type MailboxSwitch, planMailboxSwitch } from './plan-mailbox-switch.ts'
import { type MailboxProof, proveMailbox } from './prove-mailbox.ts'

export type SwitchPreparation = TypedLogin & {
  /** Those of the account, as they are kept here. */
  mailboxes: MailboxHere[]
  proof: MailboxProof
}

/**
 * Signs in at the IMAP server that a POP3 account is to change to, sees that it is the same mailbox, and makes what mailboxes
 * it lacks. Nothing changes here: cut off in the middle, empty mailboxes stay behind, which the next time finds. Throws
 * connect.*, tls.*, login.*, mailbox.*, request.conflict.
 */
export const prepareSwitch = async ({ mailboxes, proof, ...login }: SwitchPreparation): Promise<MailboxSwitch[]> => {
  const session = await openTypedLogin(login, openImapSession)
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
