import { assignRoles } from '#mail/mailbox-role.ts'
import { AppError } from '#platform/errors.ts'
import { createMailbox, deleteMailbox } from '#protocol/imap/change-mailboxes.ts'
import { listMailboxes } from '#protocol/imap/list-mailboxes.ts'
import { type ImapSession, openImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { toSessionError } from '#protocol/session-error.ts'
import type { ListedRow } from '#store/sync-mailboxes.ts'
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
 * it lacks, all or none. Nothing changes here: cut off in the middle, empty mailboxes stay behind, which the next time finds. Throws
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
    await makeMailboxes(
      session,
      plan.filter(({ isMissing }) => isMissing).map(({ to }) => to),
    )
    return plan
  } finally {
    await session.logout()
  }
}

/** All of them or none: the names that a server may refuse come first, and one that is refused takes back what was made. */
const makeMailboxes = async (session: ImapSession, wanted: Pick<ListedRow, 'path' | 'name'>[]): Promise<void> => {
  const made: string[] = []
  const usualLast = [...wanted].sort((a, b) => Number(isUsual(a)) - Number(isUsual(b)))
  for (const { path, name } of usualLast)
    try {
      if (await createMailbox(session, path)) made.push(path)
    } catch (error) {
      for (const own of made.reverse()) await removeIfEmpty(session, own)
      refuse(name, error)
    }
}

const isUsual = ({ name }: Pick<ListedRow, 'name'>): boolean =>
  /^[\p{L}\p{N}](?:[\p{L}\p{N} _-]*[\p{L}\p{N}])?$/u.test(name)

/** One that stays is found the next time, and what another program put into it is not ours. */
const removeIfEmpty = async (session: ImapSession, path: string): Promise<void> => {
  try {
    const { exists } = await selectMailbox(session, path, { readOnly: true })
    if (exists === 0) await deleteMailbox(session, path)
  } catch (error) {
    if (!session.isOpen()) throw toSessionError(error)
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
