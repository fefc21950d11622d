/**
 * How many connections may be in the making at once: over all, and per host. A host that says it is too much gets half
 * as many, and grows back with every success; there are no fixed pauses.
 */
const globalLimit = 32
const hostStart = 10
const hostMost = 20

type Host = { limit: number; busy: number }

export class ConnectBudget {
  readonly #hosts = new Map<string, Host>()
  readonly #waiting: { host: string; go: () => void }[] = []
  #busy = 0

  /** Resolves when it is this one's turn; call the answer when the connection stands or failed. */
  async enter(host: string): Promise<(outcome: 'ok' | 'refused' | 'failed') => void> {
    if (!this.#mayGo(host)) await new Promise<void>((go) => this.#waiting.push({ host, go }))
    else this.#start(host)
    let isLeft = false
    return (outcome) => {
      if (isLeft) return
      isLeft = true
      this.#leave(host, outcome)
    }
  }

  #entry(host: string): Host {
    const known = this.#hosts.get(host) ?? { limit: hostStart, busy: 0 }
    this.#hosts.set(host, known)
    return known
  }

  #mayGo(host: string): boolean {
    const entry = this.#entry(host)
    return this.#busy < globalLimit && entry.busy < entry.limit
  }

  #start(host: string): void {
    this.#busy++
    this.#entry(host).busy++
  }

  #leave(host: string, outcome: 'ok' | 'refused' | 'failed'): void {
    const entry = this.#entry(host)
    this.#busy--
    entry.busy--
    if (outcome === 'refused') entry.limit = Math.max(1, Math.floor(entry.limit / 2))
    if (outcome === 'ok') entry.limit = Math.min(hostMost, entry.limit + 1)
    for (let index = 0; index < this.#waiting.length; index++) {
      const next = this.#waiting[index]
      if (!next || !this.#mayGo(next.host)) continue
      this.#waiting.splice(index--, 1)
      this.#start(next.host)
      next.go()
    }
  }
}
