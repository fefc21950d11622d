import { type AccountKind, type ServerSettings, serverSettings } from '@postern/shared/accounts.ts'
import type { MailboxProof, ReturnCandidate } from '#engine/engine.ts'
import { readMessageId } from '#mail/read-message-id.ts'
import { type AccountRow, listAccounts } from '#store/accounts.ts'
import type { Store } from '#store/open-store.ts'
import { readListedSources } from '#store/pop-ledger.ts'
import { isSameLogin, mailboxIsHere } from './same-mailbox.ts'

/** As many of the newest are compared. */
const proofMails = 20

/**
 * What must hold of the mailbox that a POP3 account is to change to, so that its mails are not brought into another one.
 * Throws account.exists.
 */
export const readProof = async (store: Store, account: AccountRow, incoming: ServerSettings): Promise<MailboxProof> => {
  await requireOwnLogin(store, account, { kind: 'imap', incoming })
  const sources = await store.read(account.userId, (tx) => readListedSources(tx, account.id, proofMails))
  const messageIds = (await Promise.all(sources.map(readMessageId))).flatMap((messageId) => messageId ?? [])
  return { messageIds, isSameName: hasNameOf(account, incoming) }
}

/** Throws account.exists when another account shows that mailbox by that protocol already: there is no way round it. */
export const requireOwnLogin = async (
  store: Store,
  { id, userId }: AccountRow,
  { kind, incoming }: { kind: AccountKind; incoming: ServerSettings },
): Promise<void> => {
  const rows = await store.read(userId, (tx) => listAccounts(tx, userId))
  const other = rows.find((row) => row.id !== id && row.kind === kind && isSameLogin(row, incoming))
  if (other) throw mailboxIsHere(other, 'Check the user name. If it is right, that account shows it: keep that one.')
}

/** By another protocol it is at another host always, and proven in another way. */
export const isElsewhere = (account: AccountRow, { host, username }: ServerSettings): boolean => {
  const before = serverSettings.parse(account.incoming)
  return before.host.toLowerCase() !== host.toLowerCase() || before.username !== username
}

/** A disconnected account that was elsewhere, and may find its own mailbox there. */
export const returnCandidate = (account: AccountRow, incoming: ServerSettings): ReturnCandidate => ({
  accountId: account.id,
  isSameName: hasNameOf(account, incoming),
})

export const hasNameOf = (account: AccountRow, { username }: ServerSettings): boolean =>
  [serverSettings.parse(account.incoming).username, account.address].some((name) => isSameName(name, username))

/** Providers take the whole address or what stands before its @. */
export const isSameName = (one: string, other: string): boolean => {
  const [a, b] = [splitName(one), splitName(other)]
  return a.local === b.local && (a.domain === b.domain || a.domain === '' || b.domain === '')
}

const splitName = (name: string): { local: string; domain: string } => {
  // Gmail shows a maildrop in full to a name that begins so.
  const lower = name.toLowerCase().replace(/^recent:/, '')
  const at = lower.lastIndexOf('@')
  return at < 1 ? { local: lower, domain: '' } : { local: lower.slice(0, at), domain: lower.slice(at + 1) }
}
