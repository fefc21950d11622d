import type { CommandBody, CommandTarget } from '@postern/shared/commands.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { Message, ThreadRow } from '@postern/shared/messages.ts'
import { nameOf } from '#lib/mailbox-name.ts'
import { newId } from '#lib/new-id.ts'
import { type TextKey, t } from '#lib/text.ts'
import { ApiError, call, explain } from './api.ts'
import { type AppState, app, listKey } from './app-state.ts'
import { inView } from './apply-change.ts'
import { noteGiven, noteQuiet, noteUndo, tellMissed } from './command-results.ts'
import { noteChange, refreshMailbox, whileSending } from './load-rows.ts'
import { emptyList, type ThreadList, withChanges } from './thread-list.ts'
import { dismiss, showToast } from './toasts.ts'
import { type Told, tellDone, withdraw } from './undo-list.ts'

/** What a person can do to mail: shown at once, sent after, taken back with `z`. */
export type MailAction =
  | 'read'
  | 'unread'
  | 'star'
  | 'unstar'
  | 'archive'
  | 'trash'
  | 'junk'
  | 'notJunk'
  | 'expunge'
  /** Takes back \Deleted that some other program has set. */
  | 'restore'
  | { moveTo: Mailbox }

/** What an action changed on the screen, as it was before; `shown` is the list it left. */
type Before = {
  key: string
  rows: ThreadRow[]
  list: ThreadList | undefined
  shown: ThreadList | undefined
  threads: AppState['threads']
}
type Done = {
  id: string
  mailboxId: string
  before: Before
  sent: Promise<unknown>
  told: Told | null
  isTakenBack: boolean
}

const bodyOf = (action: MailAction, target: CommandTarget): CommandBody => {
  const flags = (add: 'seen'[] | 'flagged'[], remove: 'seen'[] | 'flagged'[]): CommandBody => ({
    kind: 'setFlags',
    target,
    add,
    remove,
    addKeywords: [],
    removeKeywords: [],
  })
  if (typeof action === 'object') return { kind: 'moveMessages', target, toMailboxId: action.moveTo.id }
  switch (action) {
    case 'read':
      return flags(['seen'], [])
    case 'unread':
      return flags([], ['seen'])
    case 'star':
      return flags(['flagged'], [])
    case 'unstar':
      return flags([], ['flagged'])
    case 'archive':
      return { kind: 'moveToRole', target, role: 'archive' }
    case 'trash':
      return { kind: 'moveToRole', target, role: 'trash' }
    case 'junk':
      return { kind: 'moveToRole', target, role: 'junk' }
    case 'notJunk':
      return { kind: 'moveToRole', target, role: 'inbox' }
    case 'restore':
      return { kind: 'setFlags', target, add: [], remove: ['deleted'], addKeywords: [], removeKeywords: [] }
    case 'expunge':
      return { kind: 'expungeMessages', target }
  }
}

/** Whether messages leave the mailbox by this. */
export const takesAway = (action: MailAction): boolean =>
  typeof action === 'object' || ['archive', 'trash', 'junk', 'notJunk', 'expunge'].includes(action)

/** Whether nobody wants to go on looking at it after this: what was marked unread would be read again at once. */
export const closes = (action: MailAction): boolean => takesAway(action) || action === 'unread'

/** Why an action is not possible here; null when it is. */
export const refusalOf = (mailbox: Mailbox, action: MailAction): string | null => {
  const { rights } = mailbox
  const isAllowed = takesAway(action)
    ? rights.remove
    : action === 'read' || action === 'unread'
      ? rights.setSeen
      : rights.setFlags
  return isAllowed ? null : t('action.refused')
}

/** Told before conversations leave a list by a person's wish, so that whoever shows one of them can go elsewhere. */
export const leaving: { listener: (mailboxId: string, target: CommandTarget, action: MailAction) => void } = {
  listener: () => undefined,
}

/** How many conversations an action is about. */
const sizeOf = (action: MailAction, mailboxId: string, target: CommandTarget): number => {
  if (target.kind === 'threads') return target.threadIds.length
  if (target.kind === 'messages') return target.messageIds.length
  const mailbox = app.get().mailboxes[mailboxId]
  return (action === 'read' ? mailbox?.unreadConversations : mailbox?.conversations) ?? 1
}

const doneText = (action: MailAction, mailboxId: string, n: number): string => {
  const done = typeof action === 'object' ? 'move' : action === 'expunge' ? expungeText(mailboxId) : action
  const key = `${n > 1 ? 'many' : 'done'}.${done}` as TextKey // every action has both
  return t(key, { n: n.toLocaleString(), name: typeof action === 'object' ? nameOf(action.moveTo) : '' })
}

/** Whether it goes at the provider of a POP3 account too, which is not at once. */
const expungeText = (mailboxId: string): 'expunge' | 'expungeBoth' => {
  const { accounts, mailboxes } = app.get()
  const retrieval = accounts.find(({ id }) => id === mailboxes[mailboxId]?.accountId)?.retrieval
  return retrieval?.policy.kind === 'whenDeletedHere' && !retrieval.isOnHold ? 'expungeBoth' : 'expunge'
}

/**
 * Carries an action out on conversations of a mailbox, or on everything in it. The answer is there when the server has it,
 * and rejects when it did not happen; the person is told, unless the screen did it by itself, and the screen is put back here.
 */
export const act = (
  action: MailAction,
  mailboxId: string,
  target: CommandTarget,
  { isQuiet = false } = {},
): Promise<unknown> => {
  const size = sizeOf(action, mailboxId, target)
  const text = doneText(action, mailboxId, size)
  if (closes(action)) leaving.listener(mailboxId, target, action)
  const before = showAtOnce(action, mailboxId, target)
  const id = newId()
  if (isQuiet) noteQuiet(id)
  // What was done to nothing was not done.
  else noteGiven(id, (missed) => missed >= size && done.told && withdraw(done.told))
  const sent = whileSending(
    call('runCommand', 'POST', '/v1/commands', { body: { id, command: bodyOf(action, target) } }),
  )
  const done: Done = { id, mailboxId, before, sent, told: null, isTakenBack: false }
  if (!isQuiet) done.told = tellDone(text, action === 'expunge' ? undefined : () => undo(done))
  sent.then(
    () => {
      // From here on the change log tells how the list is; whole lists are not kept for an undo.
      done.before = { ...before, list: undefined, shown: undefined }
    },
    (error: unknown) => {
      if (done.told) withdraw(done.told)
      if (!done.isTakenBack) putBack(before, mailboxId)
      failed(error, mailboxId, isQuiet)
    },
  )
  return sent
}

/** Back on the screen at once; the server takes the command back when it has it. */
const undo = (done: Done): void => {
  const { id, mailboxId, before, sent } = done
  done.isTakenBack = true
  const toastId = showToast({ kind: 'done', text: t('done.undo') })
  const undone = putBack(before, mailboxId)
  const inverseId = newId()
  noteUndo(inverseId)
  const work = sent.then(
    () => call('undoCommand', 'POST', `/v1/commands/${id}/undo`, { body: { id: inverseId } }),
    () => undefined, // it was never done, and that has been said
  )
  whileSending(work).then(
    (inverse) => {
      if (!inverse || inverse.missed === 0) return
      // No change tells of what stays as it is: rows were shown that are not there.
      dismiss(toastId)
      tellMissed(inverse)
      askAnew(mailboxId)
    },
    (error: unknown) => {
      putBack(undone, mailboxId)
      failed(error, mailboxId)
    },
  )
}

/** The screen as it was; answers how it was until now. What came meanwhile stays. */
const putBack = ({ key, rows, list, shown, threads }: Before, mailboxId: string): Before => {
  const now = app.get()
  const current = now.lists[key]
  const back = current === shown ? list : current && withChanges(current, rows, [], undefined).list
  const changed = Object.entries(now.threads).filter(([id]) => threads[id])
  const were = changed.map(([id, messages]) => [
    id,
    messages.map((message) => threads[id]?.find((old) => old.id === message.id) ?? message),
  ])
  noteChange(mailboxId)
  app.set({
    ...(back ? { lists: { ...now.lists, [key]: back } } : {}),
    threads: { ...now.threads, ...Object.fromEntries(were) },
  })
  return { key, rows: [], list: current, shown: back, threads: Object.fromEntries(changed) }
}

/** It did not happen: the reason is told, and the truth asked for where somebody answers. */
const failed = (error: unknown, mailboxId: string, isQuiet = false): void => {
  const isUnreachable = error instanceof ApiError && error.code === 'unreachable'
  if (!isQuiet) showToast({ kind: 'problem', text: t('done.not', { reason: explain(error) }) })
  if (!isUnreachable) askAnew(mailboxId)
}

const askAnew = (mailboxId: string): void => {
  app.set({ threads: {} })
  refreshMailbox(mailboxId, inView.current)
}

const showAtOnce = (action: MailAction, mailboxId: string, target: CommandTarget): Before => {
  const key = listKey(mailboxId, inView.current?.mailboxId === mailboxId ? inView.current.filter : 'all')
  const { lists, threads } = app.get()
  const list = lists[key]
  const rows = (list?.rows ?? []).filter((row): row is ThreadRow => row !== undefined && isMeant(row, target))
  const shown = messagesAtOnce(action, threads, mailboxId, target)
  const before = Object.fromEntries(Object.entries(threads).filter(([id, messages]) => shown[id] !== messages))
  const changed = list && rows.length > 0 ? withEffect(action, list, rows, target) : list
  noteChange(mailboxId)
  app.set({ ...(changed ? { lists: { ...lists, [key]: changed } } : {}), threads: shown })
  return { key, rows: action === 'restore' ? [] : rows, list, shown: changed, threads: before }
}

const isMeant = (row: ThreadRow, target: CommandTarget): boolean => {
  if (target.kind === 'threads') return target.threadIds.includes(row.threadId)
  if (target.kind === 'mailbox') return !(target.exceptThreadIds ?? []).includes(row.threadId)
  return row.messages === 1 && target.messageIds.includes(row.latestMessageId)
}

const withEffect = (
  action: MailAction,
  list: AppState['lists'][string],
  touched: ThreadRow[],
  target: CommandTarget,
): AppState['lists'][string] => {
  // What was hidden comes with the change log: only the server knows its row.
  if (action === 'restore') return list
  if (takesAway(action) && target.kind === 'mailbox') return { ...emptyList, status: 'ready' }
  if (takesAway(action))
    return withChanges(
      list,
      [],
      touched.map(({ threadId }) => threadId),
      undefined,
    ).list
  const changed = touched.map((row) => rowAfter(action, row))
  return withChanges(list, changed, [], list.total).list
}

/** A row that stays where it is, with the action's effect. */
export const rowAfter = (action: MailAction, row: ThreadRow): ThreadRow => {
  if (action === 'read') return { ...row, unread: 0 }
  if (action === 'unread') return { ...row, unread: row.messages }
  return action === 'star' || action === 'unstar' ? { ...row, isFlagged: action === 'star' } : row
}

const messagesAtOnce = (
  action: MailAction,
  before: AppState['threads'],
  mailboxId: string,
  target: CommandTarget,
): AppState['threads'] => {
  if (takesAway(action) || action === 'restore') return before
  const threads = { ...before }
  const change = (message: Message): Message => ({
    ...message,
    placements: message.placements.map((placement) =>
      placement.mailboxId !== mailboxId
        ? placement
        : {
            ...placement,
            flags: {
              ...placement.flags,
              ...(action === 'read' || action === 'unread'
                ? { seen: action === 'read' }
                : { flagged: action === 'star' }),
            },
          },
    ),
  })
  for (const [threadId, messages] of Object.entries(threads)) {
    if (target.kind === 'threads' && target.threadIds.includes(threadId)) threads[threadId] = messages.map(change)
    if (target.kind === 'messages')
      threads[threadId] = messages.map((message) =>
        target.messageIds.includes(message.id) ? change(message) : message,
      )
  }
  return threads
}
