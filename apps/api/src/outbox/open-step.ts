import { type SelectedMailbox, selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { toSessionError } from '#protocol/session-error.ts'
import type { WorkItem } from '#store/command-work.ts'
import type { Outcome, Step } from './commands/command-step.ts'
import type { Chunk, Run } from './execution.ts'
import { mapSelected } from './locate-messages.ts'
import { looksRenamed } from './missing-mailbox.ts'

type Opened = (Step & { kind: 'step' }) | Extract<Outcome, { kind: 'later' }>

/**
 * Selects the mailbox of a chunk and makes sure that its uids mean what we think. A mailbox that has begun a new life
 * (UIDVALIDITY) has its messages found again by identity: a uid of the old life is never used on the new one, and items
 * that are not there any more are left out. Throws mailbox.missing.
 */
export const openStep = async (run: Run, chunk: Chunk, { mayWait }: { mayWait: boolean }): Promise<Opened> => {
  const like = first(chunk.items)
  const selected = await select(run, like, mayWait)
  if (!selected) return { kind: 'later', reason: 'the mailbox seems renamed' }
  const items = selected.uidValidity === like.uidValidity ? chunk.items : await findAgain(run, chunk.items, selected)
  const { store, session, accountId } = run
  return {
    kind: 'step',
    store,
    session,
    accountId,
    selected,
    items,
    like,
    isRepeat: chunk.isRepeat,
    isLate: chunk.isLate,
  }
}

const first = (items: WorkItem[]): WorkItem => {
  const [item] = items
  if (!item) throw new Error('a chunk without items')
  return item
}

const select = async (run: Run, like: WorkItem, mayWait: boolean): Promise<SelectedMailbox | null> => {
  try {
    return await selectMailbox(run.session, like.path)
  } catch (error) {
    if (mayWait && toSessionError(error).code === 'mailbox.missing' && (await looksRenamed(run, like.mailboxId)))
      return null
    throw error
  }
}

const findAgain = async (run: Run, items: WorkItem[], selected: SelectedMailbox): Promise<WorkItem[]> => {
  const key = `${selected.path} ${selected.uidValidity}`
  const uids = run.reborn.get(key) ?? (await mapSelected(run.session))
  run.reborn.set(key, uids)
  const found = uids.assign(items)
  return items.flatMap((item) => {
    const uid = found.get(item.placementId)
    return uid === undefined ? [] : [{ ...item, uid }]
  })
}
