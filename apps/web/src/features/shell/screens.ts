import type { ComponentType } from 'react'

export type ThreadViewProps = {
  threadId: string | null
  mailboxId: string | null
  backTo: string
  /** The message a search found; open even when older. */
  alsoOpenId: string | null
  /** Its messages here were marked deleted by another program: they may be read and brought back. */
  isHidden: boolean
}

/** What the shell shows, handed in by screen/app.tsx: features never import each other. */
export type Screens = {
  MailboxTree: ComponentType<{ currentId: string | null; isOutbox: boolean }>
  MessageList: ComponentType<{ mailboxId: string; threadId: string | null; isOneLine: boolean; isCovered: boolean }>
  HiddenList: ComponentType<{ mailboxId: string; threadId: string | null }>
  ThreadView: ComponentType<ThreadViewProps>
  Outbox: ComponentType<{ openId: string | null }>
  OutboxMail: ComponentType<{ submissionId: string }>
  SearchResults: ComponentType<{ query: string; threadId: string | null }>
  ShortcutSheet: ComponentType<{ onClose: () => void }>
  Palette: ComponentType<{ onClose: () => void }>
}
