import type { MessagePart } from '@postern/shared/messages.ts'
import { Download, File, FileText, FileType } from 'lucide-react'
import { useState } from 'react'
import { explain } from '#data/api.ts'
import { onDownload } from '#data/download.ts'
import { loadPart } from '#data/load-part.ts'
import { showToast } from '#data/toasts.ts'
import { fileSize } from '#lib/format.ts'
import { goBack, navigate, useRoute } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { lateDialog } from '#ui/late-dialog.tsx'

const Preview = lateDialog(() => import('./part-preview.tsx').then((module) => module.PartPreview))

/** What a person would call attached, pictures inside the text that have a name included. */
export const isFile = (part: MessagePart): boolean => !part.isInline || part.filename !== null

/** Attached files: pictures are shown small; pictures, texts and PDFs open over the page; all can be saved. */
export const Attachments = ({
  messageId,
  subject,
  parts,
}: {
  messageId: string
  /** Names the archive when all are saved. */
  subject: string
  parts: MessagePart[]
}) => {
  // In the address, so that the back gesture closes the preview and not the mail.
  const { hash } = useRoute()
  const withoutHash = location.pathname + location.search
  const at = `file-${messageId}-`
  const shown = parts.filter(isFile)
  if (shown.length === 0) return null
  const openId = hash.startsWith(at) ? hash.slice(at.length) : null
  const previewable = shown.filter(({ preview }) => preview !== null)
  const saveAll = async () => {
    const { saveAllParts } = await loadPart(import('./save-all-parts.ts'))
    await saveAllParts(messageId, subject, shown).catch((error: unknown) =>
      showToast({ kind: 'problem', text: `${t('view.saveAllFailed')} ${explain(error)}` }),
    )
  }
  return (
    <div className="attachment-strip">
      <ul className="attachments" aria-label={t('view.attachments')}>
        {shown.map((part) => (
          <Tile
            key={part.id}
            messageId={messageId}
            part={part}
            onOpen={() => navigate(`${withoutHash}#${at}${part.id}`)}
          />
        ))}
      </ul>
      {shown.length > 1 && (
        <button type="button" className="button" onClick={() => void saveAll()}>
          <Download size={15} aria-hidden />
          {t('view.saveAll')} ({fileSize(shown.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))})
        </button>
      )}
      {openId !== null && (
        <Preview messageId={messageId} parts={previewable} firstId={openId} onClose={() => goBack(withoutHash)} />
      )}
    </div>
  )
}

const Tile = ({ messageId, part, onOpen }: { messageId: string; part: MessagePart; onOpen: () => void }) => {
  const name = part.filename ?? part.contentType
  const at = `/v1/messages/${messageId}/parts/${part.id}`
  const save = `${t('view.savePart')}: ${name}`
  const preview = t('view.preview', { name })
  const [isBroken, setBroken] = useState(false)
  return (
    <li>
      {part.preview !== null && (
        <button
          type="button"
          className="thumb"
          aria-label={part.preview === 'text' ? `${t('view.plain')}: ${name}` : preview}
          title={preview}
          onClick={onOpen}
        >
          {part.preview === 'image' && !isBroken ? (
            <img src={`${at}/preview`} alt="" loading="lazy" onError={() => setBroken(true)} />
          ) : part.preview === 'pdf' ? (
            <FileType size={32} aria-hidden />
          ) : (
            <FileText size={32} aria-hidden />
          )}
        </button>
      )}
      <div className="file">
        {part.preview === null ? (
          <a className="file-name" href={at} download onClick={onDownload} title={save}>
            <File size={15} aria-hidden />
            <bdi>{name}</bdi>
          </a>
        ) : (
          // By key and by name the picture does the same.
          <button type="button" className="file-name" tabIndex={-1} title={preview} onClick={onOpen}>
            <bdi>{name}</bdi>
          </button>
        )}
        <small className="muted">{fileSize(part.sizeBytes)}</small>
        <a className="file-save" href={at} download onClick={onDownload} aria-label={save} title={save}>
          <Download size={15} aria-hidden />
        </a>
      </div>
    </li>
  )
}
