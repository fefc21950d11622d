import type { MailboxRole } from '@postern/shared/mailboxes.ts'
import { AppError } from '#platform/errors.ts'
import type { Unit } from '#store/commit.ts'
import type { Mailbox } from '#store/generated/client.ts'

const usualNames: Partial<Record<MailboxRole, string>> = {
  archive: 'Archive',
  trash: 'Trash',
  junk: 'Junk',
  drafts: 'Drafts',
  sent: 'Sent',
}

/** The person's own mapping counts before what was found. */
export const roleOf = (mailbox: { role: string | null; chosenRole: string | null }): string | null =>
  mailbox.chosenRole === 'none' ? null : (mailbox.chosenRole ?? mailbox.role)

/**
 * The account's mailbox of a role. When there is none, a row is made under the usual name, and the server gets it when the
 * command is carried out. Throws mailbox.missing for roles that cannot be made.
 */
export const mailboxForRole = async (unit: Unit, accountId: bigint, role: MailboxRole): Promise<Mailbox> => {
  const all = await unit.tx.mailbox.findMany({ where: { accountId } })
  const playing = (wanted: MailboxRole) =>
    all.find((mailbox) => mailbox.chosenRole === wanted) ?? all.find((mailbox) => roleOf(mailbox) === wanted)
  // Where everything lies in one mailbox anyway, as at Gmail, to archive is to take away the other places.
  const found = playing(role) ?? (role === 'archive' ? playing('all') : undefined)
  if (found) return found
  const name = usualNames[role]
  const inbox = all.find((mailbox) => mailbox.role === 'inbox')
  if (!name || !inbox)
    throw new AppError('mailbox.missing', 'This account has no such mailbox.', {
      hint: 'Choose one for this role on the page of the account.',
    })
  const delimiter = inbox.delimiter ?? '/'
  // Servers of the Courier and Cyrus kind keep everything below INBOX.
  const others = all.filter((mailbox) => mailbox.id !== inbox.id && mailbox.namespace === '')
  const isBelowInbox = others.length > 0 && others.every((mailbox) => mailbox.path.startsWith(`INBOX${delimiter}`))
  const path = isBelowInbox ? `INBOX${delimiter}${name}` : name
  const same = all.find((mailbox) => mailbox.path === path)
  if (same) return unit.tx.mailbox.update({ where: { id: same.id }, data: { chosenRole: role } })
  const made = await unit.tx.mailbox.create({ data: { accountId, path, name, delimiter, role } })
  unit.log({ accountId }, { kind: 'mailboxes', mailboxIds: [made.id.toString()], removed: [] })
  return made
}
