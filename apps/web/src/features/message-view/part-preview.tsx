import type { MessagePart } from '@postern/shared/messages.ts'
import { ChevronLeft, ChevronRight, Download, X } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useEffect, useState } from 'react'
import { request } from '#data/api.ts'
import { onDownload } from '#data/download.ts'
import { t } from '#lib/page-text.ts'
import { Dialog } from '#ui/dialog.tsx'
import { PdfPages } from './pdf-pages.tsx'

/** Attachments over the whole window, one after the other. Nothing in them runs: pictures, text nodes, drawn pages. */
export const PartPreview = ({
  messageId,
  parts,
  firstId,
  onClose,
}: {
  messageId: string
  parts: MessagePart[]
  firstId: string
  onClose: () => void
}) => {
  const [at, setAt] = useState(() =>
    Math.max(
      0,
      parts.findIndex(({ id }) => id === firstId),
    ),
  )
  const part = parts[at]
  if (!part) return null
  const name = part.filename ?? part.contentType
  const base = `/v1/messages/${messageId}/parts/${part.id}`
  const step = (by: number) => setAt((at + by + parts.length) % parts.length)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return
    event.preventDefault()
    step((event.key === 'ArrowRight') === (document.documentElement.dir !== 'rtl') ? 1 : -1)
  }
  const head = (
    <div className="viewer-head">
      <h2>
        <bdi>{name}</bdi>
      </h2>
      {parts.length > 1 && (
        <>
          <IconButton label={t('preview.previous')} onClick={() => step(-1)}>
            <ChevronLeft size={18} className="turns" aria-hidden />
          </IconButton>
          <span aria-live="polite">
            {at + 1} / {parts.length}
          </span>
          <IconButton label={t('preview.next')} onClick={() => step(1)}>
            <ChevronRight size={18} className="turns" aria-hidden />
          </IconButton>
        </>
      )}
      <a
        className="icon-button"
        href={base}
        download
        onClick={onDownload}
        aria-label={t('view.savePart')}
        title={t('view.savePart')}
      >
        <Download size={18} aria-hidden />
      </a>
      <IconButton label={t('close')} onClick={onClose}>
        <X size={18} aria-hidden />
      </IconButton>
    </div>
  )
  return (
    <Dialog title={t('view.preview', { name })} size="full" head={head} onClose={onClose} onKeyDown={onKeyDown}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by key */}
      <div className="viewer" tabIndex={0} role="region" aria-label={name} key={part.id}>
        {part.preview === 'image' ? (
          <Picture address={`${base}/preview`} name={name} />
        ) : part.preview === 'pdf' ? (
          <PdfPages address={`${base}/preview`} />
        ) : (
          <PlainText address={`${base}/preview`} />
        )}
      </div>
    </Dialog>
  )
}

const IconButton = ({ label, onClick, children }: { label: string; onClick: () => void; children: ReactNode }) => (
  <button type="button" className="icon-button" aria-label={label} title={label} onClick={onClick}>
    {children}
  </button>
)

const Picture = ({ address, name }: { address: string; name: string }) => {
  const [isBroken, setBroken] = useState(false)
  if (isBroken) return <CannotShow />
  return <img src={address} alt={name} onError={() => setBroken(true)} />
}

const PlainText = ({ address }: { address: string }) => {
  const [text, setText] = useState<string | null>('')
  useEffect(() => {
    const stop = new AbortController()
    request('GET', address, { signal: stop.signal })
      .then((response) => response.text())
      .then(setText, () => {
        if (!stop.signal.aborted) setText(null)
      })
    return () => stop.abort()
  }, [address])
  return text === null ? <CannotShow /> : <pre dir="auto">{text}</pre>
}

const CannotShow = () => (
  <p className="empty" role="alert">
    {t('preview.failed')}
  </p>
)
