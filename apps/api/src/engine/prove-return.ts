import type { AccountKind } from '@postern/shared/accounts.ts'
import { assignRoles } from '#mail/mailbox-role.ts'
import { messageIdHash } from '#mail/threading.ts'
import { fetchNewestEnvelopes } from '#protocol/imap/fetch-envelopes.ts'
import { listMailboxes } from '#protocol/imap/list-mailboxes.ts'
import { type ImapSession, openImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { listMaildrop } from '#protocol/pop3/list-maildrop.ts'
import { openPop3Session } from '#protocol/pop3/open-session.ts'
import { leaveSession } from '#protocol/pop3/quit-session.ts'
import { countMailsHere } from '#store/bring-home.ts'
import { hasNamedMails } from '#store/disconnected.ts'
import type { Store } from '#store/open-store.ts'
import { type ListedName, readLastListed } from '#store/pop-ledger.ts'
import { openTypedLogin, type TypedLogin } from './open-typed-login.ts'
import { isMost } from './prove-mailbox.ts'
import { proofMails, readMessageIds } from './prove-maildrop.ts'

export type ReturnProof = TypedLogin & {
  /** The disconnected account that may go on there. */
  accountId: bigint
  /** Its protocol, before and now. */
  kind: AccountKind
  /** The user name is that of before, or the account's address. */
  isSameName: boolean
}

/**
 * Signs in once where a disconnected account is to go on, at another server or under another name than before, and tells whether
 * it is the same mailbox. The account was away: what is newest there it cannot know, and what it knew may have been moved. So most
 * of the newest mails of some mailbox must be here, or most of its oldest; where there is nothing to compare, the name must do.
 * Nothing changes here or there. Throws connect.*, tls.*, login.*, mailbox.*.
 */
export const isSameMailbox = async (
  store: Store,
  { accountId, kind, isSameName, ...login }: ReturnProof,
): Promise<boolean> => {
  if (!(await store.readSystem((tx) => hasNamedMails(tx, accountId)))) {
    // The login counts all the same.
    if (kind === 'imap') await (await openTypedLogin(login, openImapSession)).logout()
    else await leaveSession(await openTypedLogin(login, openPop3Session))
    return isSameName
  }
  const judge = new Judge(store, accountId)
  const found = await (kind === 'imap' ? lookInMailboxes(login, judge) : lookInMaildrop(login, judge))
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

const lookInMailboxes = async (login: TypedLogin, judge: Judge): Promise<Found> => {
  const session = await openTypedLogin(login, openImapSession)
  try {
    const listed = await listMailboxes(session, { withStatus: false })
    const own = listed.filter(({ namespace, isSelectable }) => namespace === '' && isSelectable)
    const others = [...assignRoles(own)].flatMap(([path, role]) => (alsoIn.includes(role) ? path : []))
    for (const path of ['INBOX', ...others]) {
      const { exists } = await selectMailbox(session, path, { readOnly: true })
      for (const last of exists > proofMails ? [exists, proofMails] : [exists])
        if (await judge.isHere(await readEnvelopeIds(session, last))) return 'same'
    }
    return judge.otherwise
  } finally {
    await session.logout()
  }
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
const lookInMaildrop = async (login: TypedLogin, judge: Judge): Promise<Found> => {
  const { store, accountId } = judge
  const expected = await store.readSystem((tx) => readLastListed(tx, accountId, proofMails))
  const session = await openTypedLogin(login, openPop3Session)
  try {
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
  } finally {
    await leaveSession(session)
  }
}

const nameOf = ({ key, sizeBytes }: ListedName): string => `${sizeBytes} ${key}`
