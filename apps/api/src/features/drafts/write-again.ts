import type { DraftContent, DraftRecipient } from '@postern/shared/drafts.ts'
import { readAddress, wireAddress } from '#mail/mail-address.ts'
import { AppError } from '#platform/errors.ts'
import { commit } from '#store/commit.ts'
import { findOwnDraft, insertTwin, type WholeDraft } from '#store/drafts.ts'
import type { Store } from '#store/open-store.ts'
import { findMissed } from '#store/read-submissions.ts'
import { takenId } from './refusals.ts'

/**
 * A mail that did not reach everybody, as a draft for the others: all of it but those who have it. Sent, it is a mail of its own.
 * Throws not_found, request.conflict.
 */
export const writeAgain = (
  store: Store,
  userId: bigint,
  { id, submissionId }: { id: string; submissionId: string },
): Promise<WholeDraft> =>
  commit(store, { kind: 'user', userId }, async (unit) => {
    const sent = await findMissed(unit.tx, userId, submissionId)
    if (!sent) throw new AppError('not_found', 'There is no such mail in the outbox.')
    if (sent.missed.length === 0)
      throw new AppError('request.conflict', 'There is nobody of whom it is known that this mail did not reach them.')
    const written = sent.draftId === null ? null : await findOwnDraft(unit.tx, userId, sent.draftId)
    if (written?.row.submissionId !== submissionId)
      throw new AppError('not_found', 'What was written is no longer here.', {
        hint: 'Open the mail in Sent, and edit it as a new one.',
      })
    const content = without(written.content, new Set(sent.missed))
    await insertTwin(unit, written.row, { id, content, accountId: written.row.accountId })
    const draft = await findOwnDraft(unit.tx, userId, id)
    if (!draft) throw takenId()
    return draft
  })

/** `missed`: addresses as they are on the wire. */
const without = (content: DraftContent, missed: ReadonlySet<string>): DraftContent => {
  const left = (list: DraftRecipient[]) =>
    list.filter(({ address }) => {
      const read = readAddress(address.trim())
      return read !== null && missed.has(wireAddress(read))
    })
  return { ...content, to: left(content.to), cc: left(content.cc), bcc: left(content.bcc) }
}
