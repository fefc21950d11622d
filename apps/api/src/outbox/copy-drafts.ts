import { AppError } from '#platform/errors.ts'
import { appendMessage, findByHeader } from '#protocol/imap/append-message.ts'
import { createMailbox } from '#protocol/imap/change-mailboxes.ts'
import { expungeMessages } from '#protocol/imap/move-messages.ts'
import { type SelectedMailbox, selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { isConnectionFault } from '#protocol/session-error.ts'
import { readPieces, type StagedContent, stageContent } from '#store/blobs.ts'
import { commit, type EngineScope, type Unit } from '#store/commit.ts'
import {
  beginCopy,
  type CopyRow,
  type DraftWork,
  endDraftWork,
  forgetCopies,
  isCurrent,
  isSourceNeeded,
  keepCopy,
  nextDraftWork,
  postponeCopy,
  sourceNeededMs,
  takeCopyId,
} from '#store/draft-copies.ts'
import type { Mailbox } from '#store/generated/client.ts'
import { dropStaged } from '#store/store-sources.ts'
import { isStorable } from './commands/command-step.ts'
import { draftHeader, draftMark, draftOctets } from './draft-octets.ts'
import { type Execution, sessionFault } from './execution.ts'
import { mailboxForRole } from './role-mailbox.ts'

/**
 * Keeps one copy of every open draft in the Drafts mailbox of the server. Killed anywhere and run again it does no harm:
 *
 *   (row) sending, durable, with the uid from which on it may be -> APPEND -> stored, with its uid -> older copies expunged
 *           +-- cut off: the next run looks for it by the header that names it, from that uid on, before anything else
 *
 * Nothing is expunged but a uid that we saw when we put that very copy there, or that the draft was begun from.
 */
export type CopyRun = Omit<Execution, 'scope'> & { scope: EngineScope }

/** A mailbox that takes nothing may be full, or read-only. */
const refusedDelayMs = 10 * 60_000

/** Looks after the copy of one draft that is due. Null: none is; else the mailbox that is to be looked at. Throws connection faults. */
export const copyNextDraft = async (run: CopyRun): Promise<{ mailboxId: bigint | null } | null> => {
  const { store, accountId, logger } = run
  const work = await store.readSystem((tx) => nextDraftWork(tx, accountId))
  if (!work) return null
  try {
    return { mailboxId: await lookAfter(run, work) }
  } catch (error) {
    const known = sessionFault(run.session, error)
    if (isConnectionFault(known) || known.code === 'lease.lost' || known.code.startsWith('storage.')) throw known
    logger.info({ accountId: accountId.toString(), code: known.code }, 'a draft has no copy at the server')
    await write(run, (unit) => postponeCopy(unit, work.row, { accountId, delayMs: refusedDelayMs }))
    return { mailboxId: null }
  }
}

const write = <T>({ store, scope }: CopyRun, work: (unit: Unit) => Promise<T>): Promise<T> => commit(store, scope, work)

const lookAfter = async (run: CopyRun, work: DraftWork): Promise<bigint | null> => {
  const { accountId, clock } = run
  if (work.isMoving || isSourceNeeded(work, clock.now())) {
    await write(run, (unit) => postponeCopy(unit, work.row, { accountId, delayMs: sourceNeededMs }))
    return null
  }
  const known = await settleUncertain(run, work)
  const { row } = work
  if (!work.isWanted) {
    const [first] = known
    await removeCopies(run, row.id, known)
    if (row.accountId === accountId) await write(run, (unit) => endDraftWork(unit, row, null))
    return first?.mailboxId ?? null
  }
  const current = known.findLast((copy) => isCurrent(copy, row)) ?? (await makeCopy(run, work))
  const { id, version, messageId, mailboxId } = current
  await removeCopies(
    run,
    row.id,
    known.filter((copy) => copy.id !== id),
  )
  // Last: a run that is cut off before it begins here again.
  await write(run, (unit) => endDraftWork(unit, row, { version, messageId }))
  return mailboxId
}

/** Of copies that an earlier run began, those that are there; it does not know how that ended. */
const settleUncertain = async (run: CopyRun, { row, copies }: DraftWork): Promise<CopyRow[]> => {
  const known: CopyRow[] = []
  for (const copy of copies) {
    if (copy.state === 'stored') {
      known.push(copy)
      continue
    }
    const selected = await selectById(run, copy.mailboxId)
    const fromUid = copy.uidValidity === selected?.uidValidity ? (copy.fromUid ?? 1n) : 1n
    const uid = selected && (await findByHeader(run.session, mark(row.id, copy.id), fromUid))
    if (!selected || uid === null) await write(run, (unit) => forgetCopies(unit, [copy.id]))
    else {
      const at = { uid, uidValidity: selected.uidValidity }
      await write(run, (unit) => keepCopy(unit, copy.id, at))
      known.push({ ...copy, state: 'stored', uid: BigInt(uid), uidValidity: selected.uidValidity })
    }
  }
  return known
}

const mark = (draftId: string, copyId: bigint) => ({ name: draftHeader, value: draftMark(draftId, copyId) })

const makeCopy = async (run: CopyRun, work: DraftWork): Promise<CopyRow> => {
  const { store, scope, accountId } = run
  const { row, readAt: madeAt } = work
  const { mailbox, selected } = await openDrafts(run)
  const id = await store.readSystem(takeCopyId)
  const content = await stageContent(store, scope, draftOctets(store, work, id))
  try {
    const { uidValidity } = selected
    const fromUid = selected.uidNext || 1n
    const copy = {
      id,
      draftId: row.id,
      accountId,
      mailboxId: mailbox.id,
      version: row.version,
      fromUid,
      uidValidity,
      madeAt,
    }
    await write(run, (unit) => beginCopy(unit, copy))
    const uid = await append(run, selected, content, copy)
    await write(run, (unit) => keepCopy(unit, id, { uid, uidValidity }))
    return { ...copy, state: 'stored', uid: BigInt(uid), messageId: null }
  } finally {
    const { blobId } = content
    if (blobId !== null) await write(run, (unit) => dropStaged(unit, [blobId]))
  }
}

const append = async (
  { store, session, clock }: CopyRun,
  selected: SelectedMailbox,
  { blobId, head, sizeBytes }: StagedContent,
  { id, draftId, fromUid }: { id: bigint; draftId: string; fromUid: bigint },
): Promise<number> => {
  const octets = blobId === null ? once(Buffer.from(head)) : readPieces(store, blobId)
  const appended = await appendMessage(session, selected.path, {
    sizeBytes,
    octets,
    hasNul: false,
    flags: ['\\Draft', '\\Seen'].filter((flag) => isStorable(selected, flag)),
    internalDate: clock.now(),
  })
  const uid = appended?.uid ?? (await findByHeader(session, mark(draftId, id), fromUid))
  if (uid === null) throw new AppError('mailbox.refused', 'The server took a draft, and does not have it.')
  return uid
}

async function* once(octets: Buffer): AsyncGenerator<Buffer> {
  yield octets
}

/** The Drafts mailbox, made where there is none. Throws mailbox.*. */
const openDrafts = async (run: CopyRun): Promise<{ mailbox: Mailbox; selected: SelectedMailbox }> => {
  const { session, accountId } = run
  const mailbox = await write(run, (unit) => mailboxForRole(unit, accountId, 'drafts'))
  const selected = await selectKnown(run, mailbox.path)
  if (selected) return { mailbox, selected }
  await createMailbox(session, mailbox.path, 'drafts')
  run.onTree?.()
  return { mailbox, selected: await selectMailbox(session, mailbox.path) }
}

/** Null: the server has no such mailbox. */
const selectKnown = async ({ session }: CopyRun, path: string): Promise<SelectedMailbox | null> => {
  try {
    return await selectMailbox(session, path)
  } catch (error) {
    if (sessionFault(session, error).code === 'mailbox.missing') return null
    throw error
  }
}

const selectById = async (run: CopyRun, id: bigint): Promise<SelectedMailbox | null> => {
  const mailbox = await run.store.readSystem((tx) => tx.mailbox.findUnique({ where: { id } }))
  return mailbox && selectKnown(run, mailbox.path)
}

/** What lies in another life of its mailbox than it was put into is not ours to judge, unless its header says so. */
const removeCopies = async (run: CopyRun, draftId: string, copies: CopyRow[]): Promise<void> => {
  for (const copy of copies) {
    const selected = await selectById(run, copy.mailboxId)
    if (selected) {
      const isSameLife = copy.uidValidity === selected.uidValidity && copy.uid !== null
      const uid = isSameLife ? Number(copy.uid) : await findByHeader(run.session, mark(draftId, copy.id), 1n)
      if (uid !== null) await expungeMessages(run.session, String(uid))
    }
    await write(run, (unit) => forgetCopies(unit, [copy.id]))
  }
}
