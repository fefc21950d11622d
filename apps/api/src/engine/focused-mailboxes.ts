import { backoffMs } from '#platform/backoff.ts'
import type { Clock } from '#platform/clock.ts'

/** A screen says again every minute what it shows; one that went without a word is forgotten after this. */
const lastsMs = 3 * 60_000

/** The mailboxes of one account that are open on somebody's screen: several people and tabs, each with its own. */
export class FocusedMailboxes {
  readonly #clock: Clock
  readonly #screens = new Map<string, { mailboxIds: bigint[]; until: number }>()
  /** What the server did not give, and how often in a row. */
  readonly #aside = new Map<bigint, { refusals: number; until: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Answers whether other mailboxes are open now than before. */
  show(screen: string, mailboxIds: bigint[]): boolean {
    const before = this.open()
    // In its place among the others: what came first keeps its connection.
    if (mailboxIds.length === 0) this.#screens.delete(screen)
    else this.#screens.set(screen, { mailboxIds, until: this.#clock.monotonicMs() + lastsMs })
    const after = this.open()
    // Whoever opens it anew wants it tried anew.
    for (const id of this.#aside.keys()) if (!after.includes(id)) this.#aside.delete(id)
    return before.length !== after.length || before.some((id, at) => id !== after[at])
  }

  /** Each once, in the order in which their screens came. */
  open(): bigint[] {
    const now = this.#clock.monotonicMs()
    for (const [screen, { until }] of this.#screens) if (until <= now) this.#screens.delete(screen)
    return [...new Set([...this.#screens.values()].flatMap(({ mailboxIds }) => mailboxIds))]
  }

  /** The server does not give this one: it is left alone for a while, a longer one each time. */
  setAside(mailboxId: bigint, backoff: { baseMs: number; capMs: number }): void {
    const refusals = (this.#aside.get(mailboxId)?.refusals ?? 0) + 1
    this.#aside.set(mailboxId, { refusals, until: this.#clock.monotonicMs() + backoffMs(refusals, backoff) })
  }

  takeBack(mailboxId: bigint): void {
    this.#aside.delete(mailboxId)
  }

  /** Of the open ones those that are not set aside. */
  wanted(): bigint[] {
    const now = this.#clock.monotonicMs()
    return this.open().filter((id) => (this.#aside.get(id)?.until ?? 0) <= now)
  }
}
