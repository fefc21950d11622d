import type { CurrentSession } from '@postern/shared/sessions.ts'
import type { Start } from '@postern/shared/start.ts'
import { startPath } from '@postern/shared/start-path.ts'
import { loadAccounts } from './account-tree.ts'
import { ApiError, call, explain, whenAuthRequired } from './api.ts'
import { app, blank, listKey } from './app-state.ts'
import { connectSocket, disconnectSocket } from './socket.ts'
import { emptyList, withPage } from './thread-list.ts'
import { showToast } from './toasts.ts'
import { forgetDone } from './undo-list.ts'

/** Finds out who is signed in and loads the frame of the screen. */
export const startSession = async (): Promise<void> => {
  whenAuthRequired(() => {
    if (app.get().phase === 'ready') app.set({ phase: 'expired' })
  })
  // What failed and nobody answers for is told, not swallowed.
  addEventListener('unhandledrejection', (event) => {
    if (!(event.reason instanceof ApiError)) return
    event.preventDefault()
    if (event.reason.code !== 'auth.required') showToast({ kind: 'problem', text: explain(event.reason) })
  })
  try {
    show(takeStart() ?? (await call('getStart', 'GET', startPath(mailboxInAddress()))))
  } catch (error) {
    app.set({ phase: error instanceof ApiError && error.code === 'auth.required' ? 'signedOut' : 'unreachable' })
  }
}

const mailboxInAddress = (): string | undefined => /^\/mail\/([1-9]\d*)/.exec(location.pathname)?.[1]

/** What the page brought along; absent for strangers, and when it was too large. */
const takeStart = (): Start | null => {
  const block = document.getElementById('start')
  return block ? (JSON.parse(block.textContent) as Start) : null // presented by the server through the same types
}

const show = ({ session, accounts, mailboxes, list, streams }: Start): void => {
  app.set({
    session,
    accounts,
    mailboxes: Object.fromEntries(mailboxes.map((mailbox) => [mailbox.id, mailbox])),
    lists: list ? { [listKey(list.mailboxId, 'all')]: withPage(emptyList, 0, list.rows, list.total) } : {},
    phase: 'ready',
  })
  connectSocket(streams)
}

/** After signing in: everything is loaded anew, unless only the session had ended. */
export const enter = async (session: CurrentSession): Promise<void> => {
  if (app.get().phase === 'expired' && app.get().session?.user.id === session.user.id) {
    app.set({ session })
    await loadAccounts()
    app.set({ phase: 'ready' })
    connectSocket()
    return
  }
  const start = await call('getStart', 'GET', startPath(mailboxInAddress()))
  // Whoever was here before: nothing of theirs is pushed any more.
  disconnectSocket()
  forgetDone()
  app.set(blank)
  show(start)
}

/** Throws ApiError when the server could not be told: whoever believes to be signed out has to be. */
export const leave = async (): Promise<void> => {
  await call('signOut', 'DELETE', '/v1/session').catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.code !== 'auth.required') throw error
  })
  disconnectSocket()
  forgetDone()
  app.set({ ...blank, phase: 'signedOut' })
}
