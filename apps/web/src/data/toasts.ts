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

export const dismiss = (id: string): void =>
  toasts.set(({ list }) => ({ list: list.filter((toast) => toast.id !== id) }))

/** In the place of the one before of its kind: what was done before that is still taken back by key. */
export const showToast = (toast: Omit<Toast, 'id'>, forMs = showMs): string => {
  const id = newId()
  toasts.set(({ list }) => ({ list: [...list.filter(({ kind }) => kind !== toast.kind), { ...toast, id }] }))
  setTimeout(() => dismiss(id), forMs)
  return id
}
