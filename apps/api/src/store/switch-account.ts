import type { ServerSettings } from '@postern/shared/accounts.ts'
import { AppError } from '#platform/errors.ts'
import { sealPassword } from './account-credentials.ts'
import { addSyncEvent } from './account-state.ts'
import type { AccountRow } from './accounts.ts'
import type { Unit } from './commit.ts'
import { revokeLease } from './lease.ts'
import type { Tx } from './open-store.ts'
import { startAtServer } from './start-at-server.ts'
import { type ListedRow, storeTree } from './sync-mailboxes.ts'

export type SwitchToImap = {
  account: AccountRow
  incoming: ServerSettings
  password: string
  masterKey: Buffer
  isPrivateHost: boolean
  /** What each of its mailboxes is at the server; they are there. */
  mailboxes: { id: bigint; to: ListedRow }[]
}

/**
 * A POP3 account becomes an IMAP account, in one transaction. Its mailboxes keep their ids under the server's paths; its mails
 * keep everything and lose the uids that were given here. Each has a row in switch_mail until it was met at the server
 * (switch-mail.ts) or brought there (upload-kept.ts); until then nothing takes it away. Throws request.conflict.
 */
export const switchToImap = async (unit: Unit, wanted: SwitchToImap): Promise<void> => {
  const { tx } = unit
  const { account, incoming, mailboxes } = wanted
  const { id } = account
  await revokeLease(tx, id)
  await requireSwitchable(tx, id)
  const here = await tx.mailbox.findMany({ where: { accountId: id }, select: { id: true } })
  const known = new Set(mailboxes.map((mailbox) => mailbox.id))
  if (here.length !== mailboxes.length || !here.every((mailbox) => known.has(mailbox.id)))
    throw new AppError('request.conflict', 'A mailbox was made or removed meanwhile.', { hint: 'Try it again.' })
  await storeTree(unit, id, { created: [], renamed: mailboxes, updated: [], removed: [] })
  await tx.$executeRaw`
    UPDATE mailbox SET uid_validity = NULL, uid_next = NULL, highest_modseq = NULL, fill_uid = NULL, envelopes_stored = 0, server_messages = 0,
      checked_at = NULL, compared_at = NULL WHERE account_id = ${id}`
  await tx.$executeRaw`UPDATE placement SET uid = NULL, modseq = 0 WHERE account_id = ${id}`
  // No uid given here may be taken for one of the server's: copies of drafts are found by their header.
  await tx.$executeRaw`UPDATE draft_copy SET uid = NULL, uid_validity = NULL WHERE account_id = ${id}`
  await tx.switchHeader.deleteMany({ where: { accountId: id } })
  await tx.$executeRaw`INSERT INTO switch_mail (message_id, account_id) SELECT id, account_id FROM message WHERE account_id = ${id}`
  const [shown] = await tx.$queryRaw<{ mails: number }[]>`
    SELECT count(DISTINCT message_id)::int AS mails FROM placement WHERE account_id = ${id}`
  await startAtServer(tx, account, {
    kind: 'imap',
    incoming,
    credential: sealPassword(wanted.masterKey, account, wanted.password, 'credential'),
    isPrivateHost: wanted.isPrivateHost,
    awaited: shown?.mails ?? 0,
    brought: 0,
  })
  await addSyncEvent(unit, id, { kind: 'switch', code: null, text: 'The account changes from POP3 to IMAP.' })
  unit.log({ accountId: id }, { kind: 'account', accountId: id.toString() })
  unit.wakeEngine(id)
}

const healthy = ['connecting', 'syncing', 'watching']

/** What its last session was removing may go yet: met at the new server before that, it would be lost with it. */
const requireSwitchable = async (tx: Tx, id: bigint): Promise<void> => {
  const { kind, state } = await tx.account.findUniqueOrThrow({ where: { id }, select: { kind: true, state: true } })
  if (kind !== 'pop3') throw new AppError('request.conflict', 'This account is an IMAP account already.')
  const removing = await tx.popLedger.count({ where: { accountId: id, state: 'dele_sent' } })
  if (removing > 0 && healthy.includes(state))
    throw new AppError('account.not_ready', 'Mail is just being removed at the provider.', {
      hint: 'Check for new mail once, then try it again.',
    })
}
