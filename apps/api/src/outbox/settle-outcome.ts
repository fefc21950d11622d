import { AppError } from '#platform/errors.ts'
import { readRights } from '#protocol/imap/read-rights.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { noteFailure, type Settlement, settleChunk } from '#store/command-settle.ts'
import type { OpenCommand, WorkItem } from '#store/command-work.ts'
import { logCommand } from '#store/commands.ts'
import { write } from './command-queue.ts'
import { readBack, type Settled, settled } from './commands/command-step.ts'
import type { Chunk, Run } from './execution.ts'
import { locateInTarget } from './locate-messages.ts'

/** Longer commands tell how far they are after each chunk. */
export const tellsProgressFrom = 500

/** What the server did with a chunk. Items no outcome names had left; a sync will tell what became of them. */
export const settleOutcome = async (run: Run, command: OpenCommand, chunk: Chunk, outcome: Settled): Promise<void> => {
  const failed = outcome.stuck.map(({ placementId }) => placementId)
  const error = failed.length > 0 ? new AppError('mailbox.refused', 'The server did not do it.') : null
  await store(run, command, toSettlement(command, chunk, outcome, failed), error)
}

const toSettlement = (command: OpenCommand, { items }: Chunk, outcome: Settled, failed: bigint[]): Settlement => {
  const [like] = items
  const ids = (list: { placementId: bigint }[]) => list.map(({ placementId }) => placementId)
  const named = new Set([...ids(outcome.truth), ...ids(outcome.moved), ...ids(outcome.gone), ...failed])
  const hasLeft = new Set(ids(outcome.missed))
  const missed = like?.isExpunge ? [] : ids(items).filter((id) => hasLeft.has(id) || !named.has(id))
  const isOther = new Set([...failed, ...missed])
  return {
    commandId: command.id,
    mailboxId: like?.mailboxId ?? 0n,
    to: like?.toMailboxId ? { mailboxId: like.toMailboxId, uidValidity: outcome.toUidValidity } : null,
    done: ids(items).filter((id) => !isOther.has(id)),
    failed,
    missed,
    truth: outcome.truth,
    moved: outcome.moved,
    gone: ids(outcome.gone),
  }
}

const store = (run: Run, command: OpenCommand, settlement: Settlement, error: AppError | null): Promise<void> =>
  write(run, async (unit) => {
    if (error) await noteFailure(unit, command.id, error.code, error.detail.serverText ?? null)
    await settleChunk(unit, run.accountId, settlement)
    if (command.targets > tellsProgressFrom) logCommand(unit, run.accountId, command.id)
  })

/**
 * Refused for good: what the server has is read again and shown, with the reason. Messages that are gone or were moved
 * all the same are settled quietly; when there were such, the others are answered, to be tried again without them.
 */
export const refuseChunk = async (
  run: Run,
  command: OpenCommand,
  chunk: Chunk,
  error: AppError,
): Promise<WorkItem[]> => {
  const { here, outcome } = await lookAgain(run, chunk)
  const left = new Set(here)
  const settledItems = chunk.items.filter((item) => !left.has(item))
  if (settledItems.length > 0) {
    const quiet = { ...chunk, items: settledItems }
    await store(run, command, toSettlement(command, quiet, { ...outcome, truth: [] }, []), null)
    return here
  }
  const failed = chunk.items.map(({ placementId }) => placementId)
  await store(run, command, toSettlement(command, chunk, outcome, failed), error)
  if (error.code === 'mailbox.no_permission') await learnRights(run, placesOf(chunk))
  return []
}

/** Servers do not tell when rights change; a refusal does. From now on the buttons say so beforehand. */
export const learnRights = async (run: Run, places: { id: bigint; path: string }[]): Promise<void> => {
  if (!run.session.isOpen()) return
  for (const { id, path } of places) {
    const rights = await readRights(run.session, path)
    if (rights === null) continue
    await write(run, async (unit) => {
      await unit.tx.mailbox.updateMany({ where: { id }, data: { rights } })
      unit.log({ accountId: run.accountId }, { kind: 'mailboxes', mailboxIds: [id.toString()], removed: [] })
    })
  }
}

const placesOf = ({ items: [like] }: Chunk): { id: bigint; path: string }[] => {
  if (!like) return []
  const { mailboxId, path, toMailboxId, toPath } = like
  return [
    { id: mailboxId, path },
    ...(toMailboxId === null || toPath === null ? [] : [{ id: toMailboxId, path: toPath }]),
  ]
}

/** Where the items are now. When that cannot be seen they count as being where they were. */
const lookAgain = async (run: Run, { items }: Chunk): Promise<{ here: WorkItem[]; outcome: Settled }> => {
  const unseen = { here: items, outcome: settled({}) }
  const [like] = items
  if (!like || !run.session.isOpen()) return unseen
  const selected = await selectMailbox(run.session, like.path).catch(() => null)
  // Uids of another life are not ours to judge by.
  if (selected?.uidValidity !== like.uidValidity) return unseen
  const { truth, here, gone } = await readBack(run.session, items)
  if (gone.length === 0) return { here, outcome: settled({ truth }) }
  const located = await locateInTarget({ ...run, like }, gone)
  const moved = gone.flatMap(({ placementId }) => {
    const uid = located.found.get(placementId)
    return uid === undefined ? [] : [{ placementId, uid }]
  })
  const lost = gone.filter(({ placementId }) => !located.found.has(placementId))
  return { here, outcome: settled({ truth, moved, gone: lost, missed: lost, toUidValidity: located.uidValidity }) }
}
