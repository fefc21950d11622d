import { assignRoles } from '#mail/mailbox-role.ts'
import { messageIdHash } from '#mail/threading.ts'
import { fetchNewestEnvelopes } from '#protocol/imap/fetch-envelopes.ts'
import { listMailboxes } from '#protocol/imap/list-mailboxes.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import type { OpenedMaildrop } from '#protocol/pop3/check-login.ts'
import type { MaildropEntry } from '#protocol/pop3/list-maildrop.ts'
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
  const look = opened.kind === 'imap' ? lookInMailboxes(opened.session) : lookInMaildrop(opened)
  for (const candidate of candidates) if (await isSameMailbox(store, candidate, look)) return candidate.accountId
  return null
}

const isSameMailbox = async (
  store: Store,
  { accountId, isSameName }: ReturnCandidate,
  look: Look,
): Promise<boolean> => {
  if (!(await store.readSystem((tx) => hasNamedMails(tx, accountId)))) return isSameName
  const found = await look(new Judge(store, accountId))
  return found === 'nothing' ? isSameName : found === 'same'
}

type Found = 'same' | 'other' | 'nothing'
type Look = (judge: Judge) => Promise<Found>
/** Message-IDs. */
type Sample = string[]

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

const lookInMailboxes = (session: ImapSession): Look => {
  const samples = askedOnce(samplesOfMailboxes(session))
  return async (judge) => {
    for await (const sample of samples()) if (await judge.isHere(sample)) return 'same'
    return judge.otherwise
  }
}

/** The server gives each sample once, however many candidates are judged by it. */
const askedOnce = (samples: AsyncGenerator<Sample, void>): (() => AsyncGenerator<Sample, void>) => {
  const taken: Sample[] = []
  return async function* () {
    for (let n = 0; ; n++) {
      const next = taken[n] ?? (await samples.next()).value
      if (!next) return
      taken[n] = next
      yield next
    }
  }
}

async function* samplesOfMailboxes(session: ImapSession): AsyncGenerator<Sample, void> {
  const listed = await listMailboxes(session, { withStatus: false })
  const own = listed.filter(({ namespace, isSelectable }) => namespace === '' && isSelectable)
  const others = [...assignRoles(own)].flatMap(([path, role]) => (alsoIn.includes(role) ? path : []))
  for (const path of ['INBOX', ...others]) {
    const { exists } = await selectMailbox(session, path, { readOnly: true })
    for (const last of exists > proofMails ? [exists, proofMails] : [exists]) yield readEnvelopeIds(session, last)
  }
}

/** Of the mails up to a number, in the order of the mailbox. */
const readEnvelopeIds = async (session: ImapSession, last: number): Promise<Sample> => {
  const messageIds: Sample = []
  if (last === 0) return messageIds
  for await (const { messageId } of fetchNewestEnvelopes(session, last, proofMails))
    if (messageId !== null) messageIds.push(messageId)
  return messageIds
}

/** Those it listed at the last look are asked for first: what is newest may all have come since. */
const lookInMaildrop = ({ session, listed }: OpenedMaildrop): Look => {
  const ends = askedOnce(samplesOfEnds(session, listed))
  return async (judge) => {
    const { store, accountId } = judge
    const expected = await store.readSystem((tx) => readLastListed(tx, accountId, proofMails))
    // All of it was fetched and removed there: whatever there is came since.
    if (expected.length === 0) return 'nothing'
    const { entries } = await listed()
    const names = new Set(expected.map(nameOf))
    const known = entries.filter(({ uniqueId, sizeBytes }) =>
      names.has(nameOf({ key: uniqueId ?? '', sizeBytes: sizeBytes ?? 0 })),
    )
    if (await judge.isHere(await readHeaderIds(session, known.slice(-proofMails)))) return 'same'
    for await (const sample of ends()) if (await judge.isHere(sample)) return 'same'
    return judge.otherwise
  }
}

async function* samplesOfEnds(session: Pop3Session, listed: OpenedMaildrop['listed']): AsyncGenerator<Sample, void> {
  const { entries } = await listed()
  yield readHeaderIds(session, entries.slice(-proofMails))
  yield readHeaderIds(session, entries.slice(0, proofMails))
}

const readHeaderIds = (session: Pop3Session, entries: MaildropEntry[]): Promise<Sample> =>
  readMessageIds(
    session,
    entries.map(({ number }) => number),
  )

const nameOf = ({ key, sizeBytes }: ListedName): string => `${sizeBytes} ${key}`
