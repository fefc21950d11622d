import type { SubmissionMail } from '@postern/shared/submissions.ts'
import { leavesOf } from '#mail/source-leaves.ts'
import { AppError } from '#platform/errors.ts'
import { readBlobHead } from '#store/blobs.ts'
import { findOwnDraft } from '#store/drafts.ts'
import type { Store } from '#store/open-store.ts'
import { presentAttachment } from '../present-draft.ts'

/**
 * What is in a mail on its way out. It was composed of its draft, which nobody can change until it is back on the desk; one that a
 * click has made, such as a receipt, says its few lines at its beginning. Throws not_found; message.gone once it was sent, and is over, or
 * is a draft again.
 */
export const readMail = async (store: Store, userId: bigint, id: string): Promise<SubmissionMail> => {
  const { draft, head } = await store.read(userId, async (tx) => {
    const row = await tx.submission.findFirst({ where: { id, userId } })
    if (!row) throw new AppError('not_found', 'There is no such mail in the outbox.')
    if (row.draftId === null) return { draft: null, head: await readBlobHead(tx, row.blobId) }
    const known = await findOwnDraft(tx, userId, row.draftId)
    // Its beginning would look like all of it, without a word of its files.
    if (known?.row.submissionId !== id)
      throw new AppError('message.gone', 'What was written is not kept with this mail any more.')
    return { draft: known, head: null }
  })
  if (draft) {
    const { text, html, about, quotes } = draft.content
    const attachments = draft.attachments.map(presentAttachment)
    return { text, html, about, quotes, draftId: draft.row.id, attachments }
  }
  const plain = leavesOf(Buffer.from(head ?? [])).find(({ type }) => type === 'text/plain')
  return { text: plain?.text ?? '', html: null, about: null, quotes: false, draftId: null, attachments: [] }
}
