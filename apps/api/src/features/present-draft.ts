import type { DraftAttachment, Draft as WireDraft } from '@postern/shared/drafts.ts'
import type { AttachmentRow, WholeDraft } from '#store/drafts.ts'

export const presentAttachment = (row: AttachmentRow): DraftAttachment => ({
  id: row.id,
  filename: row.filename,
  contentType: row.contentType,
  sizeBytes: Number(row.sizeBytes),
  contentId: row.contentId,
  state: row.blobId !== null ? 'here' : row.errorCode === null ? 'coming' : 'missing',
  source:
    row.fromMessageId === null
      ? null
      : { messageId: row.fromMessageId.toString(), partId: row.fromPartId?.toString() ?? null },
})

export const presentDraft = ({ row, content, attachments }: WholeDraft): WireDraft => ({
  id: row.id,
  accountId: row.accountId.toString(),
  version: row.version,
  content,
  attachments: attachments.map(presentAttachment),
  messageId: row.messageId?.toString() ?? null,
  isCopied: row.messageId !== null && row.copiedVersion === row.version && row.copyAt === null,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})
