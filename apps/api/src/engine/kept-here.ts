import { copyNextDraftHere } from '#outbox/copy-drafts-here.ts'
import { settleNextCommands } from '#outbox/settle-here.ts'
import { backoffMs } from '#platform/backoff.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { commit } from '#store/commit.ts'
import { followCopies, hasCopies, msToNextCopy } from '#store/draft-copies.ts'
import { readSources } from '#sync/read-sources.ts'
import type { AccountMachine, ContentJob } from './account-life.ts'
import { serveStoredContent } from './stored-content.ts'
import { WakeSignal } from './wake-signal.ts'

/** A mark wakes at once; this is for one that was lost with a crash elsewhere. */
const lookEveryMs = 10 * 60_000

/**
 * What an account does with mail that is kept here, whether its server can be reached or not: commands are carried out,
 * what people open is given, what came in is read, what is being written is copied. The four run beside each other: a flag never waits for an attachment.
 */
export class KeptHere {
  readonly #machine: AccountMachine
  readonly #onReleased: () => void
  readonly #commands = new WakeSignal<'waiting'>()
  readonly #content = new WakeSignal<'wanted'>()
  readonly #reading = new WakeSignal<'new'>()
  readonly #drafts = new WakeSignal<'changed'>()
  readonly #jobs: ContentJob[] = []
  readonly #ended: Promise<unknown>

  /** `onReleased`: mails were deleted for good here that may now go at the provider too. */
  constructor(machine: AccountMachine, onReleased: () => void) {
    this.#machine = machine
    this.#onReleased = onReleased
    this.#commands.mark('waiting')
    this.#reading.mark('new')
    this.#ended = Promise.all([
      this.#repeat(this.#commands, () => this.#settle()),
      this.#repeat(this.#content, () => this.#serve()),
      this.#repeat(this.#reading, () => this.#read()),
      this.#repeat(
        this.#drafts,
        () => this.#copyDrafts(),
        () => this.#msToNextDraft(),
      ),
    ])
  }

  noticeCommands(): void {
    this.#commands.mark('waiting')
    this.#drafts.mark('changed')
  }

  serve(job: ContentJob): void {
    this.#jobs.push(job)
    this.#content.mark('wanted')
  }

  /** Sources have come that nobody has read yet. */
  readNew(): void {
    this.#reading.mark('new')
  }

  async settled(): Promise<void> {
    await this.#ended
  }

  async #settle(): Promise<void> {
    const { deps, signal } = this.#machine
    const { store, clock } = deps
    if (!this.#commands.take('waiting')) return
    try {
      const place = { store, scope: this.#scope, accountId: this.#scope.accountId, clock }
      // A stop does not wait for a large import.
      const isEnough = () => signal.aborted
      // What was imported comes without a look.
      if (await settleNextCommands({ ...place, isEnough, onReleased: this.#onReleased })) this.readNew()
    } catch (error) {
      this.#commands.mark('waiting')
      throw error
    }
  }

  /** One after the other: two people who want the same attachment have it read once. */
  async #serve(): Promise<void> {
    this.#content.take('wanted')
    for (let job = this.#jobs.shift(); job; job = this.#jobs.shift())
      await serveStoredContent(this.#machine.deps, this.#scope, job)
  }

  async #read(): Promise<void> {
    const { deps, signal } = this.#machine
    this.#reading.take('new')
    const { store, readers, logger } = deps
    await readSources({ store, reader: readers.bulk, scope: this.#scope, logger, signal })
  }

  /** Copies of what is being written, in the Drafts mailbox here. */
  async #copyDrafts(): Promise<void> {
    const { deps, signal, lease } = this.#machine
    const { store, clock } = deps
    this.#drafts.take('changed')
    while (
      !signal.aborted &&
      (await copyNextDraftHere({ store, scope: this.#scope, accountId: lease.accountId, clock }))
    )
      this.readNew()
    if (await store.readSystem((tx) => hasCopies(tx, lease.accountId)))
      await commit(store, this.#scope, (unit) => followCopies(unit, lease.accountId))
  }

  async #msToNextDraft(): Promise<number> {
    const { deps, lease } = this.#machine
    const dueMs = await deps.store.readSystem((tx) => msToNextCopy(tx, lease.accountId))
    return Math.min(lookEveryMs, Math.max(0, dueMs ?? lookEveryMs))
  }

  get #scope() {
    return { kind: 'engine' as const, ...this.#machine.lease }
  }

  /** Acts at every mark, as long as the worker lives; a database that is away for a moment is waited for. */
  async #repeat(
    wake: Pick<WakeSignal<string>, 'sleep'>,
    act: () => Promise<void>,
    waitMs: () => Promise<number> = async () => lookEveryMs,
  ): Promise<void> {
    const { deps, signal, lease } = this.#machine
    for (let failures = 0; !signal.aborted; ) {
      try {
        await act()
        failures = 0
        await wake.sleep(await waitMs(), signal)
      } catch (error) {
        const { code } = toSessionError(error)
        if (signal.aborted || code === 'lease.lost') return
        deps.logger.warn({ err: error, accountId: lease.accountId.toString() }, 'mail that is kept here has to wait')
        await deps.clock.sleep(backoffMs(++failures, deps.timing.backoff), signal)
      }
    }
  }
}
