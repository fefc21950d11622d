import { flagNames } from '#mail/flags.ts'
import { formatUidSet } from '#mail/uid-set.ts'
import type { Clock } from '#platform/clock.ts'
import type { AppError } from '#platform/errors.ts'
import type { Logger } from '#platform/logger.ts'
import { changeFlags } from '#protocol/imap/change-flags.ts'
import { fetchFlags } from '#protocol/imap/fetch-flags.ts'
import { createMailbox, expungeMessages, moveMessages } from '#protocol/imap/move-messages.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { isConnectionFault, toSessionError } from '#protocol/session-error.ts'
import { failCommand, finishCommand, settleFlags, settleMove, settleTargets } from '#store/command-settle.ts'
import { finishableCommands, nextCommand, nextItems, type WorkItem } from '#store/command-work.ts'
import { type CommitScope, commit } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import { removeUids, storeFlags } from '#store/sync-flags.ts'

/**
 * Carries out the waiting commands of an account, in order per message, in chunks. Killed anywhere and run again it does
 * no harm: flags are added or removed, never set; a uid that was moved already is simply no longer there.
 */
export type Execution = {
  store: Store
  session: ImapSession
  scope: CommitScope
  accountId: bigint
  clock: Clock
  logger: Logger
}

const chunkSize = 500

/** Runs until nothing is waiting. Throws connection faults; the commands then wait for the next connection. */
export const executeNextCommands = async (execution: Execution): Promise<void> => {
  for (;;) {
    await finishSettled(execution)
    const next = await execution.store.readSystem((tx) => nextCommand(tx, execution.accountId))
    if (!next) return
    const items = await execution.store.readSystem((tx) => nextItems(tx, next.id, chunkSize))
    for (const group of groupAlike(items)) await executeGroup(execution, group)
  }
}

const finishSettled = async ({ store, scope, accountId }: Execution): Promise<void> => {
  const ids = await store.readSystem((tx) => finishableCommands(tx, accountId))
  for (const id of ids) await commit(store, scope, (unit) => finishCommand(unit, accountId, id))
}

/** Items of one mailbox to which the same is done: one protocol command each. */
const groupAlike = (items: WorkItem[]): WorkItem[][] => {
  const groups = new Map<string, WorkItem[]>()
  for (const item of items) {
    const key = JSON.stringify([
      item.path,
      item.addFlags,
      item.removeFlags,
      item.addKeywords,
      item.removeKeywords,
      String(item.toMailboxId),
      item.isExpunge,
    ])
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return [...groups.values()]
}

const executeGroup = async (execution: Execution, items: WorkItem[]): Promise<void> => {
  const first = items[0]
  if (!first) return
  try {
    const selected = await selectMailbox(execution.session, first.path)
    if (selected.uidValidity !== first.uidValidity) return await giveUp(execution, items)
    await perform(execution, items, first)
  } catch (error) {
    const known = toSessionError(error)
    if (isConnectionFault(known)) throw known
    await refuse(execution, items, known)
  }
}

/** The mailbox has begun a new life: these uids mean nothing any more, so nothing is done to anything. */
const giveUp = ({ store, scope, accountId }: Execution, items: WorkItem[]): Promise<void> =>
  commit(store, scope, (unit) => settleTargets(unit, accountId, items, 'done'))

const perform = async (execution: Execution, items: WorkItem[], like: WorkItem): Promise<void> => {
  const { session, store, scope, accountId } = execution
  const uidSet = formatUidSet(items.map(({ uid }) => uid))
  if (like.isExpunge) {
    const isGone = await expungeMessages(session, uidSet)
    // Without UIDPLUS they stay on the server, marked: hidden here all the same.
    await commit(store, scope, async (unit) => {
      await settleTargets(unit, accountId, items, 'done')
      if (isGone)
        unit.touchThreads(
          accountId,
          await removeUids(
            unit,
            { accountId, mailboxId: like.mailboxId },
            items.map(({ uid }) => BigInt(uid)),
          ),
        )
    })
    return
  }
  await changeFlags(session, uidSet, 'add', [...flagNames(like.addFlags), ...like.addKeywords])
  await changeFlags(session, uidSet, 'remove', [...flagNames(like.removeFlags), ...like.removeKeywords])
  if (like.toPath === null || like.toMailboxId === like.mailboxId)
    return commit(store, scope, (unit) => settleFlags(unit, accountId, items))
  const { uidMap } = await moveOrCreate(session, uidSet, like.toPath)
  await commit(store, scope, async (unit) => {
    if (like.addKeywords.length + like.removeKeywords.length > 0) await settleFlags(unit, accountId, items)
    await settleMove(unit, accountId, items, uidMap)
  })
}

/** A target that is missing on the server is made once (RFC 9051 7.1 TRYCREATE). */
const moveOrCreate = async (session: ImapSession, uidSet: string, toPath: string) => {
  try {
    return await moveMessages(session, uidSet, toPath)
  } catch (error) {
    if (toSessionError(error).code !== 'mailbox.missing') throw error
    await createMailbox(session, toPath)
    return moveMessages(session, uidSet, toPath)
  }
}

/** Refused for good: what the server has is read again and shown, with the reason. */
const refuse = async (execution: Execution, items: WorkItem[], error: AppError): Promise<void> => {
  const { session, store, scope, accountId, logger } = execution
  const first = items[0]
  if (!first) return
  logger.info(
    { accountId: accountId.toString(), code: error.code, items: items.length },
    'the server refused a command',
  )
  const facts = await fetchFlags(session, formatUidSet(items.map(({ uid }) => uid))).catch(() => [])
  await commit(store, scope, async (unit) => {
    await failCommand(unit, first.commandId, error.code, error.detail.serverText ?? null)
    await settleTargets(unit, accountId, items, 'failed')
    const rows = facts.map(({ uid, flags }) => ({
      uid: BigInt(uid),
      bits: flags.bits,
      keywords: flags.keywords,
      modseq: 0n,
    }))
    unit.touchThreads(accountId, await storeFlags(unit, { accountId, mailboxId: first.mailboxId }, rows))
  })
}
