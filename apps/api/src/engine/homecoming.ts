import { AppError } from '#platform/errors.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { countHome } from '#store/bring-home.ts'
import { commit } from '#store/commit.ts'
import { engineChannel, restartNotice } from '#store/notify.ts'
import { findSwitchWait, type SwitchWait, switchToPop3 } from '#store/switch-to-pop3.ts'
import { bringHome } from '#sync/bring-home.ts'
import { type AccountShare, scopeOf, syncContextOf } from './account-share.ts'

/** Between two attempts: commands that wait, a server that did not give a mail. */
const commandsMs = { first: 1000, most: 60_000 }
const refusedMs = 5 * 60_000

type Wishes = {
  /** The main session shall do it, while it has nothing else to do. */
  onNoRoom: () => void
  /** Everything is to be looked at once more. */
  onLook: () => void
  /** What keeps it from coming to its end, for the person to read; null when nothing does. */
  onHeldBack: (reason: AppError | null) => void
}

/**
 * An IMAP account on its way to POP3. Asked after every sync: what is missing is brought home on a session of its own
 * (sync/bring-home.ts); when nothing is, everything is looked at once more, and then the account changes.
 *
 *   settled -> something is missing -> brought home -> look -> settled -> nothing is missing -> changed
 */
export class Homecoming {
  readonly #share: AccountShare
  readonly #wishes: Wishes
  #running: Promise<void> | undefined
  /** What a look has to find as it is before the account changes. */
  #isComplete = false
  #waitMs = commandsMs.first

  constructor(share: AccountShare, wishes: Wishes) {
    this.#share = share
    this.#wishes = wishes
  }

  /** Everything is in step. Throws lease.lost when the account is no longer IMAP: its worker ends. */
  async settle(): Promise<void> {
    if (this.#running) return
    if (!this.#isComplete) return this.#start()
    this.#isComplete = false
    const { deps, lease } = this.#share
    const waits = (await deps.store.readSystem((tx) => findSwitchWait(tx, lease.accountId))) ?? (await this.#change())
    this.#explain(waits)
    if (waits.kind === 'mails') this.#start()
    if (waits.kind !== 'commands') return
    this.#lookAfter(this.#waitMs, true)
    this.#waitMs = Math.min(commandsMs.most, 2 * this.#waitMs)
  }

  /** Brings home on a session that was opened for something else, until `isEnough`; false when something is left. */
  async runOn(session: ImapSession, isEnough: () => boolean): Promise<boolean> {
    if (this.#running || this.#isComplete) return true
    return this.#bring(session, isEnough)
  }

  async settled(): Promise<void> {
    await this.#running
  }

  /** Never throws: a run that failed is begun anew after the next sync. */
  #start(): void {
    const { deps, lease, signal } = this.#share
    if (signal.aborted) return
    this.#running = this.#run()
      .catch((error: unknown) => {
        const { code } = toSessionError(error)
        if (code === 'connect.limit') return this.#wishes.onNoRoom()
        deps.logger.info({ accountId: lease.accountId.toString(), code }, 'mail is brought home after the next sync')
      })
      .finally(() => {
        this.#running = undefined
        // Not before: the sync that follows must find this run ended.
        if (this.#isComplete) this.#wishes.onLook()
      })
  }

  async #run(): Promise<void> {
    const { deps, lease, sessions } = this.#share
    const { away, nameless, misread } = await deps.store.readSystem((tx) => countHome(tx, lease.accountId))
    if (away + nameless + misread === 0) return this.#complete()
    const session = await sessions.open('bodies')
    try {
      await this.#bring(session, () => false)
    } finally {
      await session.logout()
    }
  }

  async #bring(session: ImapSession, isEnough: () => boolean): Promise<boolean> {
    const { signal } = this.#share
    const context = syncContextOf(this.#share, session)
    const refused = await bringHome(context, { onStored: () => !signal.aborted && !isEnough() })
    if (refused === null) return false
    if (refused.length === 0) this.#complete()
    else {
      // What is gone by now the next look finds out.
      this.#wishes.onHeldBack(notGiven(refused.length))
      this.#lookAfter(refusedMs, false)
    }
    return true
  }

  #complete(): void {
    this.#wishes.onHeldBack(null)
    this.#isComplete = true
    if (!this.#running) this.#wishes.onLook()
  }

  #lookAfter(ms: number, isComplete: boolean): void {
    const { deps, signal } = this.#share
    void deps.clock.sleep(ms, signal).then(() => {
      this.#isComplete = isComplete
      this.#wishes.onLook()
    })
  }

  /** Answers what came in between. */
  async #change(): Promise<SwitchWait> {
    const { deps, lease } = this.#share
    const { accountId } = lease
    try {
      await commit(deps.store, scopeOf(this.#share), (unit) => switchToPop3(unit, accountId))
    } catch (error) {
      const { code } = toSessionError(error)
      // Cancelled: the worker is about to start anew.
      if (code !== 'account.not_ready' && code !== 'request.conflict') throw error
      return { kind: 'commands' }
    }
    deps.store.notifier.notify(engineChannel, restartNotice(accountId))
    throw new AppError('lease.lost', 'The account is a POP3 account now.')
  }

  #explain(waits: SwitchWait): void {
    if (waits.kind !== 'mailbox') return
    this.#wishes.onHeldBack(
      new AppError(
        'account.not_ready',
        `The change to POP3 waits for the mailbox ${waits.path}, which is not read yet.`,
        {
          hint: 'If it cannot be read, leave it out of the sync below.',
        },
      ),
    )
    this.#lookAfter(refusedMs, false)
  }
}

const notGiven = (mails: number): AppError =>
  new AppError(
    'message.unavailable',
    `The change to POP3 waits for ${mails === 1 ? 'a mail' : `${mails.toLocaleString('en')} mails`} that the server does not give.`,
    { hint: 'It is tried again. Move them to the inbox, or cancel the change.' },
  )
