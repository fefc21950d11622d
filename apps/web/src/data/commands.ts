import type { CommandBody, CommandTarget } from '@postern/shared/commands.ts'
import type { Mailbox, MailboxRole } from '@postern/shared/mailboxes.ts'
import type { Message, ThreadRow } from '@postern/shared/messages.ts'
import { type TextKey, t } from '#lib/text.ts'
import { ApiError, call } from './api.ts'
import { type AppState, app, listKey } from './app-state.ts'
import { inView } from './apply-change.ts'
import { noteChange, refreshMailbox, whileSending } from './load-rows.ts'
import { emptyList, withChanges } from './thread-list.ts'
import { dismiss, showToast } from './toasts.ts'

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

/** What an action changed on the screen, as it was before. */
type Before = { key: string; rows: ThreadRow[]; threads: AppState['threads'] }
type Done = { id: string; mailboxId: string; before: Before; sent: Promise<unknown>; toastId: string | null }
const undoable: Done[] = []
const maxUndoable = 50

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

/** The role a mailbox plays for buttons; roles that are missing are made by the server when first used. */
export const mailboxOfRole = (state: AppState, accountId: string, role: MailboxRole): Mailbox | undefined =>
  Object.values(state.mailboxes).find((mailbox) => mailbox.accountId === accountId && mailbox.role === role)

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

/** Carries an action out on conversations of a mailbox, or on everything in it. */
export const act = (action: MailAction, mailboxId: string, target: CommandTarget, { isQuiet = false } = {}): void => {
  if (closes(action)) leaving.listener(mailboxId, target, action)
  const before = showAtOnce(action, mailboxId, target)
  const id = crypto.randomUUID()
  const sent = whileSending(
    call('runCommand', 'POST', '/v1/commands', { body: { id, command: bodyOf(action, target) } }),
  )
  const text =
    typeof action === 'object' ? t('done.move', { name: action.moveTo.name }) : t(`done.${action}` as TextKey) // every action has its text
  const canUndo = action !== 'expunge'
  const done: Done = { id, mailboxId, before, sent, toastId: null }
  if (!isQuiet) done.toastId = showToast({ kind: 'done', text, ...(canUndo ? { undo: () => undo(done) } : {}) })
  if (canUndo && !isQuiet) undoable.push(done)
  if (undoable.length > maxUndoable) undoable.shift()
  sent.catch((error: unknown) => {
    forget(done)
    putBack(error, mailboxId)
  })
}

export const undoLast = (): void => {
  const last = undoable.at(-1)
  if (last) undo(last)
}

const forget = (done: Done): void => {
  const index = undoable.indexOf(done)
  if (index >= 0) undoable.splice(index, 1)
  if (done.toastId) dismiss(done.toastId)
}

/** Back on the screen at once; the server takes the command back when it has it. */
const undo = (done: Done): void => {
  const { id, mailboxId, before, sent } = done
  forget(done)
  showToast({ kind: 'done', text: t('done.undo') })
  noteChange(mailboxId)
  app.set(({ lists, threads }) => {
    const list = lists[before.key]
    return {
      ...(list ? { lists: { ...lists, [before.key]: withChanges(list, before.rows, [], undefined).list } } : {}),
      threads: { ...threads, ...before.threads },
    }
  })
  const work = sent.then(
    () => call('undoCommand', 'POST', `/v1/commands/${id}/undo`, { body: { id: crypto.randomUUID() } }),
    () => undefined, // it was never done, and that has been said
  )
  whileSending(work).catch((error: unknown) => putBack(error, mailboxId))
}

/** It did not happen: the truth is asked for again, and the reason shown. */
const putBack = (error: unknown, mailboxId: string): void => {
  const hint = error instanceof ApiError ? error.detail.hint : undefined
  showToast({ kind: 'problem', text: [error instanceof Error ? error.message : '', hint].filter(Boolean).join(' ') })
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
  noteChange(mailboxId)
  app.set({
    ...(list && rows.length > 0 ? { lists: { ...lists, [key]: withEffect(action, list, rows, target) } } : {}),
    threads: shown,
  })
  return { key, rows: action === 'restore' ? [] : rows, threads: before }
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
  const changed = touched.map((row) => ({
    ...row,
    ...(action === 'read'
      ? { unread: 0 }
      : action === 'unread'
        ? { unread: row.messages }
        : { isFlagged: action === 'star' }),
  }))
  return withChanges(list, changed, [], list.total).list
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
