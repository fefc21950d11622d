import { ExternalLink, Maximize2, Minimize2, Minus, X } from 'lucide-react'
import { useEffect, useState } from 'react'
import { type OpenDraft, type Place, patchDraft, raiseDraft, type SaveState } from '#data/draft-state.ts'
import { closeDraft, focusComposer, popOut } from '#data/open-drafts.ts'
import { saveNow } from '#data/save-drafts.ts'
import { t } from '#lib/composer-text.ts'

/** Its title, how safe what was written is, and where the panel goes. */
export const ComposerHead = ({
  draft: { key, save },
  place,
  title,
  isWindow,
}: {
  draft: OpenDraft
  place: Place
  title: string
  isWindow: boolean
}) => {
  const open = () => {
    patchDraft(key, { place: 'docked' })
    raiseDraft(key)
    focusComposer(key)
  }
  const isSmall = place === 'minimized'
  const button = (label: string, icon: React.ReactNode, onClick: () => void, className = '') => (
    <button
      type="button"
      className={`icon-button ${className}`}
      aria-label={`${label}: ${title}`}
      title={label}
      onClick={onClick}
    >
      {icon}
    </button>
  )
  return (
    <header className="composer-head">
      <h2 dir="auto">
        {isSmall ? (
          <button type="button" className="composer-title" onClick={open}>
            {title}
          </button>
        ) : (
          title
        )}
      </h2>
      {!isSmall && <SaveNote save={save} onRetry={() => void saveNow(key)} />}
      {!isWindow && (
        <>
          {!isSmall &&
            button(t('compose.minimize'), <Minus size={16} aria-hidden />, () =>
              patchDraft(key, { place: 'minimized', isFocused: false }),
            )}
          {place === 'full'
            ? button(t('compose.dock'), <Minimize2 size={15} aria-hidden />, open, 'not-on-phone')
            : !isSmall &&
              button(
                t('compose.full'),
                <Maximize2 size={15} aria-hidden />,
                () => {
                  patchDraft(key, { place: 'full' })
                  focusComposer(key)
                },
                'not-on-phone',
              )}
          {!isSmall &&
            button(t('compose.popOut'), <ExternalLink size={15} aria-hidden />, () => void popOut(key), 'not-on-phone')}
        </>
      )}
      {button(t('compose.close'), <X size={17} aria-hidden />, () => closeDraft(key))}
    </header>
  )
}

/** Read off, not read out: it changes all the time. What needs somebody is said. */
const SaveNote = ({ save, onRetry }: { save: SaveState; onRetry: () => void }) => {
  const now = useNow(save.kind === 'saved')
  if (save.kind === 'failed' || save.kind === 'offline')
    return (
      <span className="save-note bad" role="status">
        {save.kind === 'failed' ? t('save.failed', { reason: save.reason }) : t('save.offline')}{' '}
        <button type="button" className="link-button" onClick={onRetry}>
          {t('retry')}
        </button>
      </span>
    )
  if (save.kind === 'new') return <span className="save-note" />
  return <span className="save-note">{save.kind === 'saved' ? savedText(now - save.at) : t('save.saving')}</span>
}

const savedText = (agoMs: number): string => {
  const seconds = Math.max(0, Math.floor(agoMs / 1000))
  if (seconds < 2) return t('save.now')
  if (seconds < 60) return t('save.seconds', { n: seconds })
  if (seconds < 3600) return t('save.minutes', { n: Math.floor(seconds / 60) })
  return t('save.done')
}

const useNow = (isNeeded: boolean): number => {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isNeeded) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [isNeeded])
  return now
}
