import { backoffMs } from '#platform/backoff.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { idleUntil, listenToMailbox } from '#protocol/imap/watch-mailbox.ts'
import { toSessionError } from '#protocol/session-error.ts'
import type { MailboxRow } from '#store/sync-mailboxes.ts'
import { type AccountShare, syncContextOf, syncInTurn } from './account-share.ts'
import { WakeSignal } from './wake-signal.ts'

/** So many mailboxes beside the inbox get a connection of their own; the others are looked at in turn. */
const mostWatches = 3
const lookEveryMs = 5 * 60_000
/** Without room for a connection one is asked for again after this; while the limit holds, that costs nothing. */
const roomEveryMs = 15_000

type Running = {
  stop: AbortController
  ended: Promise<void>
  isHeard: boolean
  wake: WakeSignal<'mailbox' | 'flags'>
  /** Under which it was opened. */
  path: string | null
}

/**
 * IDLE connections for mailboxes beside the inbox: those that are open on a screen, and those that were chosen. One that
 * cannot be had is tried again later: the regular looks go on anyway.
 */
export class MailboxWatches {
  readonly #share: AccountShare
  readonly #onChange: () => void
  readonly #running = new Map<bigint, Running>()
  #chosen: bigint[] = []
  #open: bigint[] = []

  /** `onChange` is told when a mailbox has its connection, or has lost it. */
  constructor(share: AccountShare, onChange: () => void) {
    this.#share = share
    this.#onChange = onChange
  }

  /** Watches exactly these from now on, as far as there is room, beside those that are open. */
  watch(mailboxIds: bigint[]): void {
    this.#chosen = mailboxIds
    this.#arrange()
  }

  /** The open ones go first: somebody looks at them. */
  watchOpen(mailboxIds: bigint[]): void {
    this.#open = mailboxIds
    this.#arrange()
  }

  /** One that has another path by now is opened under that: under the old one no server tells of it for sure. */
  follow(mailboxes: MailboxRow[]): void {
    for (const { id, path } of mailboxes) {
      const running = this.#running.get(id)
      if (running && running.path !== null && running.path !== path) running.wake.mark('mailbox')
    }
  }

  /** Whether changes there are heard at once. */
  isHeard(mailboxId: bigint): boolean {
    return this.#running.get(mailboxId)?.isHeard ?? false
  }

  #arrange(): void {
    const wanted = new Set([...new Set([...this.#open, ...this.#chosen])].slice(0, mostWatches))
    for (const [id, { stop }] of this.#running) if (!wanted.has(id)) stop.abort()
    for (const id of wanted) {
      if (this.#share.signal.aborted || this.#running.has(id)) continue
      const stop = new AbortController()
      this.#share.signal.addEventListener('abort', () => stop.abort(), { once: true, signal: stop.signal })
      const running: Running = { stop, ended: Promise.resolve(), isHeard: false, wake: new WakeSignal(), path: null }
      this.#running.set(id, running)
      running.ended = this.#keep(id, running).finally(() => this.#running.delete(id))
    }
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  async #keep(mailboxId: bigint, running: Running): Promise<void> {
    const stop = running.stop.signal
    const { clock, logger, timing } = this.#share.deps
    for (let failures = 1; !stop.aborted; failures++) {
      let pauseMs = backoffMs(failures, timing.backoff)
      try {
        if (!(await this.#live(mailboxId, running))) return
        failures = 0
      } catch (error) {
        const { code } = toSessionError(error)
        logger.debug({ mailboxId: mailboxId.toString(), code }, 'a watched mailbox has no connection')
        if (code === 'connect.limit') pauseMs = Math.min(timing.connectionGrowMs, roomEveryMs)
      }
      await clock.sleep(pauseMs, stop)
    }
  }

  /** Lives as long as the connection; false when there is nothing to watch any more. */
  async #live(mailboxId: bigint, running: Running): Promise<boolean> {
    const { wake } = running
    const stop = running.stop.signal
    if (!(await findWatchable(this.#share, mailboxId))) return false
    const session = await this.#share.sessions.open('watch')
    const listener = listenToMailbox(session, (event) => wake.mark(event === 'flags' ? 'flags' : 'mailbox'))
    try {
      this.#hear(mailboxId, true)
      while (!stop.aborted && session.isOpen()) {
        const mailbox = await findWatchable(this.#share, mailboxId)
        if (!mailbox) return false
        running.path = mailbox.path
        await lookAndListen(this.#share, { session, mailbox, wake, ms: lookEveryMs, stop })
      }
      return true
    } finally {
      this.#hear(mailboxId, false)
      listener.stop()
      await session.logout()
    }
  }

  #hear(mailboxId: bigint, isHeard: boolean): void {
    const running = this.#running.get(mailboxId)
    if (!running || running.isHeard === isHeard) return
    running.isHeard = isHeard
    this.#onChange()
  }
}

/** The inbox has the main session to itself; what may not be read is left alone, as lookEverywhere does. */
export const findWatchable = async ({ deps, lease }: AccountShare, mailboxId: bigint): Promise<MailboxRow | null> => {
  const mailbox = await deps.store.readSystem((tx) =>
    tx.mailbox.findFirst({ where: { id: mailboxId, accountId: lease.accountId, isSelectable: true, isSynced: true } }),
  )
  return mailbox?.role === 'inbox' || mailbox?.rights?.includes('r') === false ? null : mailbox
}

type Listening = {
  session: ImapSession
  mailbox: MailboxRow
  wake: WakeSignal<'mailbox' | 'flags' | 'job' | 'focus'>
  ms: number
  stop: AbortSignal
  /** False: at first only the numbers and what is new are looked at, where no change counter tells of flags. */
  readsFlags?: boolean
}

/** Brings a mailbox up to date and waits in IDLE until something happens. */
export const lookAndListen = async (
  share: AccountShare,
  { session, mailbox, wake, ms, stop, readsFlags = true }: Listening,
): Promise<void> => {
  wake.take('mailbox')
  // At first everything may have changed; later the server says when flags did.
  const isFirst = session.selectedPath() !== mailbox.path
  const areFlagsDue = wake.take('flags') || (isFirst && readsFlags)
  await syncInTurn(share, syncContextOf(share, session), mailbox, { isCompareDue: false, areFlagsDue })
  const { signal, end } = wake.sleeper(ms, stop)
  try {
    await idleUntil(session, signal)
  } finally {
    end()
  }
}
