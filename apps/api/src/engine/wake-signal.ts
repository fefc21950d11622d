/** Reasons to act, collected while a worker is busy or asleep. */
export class WakeSignal<Reason extends string> {
  readonly #reasons = new Set<Reason>()
  #sleeper: AbortController | undefined

  mark(reason: Reason): void {
    this.#reasons.add(reason)
    this.#sleeper?.abort()
  }

  /** True once per mark. */
  take(reason: Reason): boolean {
    return this.#reasons.delete(reason)
  }

  has(reason: Reason): boolean {
    return this.#reasons.has(reason)
  }

  get isMarked(): boolean {
    return this.#reasons.size > 0
  }

  /** A signal that aborts with the next mark, after `ms`, or with `stop`; aborted already when something is marked. */
  sleeper(ms: number, stop: AbortSignal): { signal: AbortSignal; end: () => void } {
    const controller = new AbortController()
    this.#sleeper = controller
    const abort = () => controller.abort()
    const timer = setTimeout(abort, ms)
    stop.addEventListener('abort', abort, { once: true })
    if (this.isMarked || stop.aborted) abort()
    return {
      signal: controller.signal,
      end: () => {
        clearTimeout(timer)
        stop.removeEventListener('abort', abort)
      },
    }
  }

  async sleep(ms: number, stop: AbortSignal): Promise<void> {
    const { signal, end } = this.sleeper(ms, stop)
    if (!signal.aborted)
      await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }))
    end()
  }
}
