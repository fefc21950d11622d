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
  const idling = session.flow.idle().then(
    () => undefined,
    (error: unknown) => {
      if (session.isOpen()) throw toSessionError(error)
    },
  )
  await Promise.race([idling, woken, session.closed])
  // Left running after a wake: the next command sends DONE. Its late failure is the same drop `closed` tells of.
  idling.catch(() => undefined)
}
