import type { ComponentType } from 'react'

/** What the shell shows, handed in by app/: features never import each other. */
export type Screens = {
  MailboxTree: ComponentType<{ currentId: string | null }>
  MessageList: ComponentType<{ mailboxId: string; threadId: string | null }>
  ThreadView: ComponentType<{
    threadId: string | null
    mailboxId: string | null
    backTo: string
    alsoOpenId: string | null
  }>
  SearchResults: ComponentType<{ query: string; threadId: string | null }>
  ShortcutSheet: ComponentType<{ onClose: () => void }>
}
