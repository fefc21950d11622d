import type { MailboxRole } from '@postern/shared/mailboxes.ts'
import type { Tx } from './open-store.ts'

/**
 * Mailboxes of an account whose server has none (POP3): they are kept here, complete from the first moment, with uids that
 * we give. Their paths are those an IMAP server would most likely have, should the account ever move to one.
 */
export const usualMailboxes: { path: string; role: MailboxRole }[] = [
  { path: 'INBOX', role: 'inbox' },
  { path: 'Drafts', role: 'drafts' },
  { path: 'Sent', role: 'sent' },
  { path: 'Archive', role: 'archive' },
  { path: 'Junk', role: 'junk' },
  { path: 'Trash', role: 'trash' },
]

/** The delimiter of paths kept here. */
export const delimiterHere = '/'

/** What every mailbox kept here has: one life, nothing to be fetched. RFC 9051 2.3.1.1. */
export const lifeHere = { uidValidity: 1n, uidNext: 1n, fillUid: 1n, delimiter: delimiterHere }

export const createMailboxesHere = async (tx: Tx, accountId: bigint): Promise<void> => {
  await tx.mailbox.createMany({
    data: usualMailboxes.map(({ path, role }) => ({ accountId, path, name: path, role, ...lifeHere })),
  })
}
