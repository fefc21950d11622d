import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { Observable, useObservable } from './observable.ts'

/** What a person wants of their own mailboxes; a dialog asks for the rest. */
export type TreeWish =
  /** `onMade`: what the new one is wanted for. */
  | { kind: 'create'; parent: Mailbox | null; onMade?: (made: Mailbox) => void }
  | { kind: 'rename' | 'move' | 'remove' | 'erase' | 'empty'; mailbox: Mailbox }

const asked = new Observable<{ accountId: string | null; wish: TreeWish | null }>({ accountId: null, wish: null })

/** Shown by the tree, whoever asks. */
export const askTree = (accountId: string, wish: TreeWish): void => asked.set({ accountId, wish })
export const closeTreeWish = (): void => asked.set({ accountId: null, wish: null })

export const useTreeWish = (accountId: string): TreeWish | null =>
  useObservable(asked, (now) => (now.accountId === accountId ? now.wish : null))
