import type { ThreadRow } from '@postern/shared/messages.ts'
import { useEffect, useRef } from 'react'
import { app } from '#data/app-state.ts'
import { type MailAction, undoLast } from '#data/commands.ts'
import { navigate } from '#lib/route.ts'

type ListKeys = {
  cursor: number
  rows: (ThreadRow | undefined)[]
  threadId: string | null
  chosen: string[]
  mailboxId: string
  move: (to: number) => void
  open: (threadId: string) => void
  perform: (action: MailAction, threadIds: string[]) => void
  toggleMark: (threadId: string) => void
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && (target as HTMLInputElement).type !== 'checkbox'))

/** Gmail's letters. One listener for the whole screen; the newest list answers. */
export const useListKeys = (keys: ListKeys): void => {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    let wasG = 0
    const onKey = (event: KeyboardEvent) => {
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        isTyping(event.target) ||
        document.querySelector('dialog[open]')
      )
        return
      const isAfterG = Date.now() - wasG < 1000
      wasG = 0
      if (isAfterG && event.key === 'i') return goToInbox(event)
      if (event.key === 'g') {
        wasG = Date.now()
        return
      }
      if (handle(event.key, latest.current)) event.preventDefault()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
}

const goToInbox = (event: KeyboardEvent): void => {
  event.preventDefault()
  const inbox = Object.values(app.get().mailboxes).find(({ role }) => role === 'inbox')
  if (inbox) navigate(`/mail/${inbox.id}`)
}

/** Answers whether the key meant something. */
const handle = (
  key: string,
  { cursor, rows, threadId, chosen, mailboxId, move, open, perform, toggleMark }: ListKeys,
): boolean => {
  const row = rows[cursor]
  const isStarred = rows.some((item) => item && chosen.includes(item.threadId) && item.isFlagged)
  const actions = new Map<string, () => unknown>([
    ['j', () => move(cursor + 1)],
    ['k', () => move(cursor - 1)],
    ['ArrowDown', () => move(cursor + 1)],
    ['ArrowUp', () => move(cursor - 1)],
    ['Home', () => move(0)],
    ['End', () => move(rows.length - 1)],
    ['Enter', () => row && open(row.threadId)],
    ['o', () => row && open(row.threadId)],
    ['u', () => threadId && navigate(`/mail/${mailboxId}`)],
    ['Escape', () => threadId && navigate(`/mail/${mailboxId}`)],
    ['x', () => row && toggleMark(row.threadId)],
    ['e', () => perform('archive', chosen)],
    ['#', () => perform('trash', chosen)],
    ['Delete', () => perform('trash', chosen)],
    ['!', () => perform('junk', chosen)],
    ['s', () => perform(isStarred ? 'unstar' : 'star', chosen)],
    ['I', () => perform('read', chosen)],
    ['U', () => perform('unread', chosen)],
    ['v', () => document.querySelector<HTMLElement>('.list [data-menu]')?.click()],
    ['z', undoLast],
    ['/', () => document.getElementById('search')?.focus()],
    ['?', () => dispatchEvent(new Event('postern:shortcuts'))],
  ])
  const action = actions.get(key)
  action?.()
  return action !== undefined
}
