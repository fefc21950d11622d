import type { CommandBody, CommandTarget } from '@postern/shared/commands.ts'
import type { Mailbox, MailboxRole } from '@postern/shared/mailboxes.ts'
import type { Message, ThreadRow } from '@postern/shared/messages.ts'
import { type TextKey, t } from '#lib/text.ts'
import { ApiError, call } from './api.ts'
import { type AppState, app, listKey, refreshMailbox } from './app-state.ts'
import { inView } from './apply-change.ts'
import { withChanges } from './thread-list.ts'
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
const undoable: { id: string; mailboxId: string }[] = []

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

/** Carries an action out on conversations of a mailbox, or on everything in it. */
export const act = (action: MailAction, mailboxId: string, target: CommandTarget, { isQuiet = false } = {}): void => {
  showAtOnce(action, mailboxId, target)
  const id = crypto.randomUUID()
  const text =
    typeof action === 'object' ? t('done.move', { name: action.moveTo.name }) : t(`done.${action}` as TextKey) // every action has its text
  const canUndo = action !== 'expunge'
  const toastId = isQuiet
    ? null
    : showToast({ kind: 'done', text, ...(canUndo ? { undo: () => void undo(id, mailboxId) } : {}) })
  if (canUndo && !isQuiet) undoable.push({ id, mailboxId })
  call('runCommand', 'POST', '/v1/commands', { body: { id, command: bodyOf(action, target) } }).catch(
    (error: unknown) => {
      if (toastId) dismiss(toastId)
      putBack(error, mailboxId)
    },
  )
}

export const undoLast = (): void => {
  const last = undoable.pop()
  if (last) void undo(last.id, last.mailboxId)
}

const undo = async (commandId: string, mailboxId: string): Promise<void> => {
  const index = undoable.findIndex(({ id }) => id === commandId)
  if (index >= 0) undoable.splice(index, 1)
  try {
    await call('undoCommand', 'POST', `/v1/commands/${commandId}/undo`, { body: { id: crypto.randomUUID() } })
  } catch (error) {
    putBack(error, mailboxId)
  }
}

/** It did not happen: the truth is asked for again, and the reason shown. */
const putBack = (error: unknown, mailboxId: string): void => {
  const hint = error instanceof ApiError ? error.detail.hint : undefined
  showToast({ kind: 'problem', text: [error instanceof Error ? error.message : '', hint].filter(Boolean).join(' ') })
  app.set({ threads: {} })
  refreshMailbox(mailboxId, inView.current)
}

const showAtOnce = (action: MailAction, mailboxId: string, target: CommandTarget): void => {
  const key = listKey(mailboxId, inView.current?.mailboxId === mailboxId ? inView.current.filter : 'all')
  app.set((state) => {
    const list = state.lists[key]
    const touched = (list?.rows ?? []).filter((row): row is ThreadRow => row !== undefined && isMeant(row, target))
    const next = list && touched.length > 0 ? withEffect(action, list, touched) : list
    return {
      ...(list && next ? { lists: { ...state.lists, [key]: next } } : {}),
      threads: messagesAtOnce(action, state, mailboxId, target),
    }
  })
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
): AppState['lists'][string] => {
  // What was hidden comes with the change log: only the server knows its row.
  if (action === 'restore') return list
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
  state: AppState,
  mailboxId: string,
  target: CommandTarget,
): AppState['threads'] => {
  if (takesAway(action) || action === 'restore') return state.threads
  const threads = { ...state.threads }
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
