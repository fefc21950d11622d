import { maxAttachments } from '@postern/shared/attachment-room.ts'
import { Paperclip, RotateCw, X } from 'lucide-react'
import {
  attachedBytes,
  attachedCount,
  cancelUpload,
  fetchAgain,
  limitOf,
  removeAttachment,
  retryUpload,
  type Upload,
} from '#data/attachments.ts'
import { onDownload } from '#data/download.ts'
import type { OpenDraft } from '#data/draft-state.ts'
import { t } from '#lib/composer-text.ts'
import { fileSize } from '#lib/format.ts'
import { Meter } from '#ui/meter.tsx'

/** What goes along: what has arrived, what is on its way, and how much of what the server takes that is. */
export const AttachmentStrip = ({ draft, uploads }: { draft: OpenDraft; uploads: Upload[] }) => {
  const { key, id, content } = draft
  // Pictures show where they stand in rich text; those that are not there can be fetched again, or removed.
  const isFile = (contentId: string | null) => contentId === null || content.html === null
  const isInText = ({ contentId }: { contentId: string | null }) =>
    contentId !== null && content.html?.includes(contentId) === true
  const files = draft.attachments.filter(({ contentId, state }) => isFile(contentId) || state !== 'here')
  const coming = uploads.filter(({ contentId, state }) => isFile(contentId) || state.kind !== 'sending')
  if (files.length + coming.length === 0) return null
  return (
    <div className="composer-attachments">
      <ul aria-label={t('attach.list')}>
        {files.map((one) => (
          <li key={one.id}>
            <Paperclip size={14} aria-hidden />
            <a className="file-name" href={`/v1/drafts/${id}/attachments/${one.id}`} onClick={onDownload}>
              <bdi>{one.filename || t('attach.unnamed')}</bdi>
            </a>
            <small className="muted">{fileSize(one.sizeBytes)}</small>
            {one.state === 'coming' && (
              <small className="muted" role="status">
                {t('attach.coming')}
              </small>
            )}
            {one.state === 'missing' && (
              <>
                <span className="field-error" role="alert">
                  {t('attach.missing')}
                </span>
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t('attach.retry', { name: one.filename })}
                  title={t('retry')}
                  onClick={() => void fetchAgain(key, one)}
                >
                  <RotateCw size={14} aria-hidden />
                </button>
              </>
            )}
            <button
              type="button"
              className="icon-button"
              aria-label={t('attach.remove', { name: one.filename })}
              title={t('attach.removeIt')}
              onClick={() => void removeAttachment(key, one)}
            >
              <X size={14} aria-hidden />
            </button>
          </li>
        ))}
        {coming.map((one) => (
          <Coming key={one.id} upload={one} />
        ))}
      </ul>
      <Sum
        bytes={attachedBytes(key)}
        hasPictures={[...draft.attachments, ...uploads].some(isInText)}
        count={attachedCount(key)}
        limit={limitOf(content.identityId)}
      />
    </div>
  )
}

const Coming = ({ upload: { id, file, sentBytes, state } }: { upload: Upload }) => (
  <li className={state.kind === 'sending' ? 'coming' : 'coming bad'}>
    <bdi className="file-name">{file.name}</bdi>
    <small className="muted">{fileSize(file.size)}</small>
    {state.kind === 'sending' ? (
      <Meter label={t('attach.sending', { name: file.name })} done={sentBytes} total={file.size} />
    ) : (
      <span className="field-error" role="alert">
        {state.reason || t('attach.failed')}
      </span>
    )}
    {(state.kind === 'failed' || state.kind === 'lost') && (
      <button
        type="button"
        className="icon-button"
        aria-label={t('attach.retry', { name: file.name })}
        title={t('retry')}
        onClick={() => retryUpload(id)}
      >
        <RotateCw size={14} aria-hidden />
      </button>
    )}
    <button
      type="button"
      className="icon-button"
      aria-label={t(state.kind === 'sending' ? 'attach.cancel' : 'attach.remove', { name: file.name })}
      title={state.kind === 'sending' ? t('cancel') : t('attach.removeIt')}
      onClick={() => cancelUpload(id)}
    >
      <X size={14} aria-hidden />
    </button>
  </li>
)

/** From here on their number is worth a word. */
const manyAttachments = maxAttachments * 0.9

const Sum = ({
  bytes,
  hasPictures,
  count,
  limit,
}: {
  bytes: number
  /** Pictures in the text are a part of it, and none of the list. */
  hasPictures: boolean
  count: number
  limit: number | null
}) => (
  <p className={limit !== null && bytes > limit ? 'field-error' : 'muted'}>
    {limit === null
      ? t('attach.sum', { size: fileSize(bytes) })
      : t('attach.sumOf', { size: fileSize(bytes), limit: fileSize(limit) })}
    {hasPictures && ` · ${t('attach.withPictures')}`}
    {count >= manyAttachments && ` · ${t('attach.count', { n: count, most: maxAttachments })}`}
  </p>
)
