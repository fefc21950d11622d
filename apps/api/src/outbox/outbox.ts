import { isDeepStrictEqual } from 'node:util'
import { type Command, type CommandBody, commandBody } from '@postern/shared/commands.ts'
import { DELETED } from '#mail/flags.ts'
import { AppError } from '#platform/errors.ts'
import {
  type CommandRow,
  findOwnCommand,
  findOwnMailbox,
  insertCommand,
  insertTargets,
  lockCommands,
} from '#store/commands.ts'
import { commit } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import { requireRight, rightsOf } from './check-rights.ts'
import { applyCommand } from './commands/command-kinds.ts'
import { createMailbox, placeMailbox, removeMailbox, restoreMailbox, type TreeOutcome } from './own-mailboxes.ts'
import { needsPerson, stateOfAll, stopsAll } from './plan-submission.ts'
import { failureText, presentCommand } from './present-command.ts'
import { endTreeChange } from './tree-outcome.ts'
import { takeEffect, undoWithin } from './undo-within.ts'

export {
  createMailbox,
  endTreeChange,
  failureText,
  needsPerson,
  placeMailbox,
  presentCommand,
  removeMailbox,
  requireRight,
  restoreMailbox,
  rightsOf,
  stateOfAll,
  stopsAll,
  type TreeOutcome,
}

/**
 * A person's intents, written here in one transaction with their local effect and carried out later by the account's
 * worker (execute-commands.ts). The id is made by the client: repeating a request repeats nothing. Throws not_found,
 * request.conflict (the id was used for something else), request.invalid, mailbox.read_only, mailbox.no_permission,
 * mailbox.missing (no mailbox of that role, and none can be made).
 */
export const enqueueCommand = async (
  store: Store,
  userId: bigint,
  { id, command: body }: { id: string; command: CommandBody },
): Promise<Command> => {
  const row = await commit(store, { kind: 'user', userId }, async (unit) => {
    const known = await unit.tx.command.findUnique({ where: { id } })
    if (known) return sameOrConflict(known, userId, body)
    const mailbox = await findOwnMailbox(unit.tx, userId, BigInt(body.target.mailboxId))
    if (!mailbox) throw new AppError('not_found', 'There is no such mailbox.')
    await lockCommands(unit.tx, mailbox.accountId)
    const command = await insertCommand(unit.tx, { id, accountId: mailbox.accountId, userId, body, undoes: null })
    if (!command) return sameOrConflict(await unit.tx.command.findUnique({ where: { id } }), userId, body)
    const effect = await applyCommand({ unit, userId, mailbox }, body)
    const targets = await insertTargets(unit.tx, command, body.target, effect)
    // What was hidden by \Deleted shows again wherever older commands want it: only the whole fold knows.
    await takeEffect(unit, command, { targets, needsFold: (effect.removeFlags & DELETED) !== 0 })
    return unit.tx.command.findUniqueOrThrow({ where: { id } })
  })
  return presentCommand(row)
}

/**
 * Takes a command back by an inverse one. When nothing of it went to the server yet, it is simply emptied; when it is
 * being carried out, the worker leaves out what it has not begun. Throws not_found, request.conflict (it cannot be
 * undone, or was already).
 */
export const undoCommand = async (store: Store, userId: bigint, commandId: string, newId: string): Promise<Command> => {
  const scope = { kind: 'user' as const, userId }
  return presentCommand(await commit(store, scope, (unit) => undoWithin(unit, userId, commandId, newId)))
}

/** Throws not_found. */
export const getCommand = async (store: Store, userId: bigint, commandId: string): Promise<Command> => {
  const row = await store.read(userId, (tx) => findOwnCommand(tx, userId, commandId))
  if (!row) throw new AppError('not_found', 'There is no such command.')
  return presentCommand(row)
}

const sameOrConflict = (known: CommandRow | null, userId: bigint, body: CommandBody): CommandRow => {
  if (!known || known.userId !== userId || !isDeepStrictEqual(commandBody.parse(known.body), body))
    throw new AppError('request.conflict', 'Another command was given under this id.', {
      hint: 'Make a new id for every command.',
    })
  return known
}
