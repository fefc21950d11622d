import { AppError } from '#platform/errors.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { type ConnectableAccount, loadForEngine } from '#store/accounts.ts'
import type { Lease } from '#store/lease.ts'
import type { EngineDeps } from './engine-deps.ts'
import { openAccountSession } from './open-account-session.ts'

/** What a session is for; the later ones give way when the provider allows fewer connections than we would like. */
const purposes = ['main', 'interactive', 'bodies', 'watch'] as const
export type Purpose = (typeof purposes)[number]

/** Below what the strictest of the large providers allow (10), so that the person's other programs find room. */
const mostSessions = 6

type Open = { session: ImapSession; purpose: Purpose }

/**
 * All connections of one account. The main one decides: without it there are no others, so a refused password is tried by
 * it alone. A provider that says "too many" lowers the number; it grows back by one an hour.
 */
export class AccountSessions {
  readonly #deps: EngineDeps
  readonly #lease: Lease
  readonly #onLimit: (limit: number | null) => void
  readonly #open = new Set<Open>()
  /** Being opened: they count, and none of them may give way. */
  #opening = 0
  #limit = mostSessions
  #limitedAt = 0
  /** Why there is no main session; null while there is one or one is being opened. */
  #fault: AppError | null = null
  #waiting: (() => void)[] = []

  /** `onLimit` is told when the provider allows fewer than we would like (how many), and null when that is over. */
  constructor(deps: EngineDeps, lease: Lease, onLimit: (limit: number | null) => void) {
    this.#deps = deps
    this.#lease = lease
    this.#onLimit = onLimit
  }

  /** `known` is the account as just read. Throws account.not_ready without a main session, connect.limit when there is no room, and what opening throws. */
  async open(purpose: Purpose, known: ConnectableAccount | null = null): Promise<ImapSession> {
    if (purpose === 'main') this.#fault = null
    else await this.#untilMain()
    this.#grow()
    if (this.#open.size + this.#opening >= this.#limit && !(await this.#makeRoom(purpose))) throw noRoom()
    try {
      return await this.#connect(purpose, known)
    } catch (error) {
      const known = toSessionError(error)
      // Our other sessions may be the ones too many: what people wait for goes before what can wait.
      if (known.code === 'connect.limit') {
        this.#shrink()
        if (await this.#makeRoom(purpose)) return await this.#connect(purpose)
      }
      // The password may have changed: the main session tries it in the order that spares the account. A server that cannot check
      // passwords right now says nothing of it.
      if (purpose !== 'main' && known.code.startsWith('login.') && known.code !== 'login.unavailable')
        this.#main()?.session.destroy()
      throw known
    }
  }

  /** There will be no main session for a while: nobody shall wait for it. */
  noteFault(fault: AppError): void {
    this.#fault = fault
    this.#wakeWaiting()
  }

  #wakeWaiting(): void {
    for (const go of this.#waiting.splice(0)) go()
  }

  async #untilMain(): Promise<void> {
    if (!this.#main() && !this.#fault) await new Promise<void>((go) => this.#waiting.push(go))
    if (this.#main()) return
    throw new AppError('account.not_ready', 'The account is not connected right now.', {
      hint: this.#fault?.message ?? 'We connect again by ourselves.',
    })
  }

  #main(): Open | undefined {
    return [...this.#open].find(({ purpose }) => purpose === 'main')
  }

  async #connect(purpose: Purpose, known: ConnectableAccount | null = null): Promise<ImapSession> {
    const { store, masterKey } = this.#deps
    this.#opening++
    try {
      const account = known ?? (await store.readSystem((tx) => loadForEngine(tx, masterKey, this.#lease.accountId)))
      if (!account) throw new AppError('account.not_ready', 'The account is paused.')
      const session = await openAccountSession(this.#deps, account, this.#lease)
      const entry = { session, purpose }
      this.#open.add(entry)
      void session.closed.then(() => this.#open.delete(entry))
      if (purpose === 'main') this.#wakeWaiting()
      return session
    } finally {
      this.#opening--
    }
  }

  /** Ends the least important session that matters less than this one; false when there is none. */
  async #makeRoom(purpose: Purpose): Promise<boolean> {
    const rank = (of: Purpose) => purposes.indexOf(of)
    const [least] = [...this.#open].sort((a, b) => rank(b.purpose) - rank(a.purpose))
    if (!least || rank(least.purpose) <= rank(purpose)) return false
    await least.session.logout()
    return true
  }

  /** Refused without any session of ours, it is others who are too many: that tells nothing of how many we may have. */
  #shrink(): void {
    const limit = this.#open.size
    if (limit === 0) return
    this.#limitedAt = this.#deps.clock.monotonicMs()
    if (limit >= this.#limit) return
    this.#limit = limit
    this.#onLimit(limit)
  }

  #grow(): void {
    const now = this.#deps.clock.monotonicMs()
    const grown = Math.floor((now - this.#limitedAt) / this.#deps.timing.connectionGrowMs)
    if (this.#limit === mostSessions || grown === 0) return
    this.#limit = Math.min(mostSessions, this.#limit + grown)
    this.#limitedAt = now
    if (this.#limit === mostSessions) this.#onLimit(null)
  }
}

const noRoom = () =>
  new AppError('connect.limit', 'The provider allows no further connection for this account.', {
    hint: 'Postern makes do with fewer.',
  })
