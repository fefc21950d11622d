import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { call } from './api.ts'
import { app } from './app-state.ts'
import { type Shown, showAnswer, showAtOnce } from './show-answer.ts'

const shownMailbox = (mailboxId: string): Shown<Mailbox> => ({
  name: `mailbox ${mailboxId}`,
  find: () => app.get().mailboxes[mailboxId],
  patch: (fields) =>
    app.set(({ mailboxes }) => {
      const one = mailboxes[mailboxId]
      return one ? { mailboxes: { ...mailboxes, [mailboxId]: { ...one, ...fields } } } : {}
    }),
})

/** Shown at once, and put back when it could not be stored. Throws ApiError. */
export const patchMailbox = (
  mailboxId: string,
  body: Partial<Pick<Mailbox, 'role' | 'isSynced' | 'isWatched'>>,
): Promise<void> =>
  showAtOnce(shownMailbox(mailboxId), body, () => call('patchMailbox', 'PATCH', `/v1/mailboxes/${mailboxId}`, { body }))

/** Renames or moves it, and answers it as it is then. Throws ApiError. */
export const placeMailbox = (mailboxId: string, body: NewPlace): Promise<Mailbox> =>
  showAnswer(shownMailbox(mailboxId), () => call('patchMailbox', 'PATCH', `/v1/mailboxes/${mailboxId}`, { body }))
export type NewPlace = { name: string } | { parentId: string | null }

/** One that was just made, unless it was told of before. */
export const addMailbox = (made: Mailbox): void =>
  app.set(({ mailboxes }) => (made.id in mailboxes ? {} : { mailboxes: { ...mailboxes, [made.id]: made } }))
