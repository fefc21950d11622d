import { useEffect, useRef } from 'react'
import type { TextKey } from '#lib/text.ts'
import { type AppState, app, setting } from './app-state.ts'

/**
 * What can be done on the screen by key or by palette. Whoever can do it says so with `useCommands`; the newest one that
 * knows a command carries it out. Keys are Gmail's letters unless the person chose others (setting `keys`).
 */
export const commandKeys = {
  compose: ['c'],
  reply: ['r'],
  replyAll: ['a'],
  forward: ['f'],
  next: ['j', 'ArrowDown'],
  previous: ['k', 'ArrowUp'],
  first: ['Home'],
  last: ['End'],
  open: ['o', 'Enter'],
  back: ['u', 'Escape'],
  select: ['x'],
  selectAll: ['* a'],
  star: ['s'],
  archive: ['e'],
  trash: ['#', 'Delete'],
  junk: ['!'],
  move: ['v'],
  read: ['I'],
  unread: ['U'],
  readAll: [],
  undo: ['z'],
  search: ['/'],
  inbox: ['g i'],
  help: ['?'],
} as const satisfies Record<string, readonly string[]>
export type CommandId = keyof typeof commandKeys
export const commandIds = Object.keys(commandKeys) as CommandId[] // Object.keys forgets the literal keys
export const commandText = (id: CommandId): TextKey => `key.${id}`

type Handlers = Partial<Record<CommandId, () => void>>
const able: { current: Handlers }[] = []

export const useCommands = (handlers: Handlers): void => {
  const latest = useRef(handlers)
  latest.current = handlers
  useEffect(() => {
    able.push(latest)
    return () => {
      able.splice(able.indexOf(latest), 1)
    }
  }, [])
}

const handlerOf = (id: CommandId): (() => void) | undefined =>
  able.findLast(({ current }) => current[id] !== undefined)?.current[id]
export const canRun = (id: CommandId): boolean => handlerOf(id) !== undefined
/** Answers whether somebody could carry it out. */
export const runCommand = (id: CommandId): boolean => {
  const handler = handlerOf(id)
  handler?.()
  return handler !== undefined
}

const noKeys: Record<string, string> = {}
/** The keys this person chose, by command. */
export const chosenKeys = (state: AppState): Record<string, string> => setting(state, 'keys', noKeys)

/** The keys of a command: the chosen one, else the defaults. */
export const keysOf = (id: CommandId, chosen: Record<string, string>): readonly string[] => {
  const own = chosen[id]
  if (own) return [own]
  const taken = new Set(Object.values(chosen))
  return commandKeys[id].filter((key) => !taken.has(key))
}
const keySigns: Record<string, string> = { ArrowDown: '↓', ArrowUp: '↑', Escape: 'Esc' }
/** A key as it stands on a keyboard. */
export const keyText = (key: string): string => keySigns[key] ?? key

export const commandOfKey = (key: string, chosen: Record<string, string>): CommandId | undefined =>
  commandIds.find((id) => keysOf(id, chosen).includes(key))

export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    /^(TEXTAREA|SELECT)$/.test(target.tagName) ||
    (target instanceof HTMLInputElement && target.type !== 'checkbox'))

/** The one listener for keys; `onPalette` hears Ctrl-K and Cmd-K, also while somebody types. */
export const useKeyboard = (onPalette: () => void): void => {
  const palette = useRef(onPalette)
  palette.current = onPalette
  useEffect(() => {
    let pending = { key: '', at: 0 }
    const onKey = (event: KeyboardEvent) => {
      if (document.querySelector('dialog[open]')) return
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        palette.current()
        return
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      // Shift on the way to a letter is no key of its own.
      if (event.key === 'Shift') return
      const chosen = chosenKeys(app.get())
      const isSecond = pending.key !== '' && event.timeStamp - pending.at < 1000
      const pair = isSecond ? commandOfKey(`${pending.key} ${event.key}`, chosen) : undefined
      pending = { key: event.key, at: event.timeStamp }
      // Enter belongs to the button or link that has the focus.
      const isOnControl = event.target instanceof Element && event.target.closest('button, a, summary') !== null
      if (isOnControl && event.key === 'Enter') return
      const id = pair ?? commandOfKey(event.key, chosen)
      if (id && runCommand(id)) event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
}
