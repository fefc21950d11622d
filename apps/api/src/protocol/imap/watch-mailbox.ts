import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'

/** Something the server said by itself about the selected mailbox. */
export type WatchEvent = 'exists' | 'expunge' | 'flags'

/**
 * Collects what the server says about the selected mailbox, from before it is opened until `stop`. `onEvent` may be
 * called in the middle of other commands: only remember it there.
 */
export const listenToMailbox = (session: ImapSession, onEvent: (event: WatchEvent) => void): { stop: () => void } => {
  const listeners: [string, () => void][] = [
    ['exists', () => onEvent('exists')],
    ['expunge', () => onEvent('expunge')],
    ['flags', () => onEvent('flags')],
  ]
  for (const [name, listener] of listeners) session.flow.on(name, listener)
  return {
    stop: () => {
      for (const [name, listener] of listeners) session.flow.off(name, listener)
    },
  }
}

/**
 * Waits in IDLE (RFC 2177) at once, until `wake` aborts or the connection ends. Where IDLE is not offered the library asks
 * by NOOP. The next command on the session ends the IDLE by itself.
 */
export const idleUntil = async (session: ImapSession, wake: AbortSignal): Promise<void> => {
  if (wake.aborted || !session.isOpen()) return
  const woken = new Promise<void>((done) => wake.addEventListener('abort', () => done(), { once: true }))
  // With nothing selected the library's IDLE is over at once, and whoever waits here in a loop would never rest.
  const idle = session.selectedPath() === null ? [] : [currentIdle(session)]
  await Promise.race([...idle, woken, session.closed])
}

/** The IDLE each session is in. It outlives a wake that sent no command; the library answers a second one at once. */
const idles = new WeakMap<ImapSession, Promise<void>>()

const currentIdle = (session: ImapSession): Promise<void> => {
  const running = idles.get(session)
  if (running) return running
  const idle = session.flow
    .idle()
    .then(
      () => undefined,
      (error: unknown) => {
        if (session.isOpen()) throw toSessionError(error)
      },
    )
    .finally(() => idles.delete(session))
  // Nobody may be waiting when it fails; the same drop is told by `closed`.
  idle.catch(() => undefined)
  idles.set(session, idle)
  return idle
}
