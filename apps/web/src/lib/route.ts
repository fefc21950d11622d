import { useSyncExternalStore } from 'react'

/** The address as the screens see it. The server snapshot is constant, because one page is exported for all addresses. */
export type Route = { path: string; segments: string[]; query: URLSearchParams }

const listeners = new Set<() => void>()
let current: Route = { path: '/', segments: [], query: new URLSearchParams() }
const atServer = current

const read = (): Route => {
  const path = location.pathname
  const full = path + location.search
  if (current.path + (current.query.size > 0 ? `?${current.query}` : '') !== full)
    current = { path, segments: path.split('/').filter(Boolean), query: new URLSearchParams(location.search) }
  return current
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  addEventListener('popstate', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('popstate', listener)
  }
}

export const useRoute = (): Route => useSyncExternalStore(subscribe, read, () => atServer)

/** Goes to an address of the app; `replace` leaves no step to come back to. */
export const navigate = (to: string, { replace = false } = {}): void => {
  if (to === location.pathname + location.search) return
  if (replace) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  for (const listener of listeners) listener()
}

/** For links: plain clicks stay in the app, everything else is the browser's. */
export const onLinkClick = (
  event: {
    defaultPrevented: boolean
    button: number
    metaKey: boolean
    ctrlKey: boolean
    shiftKey: boolean
    preventDefault: () => void
  },
  to: string,
): void => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
  event.preventDefault()
  navigate(to)
}
