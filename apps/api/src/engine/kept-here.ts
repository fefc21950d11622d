import { settleNextCommands } from '#outbox/settle-here.ts'
import { backoffMs } from '#platform/backoff.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { readSources } from '#sync/read-sources.ts'
import type { AccountMachine, ContentJob } from './account-life.ts'
import { serveStoredContent } from './stored-content.ts'
import { WakeSignal } from './wake-signal.ts'

/** A mark wakes at once; this is for one that was lost with a crash elsewhere. */
const lookEveryMs = 10 * 60_000

/**
 * What an account does with mail that is kept here, whether its server can be reached or not: commands are carried out,
 * what people open is given, what came in is read. The bulk of reading runs beside the rest, so that nobody waits for it.
 */
export class KeptHere {
  readonly #machine: AccountMachine
  readonly #wake = new WakeSignal<'commands' | 'jobs'>()
  readonly #reading = new WakeSignal<'new'>()
  readonly #jobs: ContentJob[] = []
  readonly #ended: Promise<unknown>

  constructor(machine: AccountMachine) {
    this.#machine = machine
    this.#wake.mark('commands')
    this.#reading.mark('new')
    this.#ended = Promise.all([
      this.#repeat(this.#wake, () => this.#serve()),
      this.#repeat(this.#reading, () => this.#read()),
    ])
  }

  noticeCommands(): void {
    this.#wake.mark('commands')
  }

  serve(job: ContentJob): void {
    this.#jobs.push(job)
    this.#wake.mark('jobs')
  }

  /** Sources have come that nobody has read yet. */
  readNew(): void {
    this.#reading.mark('new')
  }

  async settled(): Promise<void> {
    await this.#ended
  }

  async #serve(): Promise<void> {
    const { deps } = this.#machine
    this.#wake.take('jobs')
    for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) await serveStoredContent(deps, this.#scope, job)
    if (!this.#wake.take('commands')) return
    try {
      const place = { store: deps.store, scope: this.#scope, accountId: this.#scope.accountId }
      if (await settleNextCommands(place)) this.readNew()
    } catch (error) {
      this.#wake.mark('commands')
      throw error
    }
  }

  async #read(): Promise<void> {
    const { deps, signal } = this.#machine
    this.#reading.take('new')
    const { store, readers, logger } = deps
    await readSources({ store, reader: readers.bulk, scope: this.#scope, logger, signal })
  }

  get #scope() {
    return { kind: 'engine' as const, ...this.#machine.lease }
  }

  /** Acts at every mark, as long as the worker lives; a database that is away for a moment is waited for. */
  async #repeat(wake: Pick<WakeSignal<string>, 'sleep'>, act: () => Promise<void>): Promise<void> {
    const { deps, signal, lease } = this.#machine
    for (let failures = 0; !signal.aborted; ) {
      try {
        await act()
        failures = 0
        await wake.sleep(lookEveryMs, signal)
      } catch (error) {
        const { code } = toSessionError(error)
        if (signal.aborted || code === 'lease.lost') return
        deps.logger.warn({ err: error, accountId: lease.accountId.toString() }, 'mail that is kept here has to wait')
        await deps.clock.sleep(backoffMs(++failures, deps.timing.backoff), signal)
      }
    }
  }
}
