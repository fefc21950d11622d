import type { Correspondent } from '@postern/shared/drafts.ts'
import { useEffect, useState } from 'react'
import { findCorrespondents, forgetCorrespondent } from '#data/correspondents.ts'
import { isAddress } from '#lib/address-list.ts'

const waitMs = 80
const mostShown = 8
const mostAsked = 50
/** The API looks for no longer text; nobody is called so. */
const maxTyped = 200

type Answer = { to: string; list: Correspondent[] }
const none: Answer = { to: '', list: [] }
const noChoice = { to: '', at: -1, isChosen: false }

/**
 * Who may be meant by what stands in a field, and which of them Enter takes: the first one, unless what is typed is an address
 * already, and never one that was found for an earlier text.
 */
export const useSuggestions = (text: string, taken: string[]) => {
  const typed = text.trim()
  const [answer, setAnswer] = useState(none)
  const [active, setActive] = useState(noChoice)
  /** Closed for as long as this is typed. */
  const [closedFor, setClosedFor] = useState<string | null>(null)
  const limit = Math.min(mostAsked, mostShown + taken.length)
  useEffect(() => {
    if (typed === '' || typed.length > maxTyped) {
      setAnswer(none)
      setActive(noChoice)
      return setClosedFor(null)
    }
    const stop = new AbortController()
    const wait = setTimeout(() => {
      // Without suggestions one types on: nothing to be told of.
      findCorrespondents(typed, limit, stop.signal).then(
        (list) => setAnswer({ to: typed, list }),
        () => stop.signal.aborted || setAnswer(none),
      )
    }, waitMs)
    return () => {
      clearTimeout(wait)
      stop.abort()
    }
  }, [typed, limit])
  const isOpen = typed !== '' && closedFor !== typed
  const known = new Set(taken.map((address) => address.toLowerCase()))
  const shown = isOpen ? answer.list.filter(({ address }) => !known.has(address.toLowerCase())).slice(0, mostShown) : []
  const isCurrent = answer.to === typed
  const usual = isAddress(typed) ? -1 : 0
  const at = isCurrent && shown.length > 0 ? (active.to === typed ? Math.min(active.at, shown.length - 1) : usual) : -1
  return {
    shown,
    at,
    /** By a key, so that Delete means this one and not the text. */
    isChosen: active.to === typed && active.isChosen && at >= 0,
    /** Over the ends one comes back to what is typed. */
    move: (by: 1 | -1) => {
      const places = shown.length + 1
      setActive({ to: typed, at: ((at + 1 + by + places) % places) - 1, isChosen: true })
    },
    open: () => setClosedFor(null),
    close: () => setClosedFor(typed),
    forget: async (address: string) => {
      setAnswer(({ to, list }) => ({ to, list: list.filter((one) => one.address !== address) }))
      await forgetCorrespondent(address)
    },
  }
}
export type Suggestions = ReturnType<typeof useSuggestions>
