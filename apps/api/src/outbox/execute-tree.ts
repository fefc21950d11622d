import { AppError } from '#platform/errors.ts'
import { createMailbox, deleteMailbox, followSubscription, renameMailbox } from '#protocol/imap/change-mailboxes.ts'
import { listMailboxes, readStatus } from '#protocol/imap/list-mailboxes.ts'
import { isConnectionFault, toSessionError } from '#protocol/session-error.ts'
import { addSyncEvent } from '#store/account-state.ts'
import { beginCommand } from '#store/command-work.ts'
import type { Unit } from '#store/commit.ts'
import { treeNotice } from '#store/engine-requests.ts'
import { engineChannel } from '#store/notify.ts'
import { placeSubtree } from '#store/own-mailboxes.ts'
import { type MailboxRow, readMailboxes, storeTree } from '#store/sync-mailboxes.ts'
import {
  insertMade,
  nextTreeChange,
  type OpenTreeChange,
  refuseTreeChange,
  settleTreeChange,
  type TreeChange,
} from '#store/tree-changes.ts'
import { write } from './command-queue.ts'
import { type Run, sessionFault } from './execution.ts'
import { type PathStyle, pathStyleOf, roleOf } from './role-mailbox.ts'
import { learnRights } from './settle-outcome.ts'
import { nameTaken, placeAnew, placeNew, requireOwnSubtree } from './tree-rules.ts'

/**
 * Carries out what a person wants of the mailboxes at the server, one change after the other:
 *
 *   pending -> running (durable, before the first byte is sent) -> at the server -> rows and `done` in one transaction
 *                 |                                                    | refused: nothing changes here -> failed
 *                 +-- cut off: the next connection looks whether it happened before it is sent again
 *
 * A mailbox keeps its row through all of it, so its id, its messages and what they are shown as stay. Who gave the change
 * waits for its end (tree-outcome.ts).
 */
/** A server that ends the connection over it so often will not do it. */
const maxAttempts = 4

type Kind = TreeChange['kind']
type Place = {
  run: Run
  all: MailboxRow[]
  /** How the server spells paths; told by itself. */
  style: PathStyle
  /** The paths it has, looked up because an earlier run may have done it; null when none can have. */
  listed: Set<string> | null
  /** Given so long ago that it is only looked at. */
  isLate: boolean
}
type Step<K extends Kind> = Place & { change: Extract<TreeChange, { kind: K }> }
type Outcome = {
  /** Stores what is now true; answers the mailbox it is about. */
  store: (unit: Unit) => Promise<bigint>
  isGone?: boolean
}

/** True when there was something to do. Throws connection faults. */
export const executeTreeChanges = async (run: Run): Promise<boolean> => {
  for (let hasActed = false; ; hasActed = true) {
    const open = await run.store.readSystem((tx) => nextTreeChange(tx, run.accountId))
    if (!open) return hasActed
    await runChange(run, open)
    // Both know mailboxes by their paths.
    run.fetched.clear()
    run.reborn.clear()
    run.onTree?.()
    run.store.notifier.notify(engineChannel, treeNotice(open.id))
  }
}

const runChange = async (run: Run, open: OpenTreeChange): Promise<void> => {
  if (!(await write(run, (unit) => beginCommand(unit, open.id)))) return
  try {
    const { store, isGone = false } = await carryOut(run, open)
    await write(run, async (unit) => settleTreeChange(unit, { id: open.id, mailboxId: await store(unit), isGone }))
  } catch (error) {
    const known = sessionFault(run.session, error)
    if (isConnectionFault(known) && open.attempts + 1 < maxAttempts) throw known
    await refuse(run, open, explain(open.change, known))
  }
}

const carryOut = async (run: Run, { change, attempts, isLate }: OpenTreeChange): Promise<Outcome> => {
  const { store, session, accountId } = run
  const all = await store.readSystem((tx) => readMailboxes(tx, accountId))
  const listed =
    attempts > 0 ? new Set((await listMailboxes(session, { withStatus: false })).map(({ path }) => path)) : null
  const style = { prefix: session.personal.prefix, delimiter: pathStyleOf(all).delimiter }
  const step = { run, all, style, listed, isLate }
  switch (change.kind) {
    case 'createMailbox':
      return make({ ...step, change })
    case 'placeMailbox':
      return place({ ...step, change })
    case 'trashMailbox':
      return trash({ ...step, change })
    case 'eraseMailbox':
      return erase({ ...step, change })
  }
}

const make = async ({ run, change, all, style, listed, isLate }: Step<'createMailbox'>): Promise<Outcome> => {
  const { session, accountId } = run
  const { path, parent, delimiter } = placeNew(all, change, style)
  if (!listed?.has(path)) {
    requireTimely(isLate)
    if (!(await createMailbox(session, path)) && listed === null) throw nameTaken()
  }
  const status = await readStatus(session, path)
  const { uidValidity, uidNext, highestModseq } = status ?? { uidValidity: null, uidNext: null, highestModseq: null }
  const empty = status?.messages === 0 && uidValidity && uidNext ? { uidValidity, uidNext, highestModseq } : null
  const asId = change.asId === undefined ? null : BigInt(change.asId)
  const made = { accountId, path, name: change.name, delimiter, namespace: parent?.namespace ?? '', asId, empty }
  return { store: (unit) => insertMade(unit, made) }
}

const place = async (step: Step<'placeMailbox'>): Promise<Outcome> => {
  const { change, all, style } = step
  const subtree = requireOwnSubtree(all, BigInt(change.mailboxId))
  const { path } = placeAnew(all, subtree, change, style)
  await renameSubtree(step, subtree, path)
  return { store: (unit) => storePlace(unit, subtree, { path, name: change.name }) }
}

const storePlace = async (
  unit: Unit,
  [own, ...below]: [MailboxRow, ...MailboxRow[]],
  to: { path: string; name: string },
): Promise<bigint> => {
  if (to.path !== own.path) await placeSubtree(unit, [own, ...below], own, to)
  return own.id
}

const renameSubtree = async (
  { run: { session }, listed, isLate }: Place,
  subtree: [MailboxRow, ...MailboxRow[]],
  path: string,
): Promise<void> => {
  const [own] = subtree
  if (path === own.path) return
  const isThere = listed?.has(path) === true && !listed.has(own.path)
  if (!isThere) {
    requireTimely(isLate)
    await renameMailbox(session, own.path, path)
  }
  for (const row of subtree)
    if (row.isSubscribed) await followSubscription(session, row.path, `${path}${row.path.slice(own.path.length)}`)
}

/** Below Trash, which loses nothing, not even what nobody here has seen yet. */
const trash = async (step: Step<'trashMailbox'>): Promise<Outcome> => {
  const { run, change, all } = step
  const subtree = requireOwnSubtree(all, BigInt(change.mailboxId))
  const [own] = subtree
  const bin = all.find((row) => roleOf(row) === 'trash')
  if (!bin) throw new AppError('mailbox.missing', 'This account has no mailbox for what is deleted.')
  const to = freePlace(all, bin, own)
  try {
    if (bin.uidValidity === null) await createMailbox(run.session, bin.path)
    await renameSubtree(step, subtree, to.path)
    return { store: (unit) => storePlace(unit, subtree, to) }
  } catch (error) {
    const known = sessionFault(run.session, error)
    if (isConnectionFault(known) || known.code === 'mailbox.missing') throw known
    return removeEmpty(step, subtree, known)
  }
}

const freePlace = (all: MailboxRow[], bin: MailboxRow, { name }: MailboxRow): { path: string; name: string } => {
  const taken = new Set(all.map(({ path }) => path.toLowerCase()))
  const at = (free: string) => ({ name: free, path: `${bin.path}${bin.delimiter ?? ''}${free}` })
  let found = at(name)
  for (let n = 2; taken.has(found.path.toLowerCase()); n++) found = at(`${name} ${n}`)
  return found
}

/** Some servers let nothing lie below Trash. What holds nothing can be made again; anything else stays. */
const removeEmpty = async (
  { run: { store, session, accountId }, isLate }: Place,
  [own, ...below]: [MailboxRow, ...MailboxRow[]],
  refusal: AppError,
): Promise<Outcome> => {
  const status = own.isSelectable && below.length === 0 ? await readStatus(session, own.path) : null
  // What was kept here until now may still be on its way there (switch-uploads.ts).
  const held = await store.readSystem((tx) => tx.placement.count({ where: { mailboxId: own.id } }))
  if (status?.messages !== 0 || held > 0)
    throw new AppError('mailbox.refused', 'The mail server does not let a mailbox lie in Trash.', {
      hint: 'Move what it holds to Trash, and what lies below it elsewhere; empty it can be deleted.',
      ...(refusal.detail.serverText ? { serverText: refusal.detail.serverText } : {}),
    })
  requireTimely(isLate)
  await deleteWhole(session, own)
  return { isGone: true, store: (unit) => dropRows(unit, accountId, [own]) }
}

const erase = async ({ run, change, all, isLate }: Step<'eraseMailbox'>): Promise<Outcome> => {
  const { session, accountId } = run
  requireTimely(isLate)
  const subtree = requireOwnSubtree(all, BigInt(change.mailboxId))
  // What lies deepest first: a server may refuse, or leave an empty name, where others lie below.
  const deepestFirst = subtree.toSorted((a, b) => b.path.length - a.path.length)
  for (const row of deepestFirst) await deleteWhole(session, row)
  return { store: (unit) => dropRows(unit, accountId, subtree) }
}

/** One that is gone already is what was wanted; a name that only held others goes with the last of them. */
const deleteWhole = async (
  session: Run['session'],
  { path, isSubscribed, isSelectable }: MailboxRow,
): Promise<void> => {
  try {
    await deleteMailbox(session, path)
  } catch (error) {
    const known = toSessionError(error)
    if (known.code !== 'mailbox.missing' && (isSelectable || isConnectionFault(known))) throw known
  }
  if (isSubscribed) await followSubscription(session, path, null)
}

const dropRows = async (unit: Unit, accountId: bigint, rows: MailboxRow[]): Promise<bigint> => {
  const [root] = rows
  if (!root) throw new Error('nothing to remove')
  await storeTree(unit, accountId, { created: [], renamed: [], updated: [], removed: rows.map(({ id }) => id) })
  return root.id
}

const requireTimely = (isLate: boolean): void => {
  if (isLate) throw new AppError('request.conflict', 'This was asked for too long ago.', { hint: 'Do it again.' })
}

/** What the person is told. */
const explain = ({ kind }: TreeChange, error: AppError): AppError => {
  const { code, message, detail } = error
  const said = detail.serverText ? { serverText: detail.serverText } : {}
  if (isConnectionFault(error))
    return new AppError('mailbox.refused', 'The connection to the mail server ended each time this was tried.', {
      hint: message,
      ...said,
    })
  if (code !== 'mailbox.refused' || (kind !== 'createMailbox' && kind !== 'placeMailbox')) return error
  return new AppError(code, 'The mail server does not take this name, or not at this place.', {
    hint: 'Try another one.',
    ...said,
  })
}

const refuse = async (run: Run, { id, change }: OpenTreeChange, error: AppError): Promise<void> => {
  const { code, message, detail } = error
  const { hint, fields, serverText = null } = detail
  run.logger.info({ accountId: run.accountId.toString(), kind: change.kind, code }, 'a change of mailboxes was refused')
  await write(run, async (unit) => {
    await refuseTreeChange(unit, id, {
      code,
      message,
      serverText,
      ...(hint === undefined ? {} : { hint }),
      ...(fields === undefined ? {} : { fields }),
    })
    const text = `${labels[change.kind]} ${message}`
    await addSyncEvent(unit, run.accountId, { kind: 'mailbox', code, text })
  })
  if (code === 'mailbox.no_permission') await learnRights(run, await placesOf(run, change))
}

/** The mailboxes whose rights a change needs. */
const placesOf = ({ store }: Run, change: TreeChange): Promise<{ id: bigint; path: string }[]> => {
  const own = 'mailboxId' in change ? [change.mailboxId] : []
  const parent = 'parentId' in change && change.parentId ? [change.parentId] : []
  return store.readSystem((tx) =>
    tx.mailbox.findMany({ where: { id: { in: [...own, ...parent].map(BigInt) } }, select: { id: true, path: true } }),
  )
}

const labels: Record<Kind, string> = {
  createMailbox: 'A mailbox was not made.',
  placeMailbox: 'A mailbox was not renamed or moved.',
  trashMailbox: 'A mailbox was not put into Trash.',
  eraseMailbox: 'A mailbox was not deleted.',
}
