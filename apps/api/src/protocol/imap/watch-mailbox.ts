import type { ImapFlow } from 'imapflow'
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
  const idle = idleInTurns(session)
    .catch((error: unknown) => {
      if (session.isOpen()) throw toSessionError(error)
    })
    .finally(() => idles.delete(session))
  // Nobody may be waiting when it fails; the same drop is told by `closed`.
  idle.catch(() => undefined)
  idles.set(session, idle)
  return idle
}

/** Not in its types: ends the IDLE that is under way; whether a command has been sent or waits. */
type FlowInside = { preCheck: (() => Promise<void>) | false; connectionBusy: () => boolean }
const insideOf = (flow: ImapFlow) => flow as unknown as FlowInside // both are there, and nothing else can do it

/**
 * An IDLE that is renewed when it is the session's turn, instead of the library's timer for each: thousands of sessions
 * wake the process and the server some twenty times a round, many together.
 */
const idleInTurns = async (session: ImapSession): Promise<void> => {
  const { flow } = session
  const { connectionBusy } = insideOf(flow)
  for (;;) {
    let isTurn = false
    const takeTurn = () => {
      const { preCheck } = insideOf(flow)
      isTurn = preCheck !== false
      // Should it fail, the session ends, and with it the IDLE.
      if (preCheck) preCheck().catch(() => undefined)
    }
    const timer = setTimeout(takeTurn, session.untilRenewalMs()).unref()
    try {
      await flow.idle()
    } finally {
      clearTimeout(timer)
    }
    // A command that came in between has ended it for good: who sent it begins the next one.
    if (!isTurn || !session.isOpen() || session.selectedPath() === null || connectionBusy.call(flow)) return
  }
}
