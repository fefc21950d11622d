import { account } from '@postern/shared/accounts.ts'
import { AppError } from '#platform/errors.ts'
import type { ConnectableAccount } from '#store/accounts.ts'
import { isKeptWhole } from '#store/sync-bodies.ts'
import type { AccountLife, AccountMachine, ContentJob, LookEnd } from './account-life.ts'
import { AccountSessions } from './account-sessions.ts'
import type { AccountShare } from './account-share.ts'
import { BodyFill } from './body-fill.ts'
import { type AccountWake, liveConnected } from './connected-account.ts'
import { Homecoming } from './homecoming.ts'
import { MailboxWatches } from './mailbox-watches.ts'
import { InteractiveSession } from './serve-requests.ts'
import { serveStoredContent } from './stored-content.ts'
import { WakeSignal } from './wake-signal.ts'

const { switching } = account.shape

/** An account that is watched over IMAP: a main session, one for what people wait for, one for texts, some that listen. */
export class ImapLife implements AccountLife {
  readonly #machine: AccountMachine
  readonly #wake = new WakeSignal<AccountWake>()
  readonly #share: AccountShare
  readonly #bodies: BodyFill
  readonly #homecoming: Homecoming
  readonly #interactive: InteractiveSession
  readonly #watches: MailboxWatches
  /** The account changes to POP3. */
  #isLeaving = false
  /** What is served from here, without a session. */
  readonly #serving = new Set<Promise<void>>()

  constructor(machine: AccountMachine) {
    const { deps, lease, signal, restrict } = machine
    this.#machine = machine
    this.#share = {
      deps,
      lease,
      signal,
      sessions: new AccountSessions(deps, lease, (limit) =>
        restrict('connections', limit === null ? null : tooFew(limit)),
      ),
      turns: new Map(),
      isDistrusted: false,
      isSwitching: false,
      facts: null,
    }
    this.#bodies = new BodyFill(this.#share, {
      onNoRoom: () => this.#wake.mark('bodies'),
      onHeldBack: (reason) => restrict('bodies', reason),
    })
    this.#homecoming = new Homecoming(this.#share, {
      onNoRoom: () => this.#wake.mark('bodies'),
      onLook: () => this.#wake.mark('tree'),
      onHeldBack: (reason) => restrict('switch', reason),
    })
    this.#watches = new MailboxWatches(this.#share, () => this.#interactive.rethink())
    this.#interactive = new InteractiveSession(this.#share, this.#watches, () => this.#wake.mark('jobs'))
  }

  async live({ row, ...account }: ConnectableAccount): Promise<void> {
    const { deps, signal, enter, isPresent } = this.#machine
    await enter('connecting')
    this.#share.isDistrusted = 'condstoreDistrust' in asRecord(row.capabilities)
    const to = switching.parse(row.switching)?.to
    this.#share.isSwitching = to === 'imap'
    this.#isLeaving = to === 'pop3'
    const session = await this.#share.sessions.open('main', { row, ...account })
    const onStop = () => session.destroy()
    signal.addEventListener('abort', onStop, { once: true })
    try {
      const { idle, condstore, move } = session.capabilities
      await enter('syncing', {
        lastLoginAt: deps.clock.now(),
        loginFailures: 0,
        capabilities: { ...asRecord(row.capabilities), idle, condstore, move, keywords: true },
      })
      await liveConnected({
        share: this.#share,
        session,
        wake: this.#wake,
        isPresent,
        lastFullCompareAt: row.lastFullCompareAt,
        onSettled: () => this.#settle(),
        onTree: (mailboxes) => {
          const chosen = mailboxes.filter(({ isWatched, isSynced, role }) => isWatched && isSynced && role !== 'inbox')
          this.#watches.watch(chosen.map(({ id }) => id))
          this.#watches.follow(mailboxes)
          this.#interactive.follow(mailboxes)
        },
        serveJobs: (on) => this.#interactive.serveOn(on),
        fillBodies: async (on, isEnough) =>
          (await this.#bodies.runOn(on, isEnough)) &&
          (!this.#isLeaving || (await this.#homecoming.runOn(on, isEnough))),
      })
    } finally {
      signal.removeEventListener('abort', onStop)
      await session.logout()
    }
  }

  noticeCommands(): void {
    this.#wake.mark('commands')
  }

  /** Everything that comes is told as it comes: whoever asks need not wait. */
  async look(isCompare: boolean): Promise<LookEnd> {
    this.#wake.mark(isCompare ? 'compare' : 'tree')
    return {}
  }

  notePresence(): void {
    this.#wake.mark('present')
  }

  focus(screen: string, mailboxIds: bigint[]): void {
    this.#interactive.focus(screen, mailboxIds)
  }

  serve(job: ContentJob): void {
    const serving = this.#serveStored(job)
      .catch(() => false)
      .then((isServed) => {
        if (!isServed) this.#interactive.ask(job)
      })
      .finally(() => this.#serving.delete(serving))
    this.#serving.add(serving)
  }

  noteFault(error: AppError): void {
    this.#share.sessions.noteFault(error)
  }

  async settled(): Promise<void> {
    await Promise.all(this.#serving)
    await Promise.all([
      this.#bodies.settled(),
      this.#homecoming.settled(),
      this.#interactive.settled(),
      this.#watches.settled(),
    ])
  }

  /** What an account kept when it changed from POP3 is not fetched again. False where it is not here, or not in that form. */
  async #serveStored(job: ContentJob): Promise<boolean> {
    const { deps, lease } = this.#machine
    const isHere = await deps.store.readSystem((tx) => isKeptWhole(tx, lease.accountId, BigInt(job.body.messageId)))
    if (isHere) await serveStoredContent(deps, { kind: 'engine', ...lease }, job)
    return isHere
  }

  async #settle(): Promise<void> {
    const { facts } = this.#share
    this.#share.facts = null
    await this.#machine.settle(facts, null)
    this.#bodies.request()
    if (this.#isLeaving) await this.#homecoming.settle()
  }
}

const tooFew = (connections: number) =>
  new AppError(
    'connect.limit',
    `The provider allows only ${connections === 1 ? 'one connection' : `${connections} connections`} to this account right now.`,
    {
      hint: 'Postern makes do with that, a little more slowly. Other mail programs that are open use connections too.',
    },
  )

const asRecord = (value: unknown): Record<string, boolean> =>
  typeof value === 'object' && value !== null ? (value as Record<string, boolean>) : {} // written by us only, as booleans
