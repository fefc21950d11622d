import { type AccountCreate, type ServerSettings, serverSettings } from '@postern/shared/accounts.ts'
import { AppError } from '#platform/errors.ts'
import type { AccountRow } from '#store/accounts.ts'

/**
 * The account that shows the same mailbox by the other protocol: one address, or one login name at the same provider. To add
 * both would show every mail twice.
 */
export const findSameMailbox = (rows: AccountRow[], wanted: AccountCreate): AccountRow | null =>
  rows.find((row) => {
    if (row.kind === wanted.kind) return false
    return row.address.toLowerCase() === wanted.address.toLowerCase() || isSameLogin(row, wanted.incoming)
  }) ?? null

/** One login name at one provider. */
export const isSameLogin = (row: AccountRow, wanted: ServerSettings): boolean => {
  const { host, username } = serverSettings.parse(row.incoming)
  return username.toLowerCase() === wanted.username.toLowerCase() && providerOf(host) === providerOf(wanted.host)
}

/** Throws account.exists, with the account and what can be done instead. */
export const requireNewMailbox = (rows: AccountRow[], wanted: AccountCreate): void => {
  const same = wanted.beside ? null : findSameMailbox(rows, wanted)
  if (!same) return
  throw mailboxIsHere(
    same,
    same.kind === 'pop3'
      ? 'Switch that account to IMAP: it keeps its mail, stars and mailboxes, and nothing is downloaded again.'
      : 'IMAP shows everything that POP3 would, on every device. Keep that account, or add this one beside it.',
  )
}

export const mailboxIsHere = (same: AccountRow, hint: string): AppError =>
  new AppError(
    'account.exists',
    `This mailbox is here already by ${same.kind === 'pop3' ? 'POP3' : 'IMAP'}, as ${same.name || same.address}.`,
    { accountId: same.id.toString(), hint },
  )

/** `mail.example.co.uk` and `pop.example.co.uk` are one provider's; a bare name or an address stands for itself. */
const providerOf = (host: string): string => {
  const name = host.toLowerCase().replace(/\.$/, '')
  const labels = name.split('.')
  if (labels.length < 3 || /^[\d.]+$/.test(name) || name.includes(':')) return name
  const [second = '', top = ''] = labels.slice(-2)
  const isShared = top.length === 2 && /^(co|com|net|org|ac|edu|gov|gob|or|ne|go)$/.test(second)
  return labels.slice(isShared ? -3 : -2).join('.')
}
