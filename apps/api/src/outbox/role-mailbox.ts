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

/** How paths are spelled; `prefix` is that of the top of one's own mailboxes, as `INBOX.` at Courier and Cyrus. RFC 2342. */
export type PathStyle = { delimiter: string | null; prefix: string }

/** How a server most likely spells paths, by those we know: Courier and Cyrus keep everything below INBOX. */
export const pathStyleOf = (all: Pick<Mailbox, 'role' | 'path' | 'delimiter' | 'namespace'>[]): PathStyle => {
  const inbox = all.find(({ role }) => role === 'inbox')
  const delimiter = inbox?.delimiter ?? '/'
  const others = all.filter((mailbox) => mailbox !== inbox && mailbox.namespace === '')
  const isBelowInbox = others.length > 0 && others.every(({ path }) => path.startsWith(`INBOX${delimiter}`))
  return { delimiter, prefix: isBelowInbox ? `INBOX${delimiter}` : '' }
}

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
  const { prefix, delimiter } = pathStyleOf(all)
  const path = `${prefix}${name}`
  const same = all.find((mailbox) => mailbox.path === path)
  if (same) return unit.tx.mailbox.update({ where: { id: same.id }, data: { chosenRole: role } })
  const made = await unit.tx.mailbox.create({ data: { accountId, path, name, delimiter, role } })
  unit.log({ accountId }, { kind: 'mailboxes', mailboxIds: [made.id.toString()], removed: [] })
  return made
}
