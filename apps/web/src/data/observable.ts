import { useRef, useSyncExternalStore } from 'react'

/** A value that tells when it changed. */
export class Observable<State> {
  #state: State
  readonly #listeners = new Set<() => void>()

  constructor(state: State) {
    this.#state = state
  }

  get = (): State => this.#state

  set(change: Partial<State> | ((state: State) => Partial<State>)): void {
    const next = typeof change === 'function' ? change(this.#state) : change
    this.#state = { ...this.#state, ...next }
    for (const listener of this.#listeners) listener()
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
  return a.every((item, index) => Object.is(item, b[index]))
}

/** Redraws only when what `select` picks has changed; arrays are compared item by item. */
export const useObservable = <State, Picked>(source: Observable<State>, select: (state: State) => Picked): Picked => {
  const last = useRef<{ picked: Picked } | null>(null)
  const read = () => {
    const picked = select(source.get())
    if (last.current && isSame(last.current.picked, picked)) return last.current.picked
    last.current = { picked }
    return picked
  }
  return useSyncExternalStore(source.subscribe, read, read)
}
