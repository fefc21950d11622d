import { assignRoles } from '#mail/mailbox-role.ts'
import { messageIdHash } from '#mail/threading.ts'
import { fetchNewestEnvelopes } from '#protocol/imap/fetch-envelopes.ts'
import { listMailboxes } from '#protocol/imap/list-mailboxes.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { listMaildrop } from '#protocol/pop3/list-maildrop.ts'
import type { Pop3Session } from '#protocol/pop3/open-session.ts'
import { countMailsHere } from '#store/bring-home.ts'
import { hasNamedMails } from '#store/disconnected.ts'
import type { Store } from '#store/open-store.ts'
import { type ListedName, readLastListed } from '#store/pop-ledger.ts'
import type { OpenedSession } from './check-account.ts'
import { isMost } from './prove-mailbox.ts'
import { proofMails, readMessageIds } from './prove-maildrop.ts'

/** Disconnected accounts, any of which may go on where somebody signs in. */
export type Returning = { candidates: ReturnCandidate[]; onFound: (accountId: bigint | null) => void }
export type ReturnCandidate = {
  accountId: bigint
  /** The user name is that of before, or the account's address. */
  isSameName: boolean
}

/**
 * Which of the accounts that were disconnected goes on at another server, or under another name than before: the first whose mailbox
 * it is, null: none. An account was away: what is newest there it cannot know, and what it knew may have been moved. So most of the
 * newest mails of some mailbox must be here, or most of its oldest; where there is nothing to compare, the name must do. Nothing
 * changes here or there. Throws connect.*, mailbox.*.
 */
export const findReturned = async (
  store: Store,
  candidates: ReturnCandidate[],
  opened: OpenedSession,
): Promise<bigint | null> => {
  for (const candidate of candidates) if (await isSameMailbox(store, candidate, opened)) return candidate.accountId
  return null
}

const isSameMailbox = async (
  store: Store,
  { accountId, isSameName }: ReturnCandidate,
  { kind, session }: OpenedSession,
): Promise<boolean> => {
  if (!(await store.readSystem((tx) => hasNamedMails(tx, accountId)))) return isSameName
  const judge = new Judge(store, accountId)
  const found = await (kind === 'imap' ? lookInMailboxes(session, judge) : lookInMaildrop(session, judge))
  return found === 'nothing' ? isSameName : found === 'same'
}

type Found = 'same' | 'other' | 'nothing'

/** Samples of what is there, against what is here. */
class Judge {
  readonly store: Store
  readonly accountId: bigint
  #hasAsked = false

  constructor(store: Store, accountId: bigint) {
    this.store = store
    this.accountId = accountId
  }

  async isHere(messageIds: string[]): Promise<boolean> {
    const hashes = [...new Set(messageIds.map(messageIdHash))]
    if (hashes.length === 0) return false
    this.#hasAsked = true
    const { here } = await this.store.readSystem((tx) => countMailsHere(tx, this.accountId, hashes))
    return isMost(here, hashes.length)
  }

  get otherwise(): Found {
    return this.#hasAsked ? 'other' : 'nothing'
  }
}

/** Who empties the inbox has the mail elsewhere. */
const alsoIn = ['all', 'archive', 'sent']

const lookInMailboxes = async (session: ImapSession, judge: Judge): Promise<Found> => {
  const listed = await listMailboxes(session, { withStatus: false })
  const own = listed.filter(({ namespace, isSelectable }) => namespace === '' && isSelectable)
  const others = [...assignRoles(own)].flatMap(([path, role]) => (alsoIn.includes(role) ? path : []))
  for (const path of ['INBOX', ...others]) {
    const { exists } = await selectMailbox(session, path, { readOnly: true })
    for (const last of exists > proofMails ? [exists, proofMails] : [exists])
      if (await judge.isHere(await readEnvelopeIds(session, last))) return 'same'
  }
  return judge.otherwise
}

/** Of the mails up to a number, in the order of the mailbox. */
const readEnvelopeIds = async (session: ImapSession, last: number): Promise<string[]> => {
  const messageIds: string[] = []
  if (last === 0) return messageIds
  for await (const { messageId } of fetchNewestEnvelopes(session, last, proofMails))
    if (messageId !== null) messageIds.push(messageId)
  return messageIds
}

/** Those it listed at the last look are asked for first: what is newest may all have come since. */
const lookInMaildrop = async (session: Pop3Session, judge: Judge): Promise<Found> => {
  const { store, accountId } = judge
  const expected = await store.readSystem((tx) => readLastListed(tx, accountId, proofMails))
  // All of it was fetched and removed there: whatever there is came since.
  if (expected.length === 0) return 'nothing'
  const { entries } = await listMaildrop(session)
  const names = new Set(expected.map(nameOf))
  const known = entries.filter(({ uniqueId, sizeBytes }) =>
    names.has(nameOf({ key: uniqueId ?? '', sizeBytes: sizeBytes ?? 0 })),
  )
  const samples = [known.slice(-proofMails), entries.slice(-proofMails), entries.slice(0, proofMails)]
  for (const sample of samples) {
    const numbers = sample.map(({ number }) => number)
    if (await judge.isHere(await readMessageIds(session, numbers))) return 'same'
  }
  return judge.otherwise
}

const nameOf = ({ key, sizeBytes }: ListedName): string => `${sizeBytes} ${key}`
