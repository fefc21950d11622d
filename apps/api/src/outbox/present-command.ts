import { type Command, commandBody, commandState } from '@postern/shared/commands.ts'
import { type ErrorCode, errorCodes } from '@postern/shared/error-codes.ts'
import type { CommandRow } from '#store/commands.ts'

/** Deletion for good and undoing itself have no way back, nor has what the server refused as a whole. */
export const canUndo = (row: CommandRow): boolean =>
  row.undoneBy === null &&
  row.undoes === null &&
  row.kind !== 'expungeMessages' &&
  (row.state !== 'failed' || row.settled > 0) &&
  row.targets > 0

/** Why a mailbox did not take what it was given, in plain words. */
export const failureText: Partial<Record<ErrorCode, string>> = {
  'mailbox.over_quota': 'The mailbox is full at the provider.',
  'mailbox.no_permission': 'The server does not allow this here.',
  'mailbox.read_only': 'The mailbox is read-only on the server.',
  'mailbox.missing': 'The mailbox no longer exists on the server.',
}

export const presentCommand = (row: CommandRow): Command => {
  const code = errorCodes.find((known) => known === row.errorCode)
  const stored = commandState.safeParse(row.state)
  return {
    id: row.id,
    accountId: row.accountId.toString(),
    kind: commandBody.parse(row.body).kind,
    state: row.undoneBy !== null ? 'undone' : stored.success ? stored.data : 'pending',
    messages: row.targets,
    settled: row.settled,
    missed: row.missed,
    canUndo: canUndo(row),
    createdAt: row.createdAt.toISOString(),
    error: code ? { code, message: failureText[code] ?? 'The mail server refused this.' } : null,
  }
}
