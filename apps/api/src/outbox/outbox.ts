import { isDeepStrictEqual } from 'node:util'
import { type Command, type CommandBody, commandBody } from '@postern/shared/commands.ts'
import { DELETED } from '#mail/flags.ts'
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
  lockCommands,
  logCommand,
  type NewCommand,
  placementsOf,
} from '#store/commands.ts'
import { commit, type Unit } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import { requireRight, rightsOf } from './check-rights.ts'
import { applyCommand } from './commands/command-kinds.ts'
import { canUndo, failureText, presentCommand } from './present-command.ts'

export { failureText, presentCommand, requireRight, rightsOf }

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
  const row = await commit(store, { kind: 'user', userId }, async (unit) => {
    const seen = await findOwnCommand(unit.tx, userId, commandId)
    if (!seen) throw new AppError('not_found', 'There is no such command.')
    await lockCommands(unit.tx, seen.accountId)
    const known = await unit.tx.command.findUnique({ where: { id: newId } })
    if (known?.userId === userId && known.undoes === commandId) return known
    const isFresh = await isUntouched(unit.tx, commandId)
    const original = await findOwnCommand(unit.tx, userId, commandId)
    if (known || !original || !canUndo(original))
      throw new AppError('request.conflict', 'This can no longer be undone.')
    const inverse = await insertInverse(unit, original, newId)
    if (isFresh) await emptyCommand(unit, original, inverse)
    else {
      const targets = await insertInverseTargets(unit.tx, inverse, original.id)
      await takeEffect(unit, inverse, { targets, needsFold: true })
    }
    // One that runs still has an end to come to (command-settle.ts); who asks is told `undone` from now on.
    const isOver = isFresh || original.state !== 'running'
    await unit.tx.command.update({
      where: { id: original.id },
      data: { undoneBy: newId, ...(isOver ? { state: 'undone', finishedAt: new Date() } : {}) },
    })
    logCommand(unit, original.accountId, original.id)
    return unit.tx.command.findUniqueOrThrow({ where: { id: newId } })
  })
  return presentCommand(row)
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

const insertInverse = async (unit: Unit, original: CommandRow, id: string): Promise<CommandRow> => {
  const { accountId, userId } = original
  const wanted: NewCommand = { id, accountId, userId, body: commandBody.parse(original.body), undoes: original.id }
  const inverse = await insertCommand(unit.tx, wanted)
  if (!inverse) throw new AppError('request.conflict', 'Another command was given under this id.')
  return inverse
}

/** Nothing was sent and nothing will be: the server never hears of it. */
const emptyCommand = async (unit: Unit, original: CommandRow, inverse: CommandRow): Promise<void> => {
  const placementIds = await cancelTargets(unit.tx, original.id)
  unit.touchThreads(original.accountId, await recomputeShown(unit.tx, placementIds))
  await takeEffect(unit, inverse, { targets: 0, needsFold: false })
}

const takeEffect = async (
  unit: Unit,
  command: CommandRow,
  { targets, needsFold }: { targets: number; needsFold: boolean },
): Promise<void> => {
  const { tx } = unit
  if (targets === 0)
    await tx.command.update({ where: { id: command.id }, data: { state: 'done', finishedAt: new Date() } })
  else {
    const threadIds = needsFold
      ? await recomputeShown(tx, await placementsOf(tx, command.id))
      : await applyLocally(tx, command.id)
    unit.touchThreads(command.accountId, threadIds)
    unit.wakeEngine(command.accountId)
  }
  logCommand(unit, command.accountId, command.id)
}
