import type { ChangeBatch } from '@postern/shared/changes.ts'
import type { Socket } from 'socket.io-client'
import { untilHere } from '#lib/until-here.ts'
import { loadAccounts } from './account-tree.ts'
import { app } from './app-state.ts'
import { applyBatch, askForWhole, inView } from './apply-change.ts'
import { refreshAll } from './load-rows.ts'
import { checkVersion } from './new-version.ts'

/** The line on which changes come. After a gap it says where it stands and gets what it missed, or starts over. */
let socket: Socket | undefined
const stands: Record<string, string> = {}
/** The line stood before: what it says next is a return. */
let wasCut = false
let wantsFocus: string[] = []
let focusTimer: ReturnType<typeof setInterval> | undefined
const focusEveryMs = 60_000
const longestPauseMs = 30_000

/** `since`: where the change log stood when what is shown was read. */
export const connectSocket = (since: Record<string, string> = {}): void => {
  Object.assign(stands, since)
  if (socket) {
    socket.connect()
    return
  }
  // Loaded after the first rows are on the screen.
  void untilHere(
    () => import('socket.io-client'),
    () => app.set({ isOnline: false }),
  ).then(({ io }) => {
    // Asked for twice while it did not come, or by somebody who has left.
    if (socket) return void socket.connect()
    if (app.get().phase !== 'ready') return
    socket = io({
      transports: ['websocket'],
      reconnectionDelay: 500,
      reconnectionDelayMax: 5000,
      randomizationFactor: 0.7,
    })
    socket.on('ready', resume)
    socket.on('changes', (batch: ChangeBatch) => {
      stands[batch.stream] = batch.seq
      applyBatch(batch)
    })
    socket.on('disconnect', () => app.set({ isOnline: false }))
    socket.on('connect_error', () => app.set({ isOnline: false }))
    socket.on('signedOut', () => {
      if (app.get().phase === 'ready') app.set({ phase: 'expired' })
    })
    clearInterval(focusTimer)
    focusTimer = setInterval(() => sendFocus(), focusEveryMs)
    addEventListener('online', hurry)
    document.addEventListener('visibilitychange', hurry)
  })
}

/** The network is back, or somebody looks here again: now, not when the next try is due. */
const hurry = (): void => {
  if (!socket || socket.connected || document.hidden || app.get().phase !== 'ready') return
  socket.disconnect()
  socket.connect()
}

export const disconnectSocket = (): void => {
  socket?.disconnect()
  for (const stream of Object.keys(stands)) delete stands[stream]
}

const resume = (): void => {
  socket?.emit(
    'resume',
    { since: { ...stands } },
    ({ streams, reset }: { streams: Record<string, string>; reset: string[] }) => {
      const isKnown = Object.keys(streams).every((stream) => stream in stands)
      Object.assign(stands, streams)
      const hasMissed = reset.length > 0 || !isKnown
      // What failed while the line was cut, or may have come unheard, is asked for again by whoever shows it.
      const old = Object.entries(app.get().bodies).filter(([, body]) => hasMissed || 'failed' in body)
      app.set({ isOnline: true })
      askForWhole(new Set(old.map(([id]) => id)))
      if (wasCut) void checkVersion()
      wasCut = true
      // What changed while the line was cut for too long, or before an account was known here, is in no batch.
      if (hasMissed) {
        void loadUntilHere()
        refreshAll(inView.current)
      }
      sendFocus()
    },
  )
}

/** What was missed will not be told again: it is asked for until it comes, or the line is cut once more. */
const loadUntilHere = async (): Promise<void> => {
  const line = socket?.id
  for (let pause = 1000; ; pause = Math.min(2 * pause, longestPauseMs)) {
    try {
      return await loadAccounts()
    } catch {
      await new Promise((done) => setTimeout(done, pause))
    }
    if (!socket?.connected || socket.id !== line || app.get().phase !== 'ready') return
  }
}

const sendFocus = (): void => {
  if (wantsFocus.length > 0) socket?.emit('focus', { mailboxIds: wantsFocus })
}

/** Tells the engine which mailbox is on the screen, so that changes there show at once. */
export const focusMailbox = (mailboxId: string): void => {
  wantsFocus = [mailboxId]
  sendFocus()
}
