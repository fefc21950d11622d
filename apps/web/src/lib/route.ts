import { useSyncExternalStore } from 'react'

/**
 * The address as the screens see it. The server snapshot is constant, because one page is exported for all addresses.
 * `hash` names what lies over the screen (`mailboxes`: the drawer), so that the back gesture closes it.
 */
export type Route = { path: string; segments: string[]; query: URLSearchParams; hash: string }

const listeners = new Set<() => void>()
let current: Route = { path: '/', segments: [], query: new URLSearchParams(), hash: '' }
let currentFull = '/'
const atServer = current

const fullAddress = (): string => location.pathname + location.search + location.hash

const read = (): Route => {
  const full = fullAddress()
  if (currentFull !== full) {
    currentFull = full
    const path = location.pathname
    current = {
      path,
      segments: path.split('/').filter(Boolean),
      query: new URLSearchParams(location.search),
      hash: location.hash.slice(1),
    }
  }
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

/** Where this step of the history came from; absent on the first one. */
const cameFrom = (): string | undefined => {
  const state: unknown = history.state
  return typeof state === 'object' && state !== null && 'from' in state && typeof state.from === 'string'
    ? state.from
    : undefined
}

/** Goes to an address of the app; `replace` leaves no step to come back to. */
export const navigate = (to: string, { replace = false } = {}): void => {
  const from = fullAddress()
  if (to === from) return
  if (replace) history.replaceState({ from: cameFrom() }, '', to)
  else history.pushState({ from }, '', to)
  for (const listener of listeners) listener()
}

/** Back to `to`: by the history's own step if that is where we came from, so that the back gesture never loops. */
export const goBack = (to: string): void => {
  if (cameFrom() === to) history.back()
  else navigate(to, { replace: true })
}

/** Back to wherever one came from; to `to` where this is the first page. */
export const goBackOr = (to: string): void => (cameFrom() === undefined ? navigate(to) : history.back())

type Click = {
  defaultPrevented: boolean
  button: number
  metaKey: boolean
  ctrlKey: boolean
  shiftKey: boolean
  preventDefault: () => void
}

/** For links: plain clicks are the app's, everything else is the browser's. */
export const onPlainClick = (event: Click, go: () => void): void => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
  event.preventDefault()
  go()
}

/** Stays in the app. What lies over the screen is left for good. */
export const onLinkClick = (event: Click, to: string): void =>
  onPlainClick(event, () => navigate(to, { replace: location.hash !== '' }))

/** A mailbox, or a conversation in it, with the filter of its list. */
export const mailAddress = (mailboxId: string, filter: string, threadId?: string | null): string =>
  `/mail/${mailboxId}${threadId ? `/${threadId}` : ''}${filter === 'all' ? '' : `?${new URLSearchParams({ filter })}`}`
