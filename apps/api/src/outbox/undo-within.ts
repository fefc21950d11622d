import { commandBody } from '@postern/shared/commands.ts'
import { AppError } from '#platform/errors.ts'
import { recomputeShown } from '#store/command-effects.ts'
import {
  applyLocally,
  type CommandRow,
  cancelTargets,
  findOwnCommand,
  insertCommand,
  insertInverseTargets,
  isUntouched,
  lockCommands,
  logCommand,
  type NewCommand,
  placementsOf,
} from '#store/commands.ts'
import type { Unit } from '#store/commit.ts'
import { canUndo } from './present-command.ts'

/** undoCommand (outbox.ts) in the caller's transaction. */
export const undoWithin = async (unit: Unit, userId: bigint, commandId: string, newId: string): Promise<CommandRow> => {
  const seen = await findOwnCommand(unit.tx, userId, commandId)
  if (!seen) throw new AppError('not_found', 'There is no such command.')
  await lockCommands(unit.tx, seen.accountId)
  const known = await unit.tx.command.findUnique({ where: { id: newId } })
  if (known?.userId === userId && known.undoes === commandId) return known
  const isFresh = await isUntouched(unit.tx, commandId)
  const original = await findOwnCommand(unit.tx, userId, commandId)
  if (known || !original || !canUndo(original)) throw new AppError('request.conflict', 'This can no longer be undone.')
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

/** Shows what a command does, and has it carried out. */
export const takeEffect = async (
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
