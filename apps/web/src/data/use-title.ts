import { useEffect } from 'react'
import { useApp } from './app-state.ts'

/** What the tab says: unread conversations of the inboxes, then what is on the screen. Null: a screen below says it. */
export const useTitle = (name: string | null): void => {
  const unread = useApp((state) =>
    Object.values(state.mailboxes).reduce(
      (sum, mailbox) => sum + (mailbox.role === 'inbox' ? mailbox.unreadConversations : 0),
      0,
    ),
  )
  useEffect(() => {
    if (name !== null) document.title = `${unread > 0 ? `(${unread.toLocaleString()}) ` : ''}${name} – Postern`
  }, [unread, name])
}
