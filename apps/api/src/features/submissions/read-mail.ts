import type { SubmissionMail } from '@postern/shared/submissions.ts'
import { leavesOf } from '#mail/source-leaves.ts'
import { AppError } from '#platform/errors.ts'
import { readBlobHead } from '#store/blobs.ts'
import { findOwnDraft } from '#store/drafts.ts'
import type { Store } from '#store/open-store.ts'
import { presentAttachment } from '../present-draft.ts'

/**
 * What is in a mail on its way out. It was composed of its draft, which nobody can change until it is back on the desk; one that a
 * click has made, such as a receipt, says its few lines at its beginning. Throws not_found.
 */
export const readMail = async (store: Store, userId: bigint, id: string): Promise<SubmissionMail> => {
  const { draft, head } = await store.read(userId, async (tx) => {
    const row = await tx.submission.findFirst({ where: { id, userId } })
    if (!row) throw new AppError('not_found', 'There is no such mail in the outbox.')
    const known = row.draftId ? await findOwnDraft(tx, userId, row.draftId) : null
    return known?.row.submissionId === id
      ? { draft: known, head: null }
      : { draft: null, head: await readBlobHead(tx, row.blobId) }
  })
  if (draft) {
    const { text, html, about, quotes } = draft.content
    const attachments = draft.attachments.map(presentAttachment)
    return { text, html, about, quotes, draftId: draft.row.id, attachments }
  }
  const plain = leavesOf(Buffer.from(head ?? [])).find(({ type }) => type === 'text/plain')
  return { text: plain?.text ?? '', html: null, about: null, quotes: false, draftId: null, attachments: [] }
}
