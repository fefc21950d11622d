import { listMailboxes } from '#protocol/imap/list-mailboxes.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { readMailboxMarks } from '#store/command-work.ts'
import type { Store } from '#store/open-store.ts'

/**
 * Whether a mailbox the server no longer knows may only have got another name: a path we do not know bears its
 * UIDVALIDITY. Then nothing is decided here; the sync of the tree follows renames, and the command waits for it.
 */
export const looksRenamed = async (
  { store, session, accountId }: { store: Store; session: ImapSession; accountId: bigint },
  mailboxId: bigint,
): Promise<boolean> => {
  const marks = await store.readSystem((tx) => readMailboxMarks(tx, accountId))
  const own = marks.find(({ id }) => id === mailboxId)
  if (!own || own.uidValidity === null) return false
  const known = new Set(marks.map(({ path }) => path))
  const listed = await listMailboxes(session, { withStatus: true })
  return listed.some(({ path, status }) => !known.has(path) && status?.uidValidity === own.uidValidity)
}
