import type { MessagePart } from '@postern/shared/messages.ts'
import { Download, File } from 'lucide-react'
import { fileSize } from '#lib/format.ts'
import { t } from '#lib/text.ts'

/** Attached files: pictures are shown small, everything can be downloaded. */
export const Attachments = ({
  messageId,
  parts,
  onOpenText,
}: {
  messageId: string
  parts: MessagePart[]
  onOpenText: (part: MessagePart) => void
}) => {
  const shown = parts.filter((part) => !part.isInline || part.filename !== null)
  if (shown.length === 0) return null
  const base = `/v1/messages/${messageId}/parts`
  return (
    <ul className="attachments" aria-label={t('view.attachments')}>
      {shown.map((part) => (
        <li key={part.id}>
          {part.preview === 'image' && (
            <a href={`${base}/${part.id}/preview`} target="_blank" rel="noopener">
              <img src={`${base}/${part.id}/preview`} alt={part.filename ?? ''} loading="lazy" />
            </a>
          )}
          <a
            className="file"
            href={`${base}/${part.id}`}
            download
            title={`${t('view.savePart')}: ${part.filename ?? part.contentType}`}
          >
            <File size={15} aria-hidden />
            <span>{part.filename ?? part.contentType}</span>
            <small className="muted">{fileSize(part.sizeBytes)}</small>
            <Download size={15} aria-hidden />
          </a>
          {part.preview === 'text' && (
            <button
              type="button"
              className="button"
              style={{ width: '100%', border: 0 }}
              onClick={() => onOpenText(part)}
            >
              {t('view.plain')}
            </button>
          )}
        </li>
      ))}
    </ul>
  )
}
