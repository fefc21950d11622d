import type { CommandBody } from '@postern/shared/commands.ts'
import { flagNames } from '#mail/flags.ts'
import { AppError } from '#platform/errors.ts'
import { changeFlags } from '#protocol/imap/change-flags.ts'
import { createMailbox } from '#protocol/imap/change-mailboxes.ts'
import { expungeMessages, type MoveResult, moveMessages as moveOnServer } from '#protocol/imap/move-messages.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { toSessionError } from '#protocol/session-error.ts'
import type { WorkItem } from '#store/command-work.ts'
import { type Effect, findOwnMailbox } from '#store/commands.ts'
import type { Mailbox } from '#store/generated/client.ts'
import { requireRight } from '../check-rights.ts'
import { locateInTarget } from '../locate-messages.ts'
import { looksRenamed } from '../missing-mailbox.ts'
import {
  type CommandModule,
  type Given,
  isStorable,
  type Outcome,
  readBack,
  type Settled,
  type Step,
  settled,
  uidSetOf,
} from './command-step.ts'

type MoveMessages = Extract<CommandBody, { kind: 'moveMessages' }>

/** Throws request.invalid, mailbox.read_only, mailbox.no_permission. */
export const requireMovable = (from: Mailbox, to: Mailbox): void => {
  requireRight(from, 'remove')
  if (to.id === from.id) throw new AppError('request.invalid', 'The messages are in this mailbox already.')
  requireRight(to, 'insert')
}

const apply = async ({ unit, userId, mailbox, body }: Given<MoveMessages>): Promise<Effect> => {
  const to = await findOwnMailbox(unit.tx, userId, BigInt(body.toMailboxId))
  if (!to) throw new AppError('not_found', 'There is no such mailbox to move to.')
  if (to.accountId !== mailbox.accountId)
    throw new AppError('request.invalid', 'Messages can only be moved within their account.', {
      fields: { 'command.toMailboxId': 'belongs to another account' },
    })
  requireMovable(mailbox, to)
  return { addFlags: 0, removeFlags: 0, addKeywords: [], removeKeywords: [], toMailboxId: to.id, isExpunge: false }
}

/**
 * Moves a chunk. Where the server names the new uids (UIDPLUS) and nothing is uncertain, its answer is the proof; else
 * the source is looked at before and the target after, so that a lost answer neither loses nor doubles a message.
 */
export const executeMove = async (step: Step): Promise<Outcome> => {
  await mark(step)
  return step.session.capabilities.uidplus && !step.isRepeat ? moveByAnswer(step, step.items) : moveByLooking(step)
}

export const moveMessages: CommandModule<MoveMessages> = { apply, execute: executeMove }

/** What a mailbox does not keep is left out: a keyword that only helps the spam filter must not stop the move. */
const mark = async ({ session, selected, items, like }: Step): Promise<void> => {
  const added = [...flagNames(like.addFlags), ...like.addKeywords].filter((flag) => isStorable(selected, flag))
  await changeFlags(session, uidSetOf(items), 'add', added)
  await changeFlags(session, uidSetOf(items), 'remove', [...flagNames(like.removeFlags), ...like.removeKeywords])
}

const moveByAnswer = async (step: Step, items: WorkItem[]): Promise<Outcome> => {
  const answer = await moveOrCreate(step, items)
  if (answer === 'renamed') return { kind: 'later', reason: 'the target seems renamed' }
  const uidMap = answer.uidMap ?? new Map<number, number>()
  const moved = items.flatMap(({ placementId, uid }) => {
    const newUid = uidMap.get(uid)
    return newUid === undefined ? [] : [{ placementId, uid: newUid }]
  })
  const { here, gone } = await readBack(
    step.session,
    items.filter(({ uid }) => !uidMap.has(uid)),
  )
  // Named were all that it moved, as far as it named any: the others had left before.
  if (answer.uidMap !== null)
    return settled({ moved, gone, missed: gone, stuck: here, toUidValidity: answer.uidValidity })
  const after = await locateAndReturn(step, gone)
  const known = placed(gone, after.found)
  return settled({ ...known, missed: known.gone, stuck: here, toUidValidity: after.uidValidity })
}

const moveByLooking = async (step: Step): Promise<Outcome> => {
  const { session, isRepeat } = step
  const { here, gone: absent } = await readBack(session, step.items)
  const before = isRepeat ? await locateAndReturn(step, session.capabilities.move ? absent : step.items) : nowhere
  const copied = here.filter(({ placementId }) => before.found.has(placementId))
  // Only the removal of these is missing: a second COPY would double them.
  if (copied.length > 0) await expungeMessages(session, uidSetOf(copied))
  const known = settled({
    ...placed([...absent, ...copied], before.found),
    // An earlier run may have moved them, and somebody else then on.
    missed: isRepeat ? [] : absent,
    toUidValidity: before.uidValidity,
  })
  const rest = here.filter(({ placementId }) => !before.found.has(placementId))
  if (rest.length === 0) return known
  const last = session.capabilities.uidplus ? await moveByAnswer(step, rest) : await moveSilently(step, rest)
  return last.kind === 'later' ? last : joined(known, last)
}

/** Without UIDPLUS the server does not say where they went. */
const moveSilently = async (step: Step, items: WorkItem[]): Promise<Outcome> => {
  const answer = await moveOrCreate(step, items)
  if (answer === 'renamed') return { kind: 'later', reason: 'the target seems renamed' }
  const after = await locateInTarget(step, items)
  return settled({ ...placed(items, after.found), toUidValidity: after.uidValidity })
}

const nowhere = { found: new Map<bigint, number>(), uidValidity: null }

const locateAndReturn = async (step: Step, items: WorkItem[]) => {
  if (items.length === 0) return nowhere
  const located = await locateInTarget(step, items)
  await selectMailbox(step.session, step.selected.path)
  return located
}

const placed = (items: WorkItem[], found: Map<bigint, number>): Pick<Settled, 'moved' | 'gone'> => {
  const moved: Settled['moved'] = []
  const gone: WorkItem[] = []
  for (const item of items) {
    const uid = found.get(item.placementId)
    if (uid === undefined) gone.push(item)
    else moved.push({ placementId: item.placementId, uid })
  }
  return { moved, gone }
}

const joined = (a: Settled, b: Settled): Settled =>
  settled({
    truth: [...a.truth, ...b.truth],
    moved: [...a.moved, ...b.moved],
    gone: [...a.gone, ...b.gone],
    missed: [...a.missed, ...b.missed],
    stuck: [...a.stuck, ...b.stuck],
    toUidValidity: b.toUidValidity ?? a.toUidValidity,
  })

/** A target that is missing on the server is made, once (RFC 9051 7.1 TRYCREATE), unless it only has a new name. */
const moveOrCreate = async (step: Step, items: WorkItem[]): Promise<MoveResult | 'renamed'> => {
  const { session, like } = step
  if (like.toPath === null || like.toMailboxId === null)
    throw new AppError('mailbox.missing', 'The mailbox to move to no longer exists.')
  try {
    return await moveWhole(session, items, like.toPath)
  } catch (error) {
    if (toSessionError(error).code !== 'mailbox.missing') throw error
    if (await looksRenamed(step, like.toMailboxId)) return 'renamed'
    await createMailbox(session, like.toPath)
    return moveWhole(session, items, like.toPath)
  }
}

/** Cut off between COPY and EXPUNGE the copies are named already, but the originals are still there. */
const moveWhole = async (session: ImapSession, items: WorkItem[], toPath: string): Promise<MoveResult> => {
  const answer = await moveOnServer(session, uidSetOf(items), toPath)
  if (!session.isOpen()) throw toSessionError({ code: 'NoConnection' })
  return answer
}
