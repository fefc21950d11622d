import { type ErrorCode, errorCodes } from '@postern/shared/error-codes.ts'
import type { Transfer } from '@postern/shared/transfers.ts'
import { failureText } from '#outbox/outbox.ts'
import type { Tx } from '#store/open-store.ts'
import {
  countItems,
  findDeleted,
  listRefused,
  type RefusedItem,
  type TransferCounts,
  type TransferRow,
} from '#store/transfers.ts'

/** Why a mail was left out, in plain words. */
const reasons: Partial<Record<ErrorCode, string>> = {
  ...failureText,
  'import.no_mail': 'There is nothing in it.',
  'import.left_out': 'It was deleted in the program it comes from.',
  'message.too_large': 'It is larger than what can be taken.',
  'message.gone': 'It was removed meanwhile.',
  'message.unavailable': 'Only its header is here.',
  'connect.closed': 'The server ended the connection each time it was sent.',
}
const otherwise = 'The server refused it.'

const none: TransferCounts = { found: 0, stored: 0, here: 0, refused: 0, open: 0 }

export const presentTransfers = async (tx: Tx, rows: TransferRow[]): Promise<Transfer[]> => {
  const counts = await countItems(
    tx,
    rows.map(({ id }) => id),
  )
  const deleted = await findDeleted(
    tx,
    rows.map(({ mailboxId }) => mailboxId),
  )
  const presented: Transfer[] = []
  for (const row of rows) {
    const own = counts.get(row.id) ?? none
    const refused = own.refused > 0 ? await listRefused(tx, row.id) : []
    presented.push({ ...present(row, own, refused), isMailboxGone: deleted.has(row.mailboxId) })
  }
  return presented
}

const present = (
  row: TransferRow,
  counts: TransferCounts,
  refused: RefusedItem[],
): Omit<Transfer, 'isMailboxGone'> => ({
  id: row.id.toString(),
  kind: row.kind === 'upload' ? 'upload' : 'import',
  accountId: row.accountId.toString(),
  mailboxId: row.mailboxId.toString(),
  fromMailboxId: row.fromMailboxId?.toString() ?? null,
  state: row.cancelledAt ? 'cancelled' : !row.closedAt ? 'receiving' : counts.open > 0 ? 'working' : 'done',
  found: counts.found,
  stored: counts.stored,
  alreadyHere: counts.here,
  refusedMails: counts.refused,
  open: counts.open,
  refused: refused.map(({ name, errorCode }) => {
    const code = errorCodes.find((known) => known === errorCode) ?? 'internal'
    return { name, code, reason: reasons[code] ?? otherwise }
  }),
  hasAll: row.closedAt !== null,
  isCutOff: row.isCutOff,
  bytes: Number(row.receivedBytes),
  expectedBytes: row.expectedBytes === null ? null : Number(row.expectedBytes),
  createdAt: row.createdAt.toISOString(),
})
