import { type ServerSettings, serverSettings } from '@postern/shared/accounts.ts'
import type { MailboxProof } from '#engine/engine.ts'
import { readMessageId } from '#mail/read-message-id.ts'
import { type AccountRow, listAccounts } from '#store/accounts.ts'
import type { Store } from '#store/open-store.ts'
import { readListedSources } from '#store/pop-ledger.ts'
import { isSameLogin, mailboxIsHere } from './same-mailbox.ts'

/** More need not be looked for: one that is found is enough. */
const proofMails = 20

/**
 * What must hold of the mailbox that a POP3 account is to change to, so that its mails are not brought into another one.
 * Throws account.exists when another account shows it by IMAP already.
 */
export const readProof = async (store: Store, account: AccountRow, incoming: ServerSettings): Promise<MailboxProof> => {
  const { id, userId } = account
  const [rows, sources] = await store.read(userId, async (tx) => [
    await listAccounts(tx, userId),
    await readListedSources(tx, id, proofMails),
  ])
  const other = rows.find((row) => row.id !== id && row.kind === 'imap' && isSameLogin(row, incoming))
  if (other)
    throw mailboxIsHere(other, 'Check the user name. If it is right, that account shows all of it: keep that one.')
  const messageIds = (await Promise.all(sources.map(readMessageId))).flatMap((messageId) => messageId ?? [])
  const names = [serverSettings.parse(account.incoming).username, account.address]
  return { messageIds, isSameName: names.some((name) => isSameName(name, incoming.username)) }
}

/** Providers take the whole address or what stands before its @. */
export const isSameName = (one: string, other: string): boolean => {
  const [a, b] = [splitName(one), splitName(other)]
  return a.local === b.local && (a.domain === b.domain || a.domain === '' || b.domain === '')
}

const splitName = (name: string): { local: string; domain: string } => {
  const lower = name.toLowerCase()
  const at = lower.lastIndexOf('@')
  return at < 1 ? { local: lower, domain: '' } : { local: lower.slice(0, at), domain: lower.slice(at + 1) }
}
