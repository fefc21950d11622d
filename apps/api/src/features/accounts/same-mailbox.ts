import { type AccountCreate, type ServerSettings, serverSettings } from '@postern/shared/accounts.ts'
import { type EgressPolicy, resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { type AccountRow, isRejoinable, listAccounts, listDisconnected } from '#store/accounts.ts'
import type { Store } from '#store/open-store.ts'
import { countListedBy, type ListedName } from '#store/pop-ledger.ts'

/**
 * The account that shows the same mailbox already, or did: by the other protocol or disconnected, at one address or with one login
 * name at the same provider; or the same maildrop under another address. Two accounts would show every mail twice, and of one
 * maildrop what one removes is gone for the other.
 */
export const findSameMailbox = (rows: AccountRow[], wanted: AccountCreate): AccountRow | null =>
  rows.find((row) => {
    if (isRejoinable(row, wanted)) return false
    if (row.kind === wanted.kind && row.disconnectedAt === null)
      return row.kind === 'pop3' && isSameLogin(row, wanted.incoming)
    return row.address.toLowerCase() === wanted.address.toLowerCase() || isSameLogin(row, wanted.incoming)
  }) ?? null

/** One login name at one provider. */
export const isSameLogin = (row: AccountRow, wanted: ServerSettings): boolean => {
  const { host, username } = serverSettings.parse(row.incoming)
  return username.toLowerCase() === wanted.username.toLowerCase() && providerOf(host) === providerOf(wanted.host)
}

/** Throws account.exists, with the account and what can be done instead. */
export const requireNewMailbox = async (
  store: Store,
  userId: bigint,
  wanted: AccountCreate,
  policy: EgressPolicy,
): Promise<void> => {
  if (wanted.beside) return
  const { connected, disconnected } = await listBoth(store, userId, wanted)
  const rows = [...connected, ...disconnected]
  const same = findSameMailbox(rows, wanted) ?? (await findSameAddress(rows, wanted, policy))
  if (same) throw mailboxIsHere(same, hintFor(same, wanted))
}

/** Another name, and another login, of a maildrop that an account knows: most of the newest mails there. Throws account.exists. */
export const requireNewMaildrop = async (
  store: Store,
  userId: bigint,
  wanted: AccountCreate,
  newest: ListedName[],
): Promise<void> => {
  if (wanted.beside || newest.length < fewestMails) return
  const [first] = await store.read(userId, (tx) => countListedBy(tx, userId, newest))
  if (!first || first.mails < fewestMails || 2 * first.mails <= newest.length) return
  const { connected, disconnected } = await listBoth(store, userId, wanted)
  const same = [...connected, ...disconnected].find(({ id }) => id === first.accountId)
  if (same && !isRejoinable(same, wanted)) throw mailboxIsHere(same, hintFor(same, wanted))
}

/** Servers that number their mails give two welcome mails one name. */
const fewestMails = 3

/** The connected first. One that is to be joined again stands for itself. */
const listBoth = (store: Store, userId: bigint, wanted: AccountCreate) =>
  store.read(userId, async (tx) => {
    const connected = await listAccounts(tx, userId)
    const disconnected = await listDisconnected(tx, userId)
    return { connected, disconnected: disconnected.some((row) => isRejoinable(row, wanted)) ? [] : disconnected }
  })

/** The login name at another name of the same server. What is not known by its name is another one. */
const findSameAddress = async (
  rows: AccountRow[],
  { kind, address, incoming }: AccountCreate,
  policy: EgressPolicy,
): Promise<AccountRow | null> => {
  const addressesOf = async (server: ServerSettings): Promise<string[]> =>
    resolveChecked(server.host, server.port, policy).then(
      (found) => found.map((one) => one.address),
      () => [],
    )
  const isNamed = ({ username }: ServerSettings) => username.toLowerCase() === incoming.username.toLowerCase()
  const candidates = rows.filter(
    (row) =>
      row.kind === 'pop3' &&
      kind === 'pop3' &&
      !isRejoinable(row, { kind, address, incoming }) &&
      isNamed(serverSettings.parse(row.incoming)),
  )
  if (candidates.length === 0) return null
  const wanted = await addressesOf(incoming)
  for (const row of candidates) {
    const own = await addressesOf(serverSettings.parse(row.incoming))
    if (own.some((one) => wanted.includes(one))) return row
  }
  return null
}

const hintFor = (same: AccountRow, wanted: AccountCreate): string => {
  if (same.disconnectedAt !== null)
    return same.kind === 'imap' && wanted.kind === 'pop3'
      ? 'Connect that account again by IMAP: it keeps its ids, stars and mailboxes. It can change to POP3 afterwards.'
      : 'Connect that account again: everything it holds comes back. Added anew, it begins empty beside it.'
  if (same.kind === wanted.kind)
    return 'Keep that account: of two that look at one maildrop, each misses what the other removes there.'
  return same.kind === 'pop3'
    ? 'Switch that account to IMAP: it keeps its mail, stars and mailboxes, and nothing is downloaded again.'
    : 'IMAP shows everything that POP3 would, on every device. Keep that account, or add this one beside it.'
}

export const mailboxIsHere = (same: AccountRow, hint: string): AppError => {
  const by = `by ${same.kind === 'pop3' ? 'POP3' : 'IMAP'}, as ${same.name || same.address}`
  const message =
    same.disconnectedAt === null
      ? `This mailbox is here already ${by}.`
      : `This mailbox was here ${by}: that account is disconnected, and its mail is kept.`
  return new AppError('account.exists', message, { accountId: same.id.toString(), hint })
}

/** Another provider, whose password the server that mail goes out by is not to see. */
export const isOtherProvider = (row: AccountRow, wanted: ServerSettings): boolean =>
  providerOf(serverSettings.parse(row.incoming).host) !== providerOf(wanted.host)

/** `mail.example.co.uk` and `pop.example.co.uk` are one provider's; a bare name or an address stands for itself. */
const providerOf = (host: string): string => {
  const name = host.toLowerCase().replace(/\.$/, '')
  const labels = name.split('.')
  if (labels.length < 3 || /^[\d.]+$/.test(name) || name.includes(':')) return name
  const [second = '', top = ''] = labels.slice(-2)
  const isShared = top.length === 2 && /^(co|com|net|org|ac|edu|gov|gob|or|ne|go)$/.test(second)
  return labels.slice(isShared ? -3 : -2).join('.')
}
