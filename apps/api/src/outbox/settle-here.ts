import { effectivePlacement } from '#mail/flags.ts'
import { type Clock, systemClock } from '#platform/clock.ts'
import { type Settlement, settleChunk } from '#store/command-settle.ts'
import type { OpenCommand, WorkItem } from '#store/command-work.ts'
import { logCommand } from '#store/commands.ts'
import type { EngineScope, Unit, UserScope } from '#store/commit.ts'
import { releaseDeletedHere } from '#store/maildrop-wishes.ts'
import type { Store } from '#store/open-store.ts'
import { holdMailbox, takeUids } from '#store/store-arrivals.ts'
import { beginOnce, groupAlike, nextWork, openQueue, type Queue, write } from './command-queue.ts'
import { tellsProgressFrom } from './settle-outcome.ts'
import { storeNextMails } from './store-mails-here.ts'

/**
 * Carries out the waiting commands of an account whose mailboxes are kept here, as those of a POP3 account are: there is
 * no server to ask, what is stored is the truth. The same commands, chunks and undo as everywhere else; a chunk is one
 * transaction, so a kill leaves it done or not begun. Imported mails go the same way. `isEnough` ends it early, between two
 * chunks; `onReleased` is told of mails that may now go at the provider. False when nothing was waiting.
 */
export const settleNextCommands = async (place: {
  store: Store
  scope: EngineScope | UserScope
  accountId: bigint
  clock?: Clock
  isEnough?: () => boolean
  onReleased?: () => void
}): Promise<boolean> => {
  const queue = openQueue(place)
  for (let hasActed = false; ; hasActed = true) {
    if (place.isEnough?.()) return hasActed
    const work = await nextWork(queue)
    // What is imported gives way to every click.
    if (!work && !(await storeNextMails({ clock: systemClock, ...place }))) return hasActed
    if (!work) continue
    if (!(await beginOnce(queue, work.command))) continue
    for (const items of groupAlike(work.items))
      if ((await settleGroup(queue, work.command, items)) > 0) place.onReleased?.()
  }
}

/** Answers how many mails may now go at the provider. */
const settleGroup = (queue: Queue, command: OpenCommand, items: WorkItem[]): Promise<number> =>
  write(queue, async (unit) => {
    const { accountId } = queue
    const [like] = items
    if (!like) return 0
    const { toMailboxId, isExpunge } = like
    const isMove = toMailboxId !== null && toMailboxId !== like.mailboxId
    if (isMove && !(await holdMailbox(unit.tx, toMailboxId))) {
      await refuseGone(queue, unit, command, items)
      return 0
    }
    const firstUid = isMove ? await takeUids(unit.tx, toMailboxId, items.length) : 0n
    const settlement: Settlement = {
      commandId: command.id,
      mailboxId: like.mailboxId,
      to: isMove ? { mailboxId: toMailboxId, uidValidity: null } : null,
      done: items.map(({ placementId }) => placementId),
      failed: [],
      missed: [],
      truth: isExpunge ? [] : items.map(truthOf),
      moved: isMove ? items.map(({ placementId }, n) => ({ placementId, uid: Number(firstUid) + n })) : [],
      gone: isExpunge ? items.map(({ placementId }) => placementId) : [],
    }
    await settleChunk(unit, accountId, settlement)
    if (command.targets > tellsProgressFrom) logCommand(unit, accountId, command.id)
    if (!isExpunge) return 0
    return releaseDeletedHere(
      unit,
      accountId,
      items.map(({ messageId }) => messageId),
    )
  })

/** Where they were to go was removed: what went on to Trash with it is looked up again, anything else stays where it is. */
const refuseGone = async (
  { accountId, fetched }: Queue,
  unit: Unit,
  { id: commandId }: OpenCommand,
  items: WorkItem[],
): Promise<void> => {
  const [like] = items
  if (!like) return
  fetched.delete(commandId)
  const lost = await unit.tx.commandTarget.findMany({
    where: {
      commandId,
      state: 'pending',
      placementId: { in: items.map(({ placementId }) => placementId) },
      toMailboxId: like.toMailboxId,
    },
    select: { placementId: true },
  })
  const failed = lost.map(({ placementId }) => placementId)
  const { mailboxId } = like
  await settleChunk(unit, accountId, {
    commandId,
    mailboxId,
    to: null,
    done: [],
    failed,
    missed: [],
    truth: [],
    moved: [],
    gone: [],
  })
}

/** What was stored, with this one command applied. */
const truthOf = (item: WorkItem) => {
  const { bits, keywords } = effectivePlacement(
    { mailboxId: item.mailboxId, bits: item.flags.bits, keywords: item.flags.keywords },
    [{ ...item, toMailboxId: null, isExpunge: false }],
  )
  return { placementId: item.placementId, flags: { bits, keywords }, modseq: 0n }
}
