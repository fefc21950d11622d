import type { CurrentSession } from '@postern/shared/sessions.ts'
import { ApiError, call, whenAuthRequired } from './api.ts'
import { app, blank, loadAccounts } from './app-state.ts'
import { loadRows } from './load-rows.ts'
import { connectSocket, disconnectSocket } from './socket.ts'
import { showToast } from './toasts.ts'

/** Finds out who is signed in and loads the frame of the screen. */
export const startSession = async (): Promise<void> => {
  whenAuthRequired(() => {
    if (app.get().phase === 'ready') app.set({ phase: 'expired' })
  })
  // What failed and nobody answers for is told, not swallowed.
  addEventListener('unhandledrejection', (event) => {
    if (!(event.reason instanceof ApiError)) return
    event.preventDefault()
    const { message, code, detail } = event.reason
    if (code !== 'auth.required') showToast({ kind: 'problem', text: [message, detail.hint].filter(Boolean).join(' ') })
  })
  // Asked for side by side: who it is, the frame of the screen, and the rows that the address names.
  const [, place, mailboxId] = location.pathname.split('/')
  if (place === 'mail' && /^[1-9]\d*$/.test(mailboxId ?? '')) void loadRows(mailboxId ?? '', 'all', 0)
  try {
    const [session] = await Promise.all([call('getSession', 'GET', '/v1/session'), loadAccounts()])
    app.set({ session, phase: 'ready' })
    connectSocket()
  } catch (error) {
    app.set({ phase: error instanceof ApiError && error.code === 'auth.required' ? 'signedOut' : 'unreachable' })
  }
}

/** After signing in: everything is loaded anew, unless only the session had ended. */
export const enter = async (session: CurrentSession): Promise<void> => {
  const isSamePerson = app.get().phase === 'expired' && app.get().session?.user.id === session.user.id
  if (!isSamePerson) app.set({ ...blank, session })
  app.set({ session })
  await loadAccounts()
  app.set({ phase: 'ready' })
  connectSocket()
}

export const leave = async (): Promise<void> => {
  await call('signOut', 'DELETE', '/v1/session').catch(() => undefined)
  disconnectSocket()
  app.set({ ...blank, phase: 'signedOut' })
}
