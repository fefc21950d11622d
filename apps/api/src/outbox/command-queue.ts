import { dropUnsent, finishCommand } from '#store/command-settle.ts'
import {
  beginCommand,
  hasLivingTargets,
  listOpenCommands,
  nextItems,
  type OpenCommand,
  type WorkItem,
} from '#store/command-work.ts'
import { type CommitScope, commit, type Unit } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'

/** The waiting commands of an account, as one run sees them. */
export type Queue = {
  store: Store
  scope: CommitScope
  accountId: bigint
  /** Commands this run has begun; `uncertain`: an earlier run was cut off in one, so parts may have been done. */
  begun: Map<string, 'certain' | 'uncertain'>
  /** Items of bulk commands looked up but not carried out yet. */
  fetched: Map<string, WorkItem[]>
}

const chunkSize = 500

export const openQueue = ({ store, scope, accountId }: Pick<Queue, 'store' | 'scope' | 'accountId'>): Queue => ({
  store,
  scope,
  accountId,
  begun: new Map(),
  fetched: new Map(),
})

export const write = <T>(
  { store, scope }: Pick<Queue, 'store' | 'scope'>,
  work: (unit: Unit) => Promise<T>,
): Promise<T> => commit(store, scope, work)

/** What to do next, chosen anew after every chunk, so that a click overtakes a bulk. Ends what has nothing left to do. */
export const nextWork = async (queue: Queue): Promise<{ command: OpenCommand; items: WorkItem[] } | null> => {
  const { store, accountId } = queue
  for (const command of await store.readSystem((tx) => listOpenCommands(tx, accountId))) {
    const { id, undoneBy } = command
    // Taken back while it ran: what was not sent need not be sent and undone.
    if (undoneBy !== null && queue.begun.get(id) === 'certain') {
      queue.fetched.delete(id)
      await write(queue, (unit) => dropUnsent(unit, accountId, id, undoneBy))
    }
    const items = await nextChunk(queue, id)
    if (items.length > 0) return { command, items }
    if (!(await store.readSystem((tx) => hasLivingTargets(tx, id))))
      await write(queue, (unit) => finishCommand(unit, accountId, id))
  }
  return null
}

/** Looked up for ten chunks at a time. Nobody else settles them, and uids are checked again before they are used. */
const nextChunk = async ({ store, fetched }: Queue, commandId: string): Promise<WorkItem[]> => {
  const kept = fetched.get(commandId) ?? []
  const items = kept.length > 0 ? kept : await store.readSystem((tx) => nextItems(tx, commandId, 10 * chunkSize))
  fetched.set(commandId, items.slice(chunkSize))
  return items.slice(0, chunkSize)
}

/** Says durably that a command begins. Null when it is over by now; else whether an earlier run may have done parts of it. */
export const beginOnce = async (queue: Queue, command: OpenCommand): Promise<{ isRepeat: boolean } | null> => {
  if (!queue.begun.has(command.id)) {
    const begun = await write(queue, (unit) => beginCommand(unit, command.id))
    if (!begun) return null
    queue.begun.set(command.id, command.attempts > 0 ? 'uncertain' : 'certain')
  }
  return { isRepeat: queue.begun.get(command.id) === 'uncertain' }
}

/** Items of one mailbox to which the same is done: one protocol command each. */
export const groupAlike = (items: WorkItem[]): WorkItem[][] => {
  const groups = new Map<string, WorkItem[]>()
  for (const item of items) {
    const { path, addFlags, removeFlags, addKeywords, removeKeywords, toMailboxId, isExpunge } = item
    const key = JSON.stringify([path, addFlags, removeFlags, addKeywords, removeKeywords, `${toMailboxId}`, isExpunge])
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return [...groups.values()]
}
