import { isDeepStrictEqual } from 'node:util'
import { type Command, type CommandBody, commandBody } from '@postern/shared/commands.ts'
import { type ErrorCode, errorCodes } from '@postern/shared/error-codes.ts'
import { AppError } from '#platform/errors.ts'
import { recomputeShown } from '#store/command-effects.ts'
import {
  applyLocally,
  type CommandRow,
  cancelTargets,
  findOwnCommand,
  findOwnMailbox,
  insertCommand,
  insertInverseTargets,
  insertTargets,
  isUntouched,
  logCommand,
} from '#store/commands.ts'
import { commit, type Unit } from '#store/commit.ts'
import type { Mailbox } from '#store/generated/client.ts'
import type { Store } from '#store/open-store.ts'
import { requireRight, rightsOf } from './check-rights.ts'
import { effectOf } from './effect-of.ts'
import { mailboxForRole, roleOf } from './role-mailbox.ts'

export { rightsOf }

/**
 * A person's intents, written here in one transaction with their local effect and carried out later by the account's
 * worker (execute-commands.ts). The id is made by the client: repeating a request repeats nothing.
 */
export const enqueueCommand = async (
  store: Store,
  userId: bigint,
  request: { id: string; command: CommandBody },
): Promise<Command> => {
  const row = await commit(store, { kind: 'user', userId }, async (unit) => {
    const known = await unit.tx.command.findUnique({ where: { id: request.id } })
    if (known) return sameOrConflict(known, userId, request.command)
    const mailbox = await findOwnMailbox(unit.tx, userId, BigInt(request.command.target.mailboxId))
    if (!mailbox) throw new AppError('not_found', 'There is no such mailbox.')
    const toMailbox = await targetMailbox(unit, userId, mailbox, request.command)
    checkAllowed(mailbox, toMailbox, request.command)
    if (request.command.kind === 'expungeMessages') await requireExpungeable(unit, mailbox)
    const command = await insertCommand(unit.tx, {
      id: request.id,
      accountId: mailbox.accountId,
      userId,
      body: request.command,
      undoes: null,
    })
    const targets = await insertTargets(
      unit.tx,
      command,
      request.command.target,
      effectOf(request.command, toMailbox?.id ?? null, mailbox.canCreateKeywords),
    )
    await takeEffect(unit, command, targets)
    return (await unit.tx.command.findUnique({ where: { id: command.id } })) ?? command
  })
  return presentCommand(row)
}

/**
 * Takes a command back by an inverse one. When nothing of it went to the server yet, it is simply emptied. Throws
 * not_found, request.conflict (cannot be undone, or was already).
 */
export const undoCommand = async (store: Store, userId: bigint, commandId: string, newId: string): Promise<Command> => {
  const row = await commit(store, { kind: 'user', userId }, async (unit) => {
    const known = await findOwnCommand(unit.tx, userId, newId)
    if (known) return known
    const original = await findOwnCommand(unit.tx, userId, commandId)
    if (!original) throw new AppError('not_found', 'There is no such command.')
    if (!canUndo(original)) throw new AppError('request.conflict', 'This can no longer be undone.')
    const body = commandBody.parse(original.body)
    const command = await insertCommand(unit.tx, {
      id: newId,
      accountId: original.accountId,
      userId,
      body,
      undoes: original.id,
    })
    if (await isUntouched(unit.tx, original.id)) {
      unit.touchThreads(original.accountId, await recomputeShown(unit.tx, await cancelTargets(unit.tx, original.id)))
      await unit.tx.command.update({ where: { id: newId }, data: { state: 'done', finishedAt: new Date() } })
    } else await takeEffect(unit, command, await insertInverseTargets(unit.tx, command, original.id))
    await unit.tx.command.update({
      where: { id: original.id },
      data: { undoneBy: newId, state: 'undone', finishedAt: new Date() },
    })
    logCommand(unit, original.accountId, original.id)
    return (await unit.tx.command.findUnique({ where: { id: newId } })) ?? command
  })
  return presentCommand(row)
}

const sameOrConflict = (known: CommandRow, userId: bigint, body: CommandBody): CommandRow => {
  if (known.userId !== userId || !isDeepStrictEqual(commandBody.parse(known.body), body))
    throw new AppError('request.conflict', 'Another command was given under this id.', {
      hint: 'Make a new id for every command.',
    })
  return known
}

const targetMailbox = async (
  unit: Unit,
  userId: bigint,
  mailbox: Mailbox,
  body: CommandBody,
): Promise<Mailbox | null> => {
  if (body.kind === 'moveToRole') return mailboxForRole(unit, mailbox.accountId, body.role)
  if (body.kind !== 'moveMessages') return null
  const to = await findOwnMailbox(unit.tx, userId, BigInt(body.toMailboxId))
  if (!to) throw new AppError('not_found', 'There is no such mailbox to move to.')
  if (to.accountId !== mailbox.accountId)
    throw new AppError('request.invalid', 'Messages can only be moved within their account.', {
      fields: { 'command.toMailboxId': 'belongs to another account' },
    })
  return to
}

const checkAllowed = (mailbox: Mailbox, to: Mailbox | null, body: CommandBody): void => {
  if (body.kind === 'setFlags') {
    const isOnlySeen =
      [...body.add, ...body.remove].every((flag) => flag === 'seen') &&
      body.addKeywords.length + body.removeKeywords.length === 0
    requireRight(mailbox, isOnlySeen ? 'setSeen' : 'setFlags')
    if (body.addKeywords.length > 0) requireRight(mailbox, 'keywords')
    return
  }
  requireRight(mailbox, 'remove')
  if (!to) return
  if (to.id === mailbox.id) throw new AppError('request.invalid', 'The messages are in this mailbox already.')
  requireRight(to, 'insert')
}

/** Deleting for good is for what lies in Trash or Junk; without a Trash there is no other way. */
const requireExpungeable = async (unit: Unit, mailbox: Mailbox): Promise<void> => {
  const role = roleOf(mailbox)
  if (role === 'trash' || role === 'junk') return
  const all = await unit.tx.mailbox.findMany({ where: { accountId: mailbox.accountId } })
  if (all.some((other) => roleOf(other) === 'trash'))
    throw new AppError('request.invalid', 'Only messages in Trash or Spam are deleted for good.', {
      hint: 'Move them to Trash first.',
    })
}

const takeEffect = async (unit: Unit, command: CommandRow, targets: number): Promise<void> => {
  if (targets === 0)
    await unit.tx.command.update({ where: { id: command.id }, data: { state: 'done', finishedAt: new Date() } })
  else {
    unit.touchThreads(command.accountId, await applyLocally(unit.tx, command.id))
    unit.wakeEngine(command.accountId)
  }
  logCommand(unit, command.accountId, command.id)
}

const canUndo = (row: CommandRow): boolean =>
  row.undoneBy === null &&
  row.undoes === null &&
  row.kind !== 'expungeMessages' &&
  row.state !== 'failed' &&
  row.targets > 0

const failureText: Partial<Record<ErrorCode, string>> = {
  'mailbox.over_quota': 'The mailbox is full at the provider.',
  'mailbox.no_permission': 'The server does not allow this here.',
  'mailbox.read_only': 'The mailbox is read-only on the server.',
  'mailbox.missing': 'The mailbox no longer exists on the server.',
}

export const presentCommand = (row: CommandRow): Command => {
  const code = errorCodes.find((known) => known === row.errorCode)
  return {
    id: row.id,
    accountId: row.accountId.toString(),
    kind: commandBody.parse(row.body).kind,
    state:
      row.state === 'running' || row.state === 'done' || row.state === 'failed' || row.state === 'undone'
        ? row.state
        : 'pending',
    messages: row.targets,
    settled: row.settled,
    canUndo: canUndo(row),
    createdAt: row.createdAt.toISOString(),
    error: code ? { code, message: failureText[code] ?? 'The mail server refused this.' } : null,
  }
}
