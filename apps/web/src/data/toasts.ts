import { Observable, useObservable } from './observable.ts'

export type Toast = { id: string; text: string; kind: 'done' | 'problem'; undo?: () => void }
const toasts = new Observable<{ list: Toast[] }>({ list: [] })
const showMs = 8000

export const useToasts = (): Toast[] => useObservable(toasts, ({ list }) => list)

export const dismiss = (id: string): void =>
  toasts.set(({ list }) => ({ list: list.filter((toast) => toast.id !== id) }))

export const showToast = (toast: Omit<Toast, 'id'>): string => {
  const id = crypto.randomUUID()
  toasts.set(({ list }) => ({ list: [...list.slice(-2), { ...toast, id }] }))
  setTimeout(() => dismiss(id), showMs)
  return id
}
