import { isConnectionFault } from '#protocol/session-error.ts'
import { type OpenCommand, postponeCommand, type WorkItem } from '#store/command-work.ts'
import { beginOnce, groupAlike, nextWork, openQueue, write } from './command-queue.ts'
import { executeStep } from './commands/command-kinds.ts'
import { settled } from './commands/command-step.ts'
import { executeTreeChanges } from './execute-tree.ts'
import { type Chunk, type Execution, type Run, sessionFault } from './execution.ts'
import { openStep } from './open-step.ts'
import { refuseChunk, settleOutcome } from './settle-outcome.ts'

/**
 * Carries out the waiting commands of an account, in order per message, in chunks. Killed anywhere and run again it does
 * no harm:
 *
 *   pending -> running (durable, before the first byte is sent) -> chunk: select, act, read back -> settle -> ... -> done
 *                 |                                                   | refused for good: truth re-read -> failed
 *                 +-- cut off: the next run takes nothing of it for granted and looks before it acts (Step.isRepeat)
 */
/** An answer nobody understands is given this many chances, then it counts as a refusal: others wait behind it. */
const maxProtocolFaults = 3
/** How long the sync of the tree is given to follow a rename. */
const treeDelayMs = 60_000
const maxTreeWaits = 3

/**
 * Runs until nothing is waiting. False when nothing was: then the server was asked nothing. Throws connection faults; the
 * commands then wait for the next connection.
 */
export const executeNextCommands = async (execution: Execution): Promise<boolean> => {
  const run: Run = { ...execution, ...openQueue(execution), reborn: new Map() }
  for (let hasActed = false; ; hasActed = true) {
    hasActed = (await executeTreeChanges(run)) || hasActed
    const work = await nextWork(run)
    if (!work) return hasActed
    await runChunk(run, work.command, work.items)
    await run.betweenChunks?.()
  }
}

const runChunk = async (run: Run, command: OpenCommand, items: WorkItem[]): Promise<void> => {
  const begun = await beginOnce(run, command)
  if (!begun) return
  for (const group of groupAlike(items))
    await runGroup(run, command, { items: group, isRepeat: begun.isRepeat, isLate: command.isLate })
}

const runGroup = async (run: Run, command: OpenCommand, chunk: Chunk): Promise<void> => {
  const mayWait = command.attempts < maxTreeWaits
  try {
    const step = await openStep(run, chunk, { mayWait })
    if (step.kind === 'later') return await postpone(run, command, step.reason, treeDelayMs)
    // Nothing of it was found in the mailbox's new life: there is nothing to send.
    const outcome = step.items.length > 0 ? await executeStep(step) : settled({})
    if (outcome.kind === 'later') return await postpone(run, command, outcome.reason, treeDelayMs)
    await settleOutcome(run, command, chunk, outcome)
  } catch (error) {
    const left = await afterFault(run, command, chunk, error)
    // Some were gone, which is no fault of the others.
    if (left.length > 0) await runGroup(run, command, { items: left, isRepeat: true, isLate: command.isLate })
  }
}

/** Answers what is worth trying again now. Throws what only a new connection can mend. */
const afterFault = async (run: Run, command: OpenCommand, chunk: Chunk, error: unknown): Promise<WorkItem[]> => {
  const { session, logger, accountId } = run
  const known = sessionFault(session, error)
  const isPoison = known.code === 'connect.protocol' && command.attempts + 1 >= maxProtocolFaults
  if (isConnectionFault(known) && !isPoison) {
    // The first time it runs again at once; then others must not wait behind it. Failing to say so changes nothing.
    if (known.code.startsWith('connect.') && command.attempts > 0)
      await postpone(run, command, known.code, retryDelayMs(command.attempts)).catch(() => undefined)
    throw known
  }
  const facts = { accountId: accountId.toString(), code: known.code, items: chunk.items.length }
  if (isPoison) logger.warn({ ...facts, err: error }, 'a command is given up')
  else logger.info(facts, 'the server refused a command')
  return refuseChunk(run, command, chunk, known)
}

const retryDelayMs = (attempts: number): number => Math.min(600_000, 5000 * 4 ** Math.min(attempts - 1, 10))

const postpone = async (run: Run, command: OpenCommand, reason: string, delayMs: number): Promise<void> => {
  run.logger.debug({ commandId: command.id, reason, delayMs }, 'a command waits')
  await write(run, (unit) => postponeCommand(unit, command.id, delayMs))
}
