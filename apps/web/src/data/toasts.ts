import { newId } from '#lib/new-id.ts'
import { Observable, useObservable } from './observable.ts'

export type Toast = {
  id: string
  text: string
  kind: 'done' | 'busy' | 'problem'
  undo?: () => void
  /** Something else that can be done about it. */
  action?: { label: string; run: () => void }
}
const toasts = new Observable<{ list: Toast[] }>({ list: [] })
const showMs = 8000

export const useToasts = (): Toast[] => useObservable(toasts, ({ list }) => list)

export const toastsShown = (): Toast[] => toasts.get().list

const timers = new Map<string, ReturnType<typeof setTimeout>>()
const dismissIn = (id: string, forMs: number): void => {
  clearTimeout(timers.get(id))
  timers.set(
    id,
    setTimeout(() => dismiss(id), forMs),
  )
}

export const dismiss = (id: string): void => {
  clearTimeout(timers.get(id))
  timers.delete(id)
  toasts.set(({ list }) => ({ list: list.filter((toast) => toast.id !== id) }))
}

/** What is said of the same thing later on, as long as it is still there. Without `forMs` it stays no longer than it would have. */
export const changeToast = (id: string, change: (toast: Toast) => Toast, forMs?: number): void => {
  if (!toastsShown().some((toast) => toast.id === id)) return
  toasts.set(({ list }) => ({ list: list.map((toast) => (toast.id === id ? change(toast) : toast)) }))
  if (forMs !== undefined) dismissIn(id, forMs)
}

/** In the place of the one before of its kind: what was done before that is still taken back by key. */
export const showToast = (toast: Omit<Toast, 'id'>, forMs = showMs): string => {
  const id = newId()
  toasts.set(({ list }) => ({ list: [...list.filter(({ kind }) => kind !== toast.kind), { ...toast, id }] }))
  dismissIn(id, forMs)
  return id
}
