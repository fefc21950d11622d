import { useEffect, useState } from 'react'
import { t } from '#lib/text.ts'

/** Empty, loading, failed: a list is never just white. The skeleton waits a moment, so that fast answers do not flicker. */
export const ListState = ({
  status,
  total,
  isFiltered,
  onRetry,
}: {
  status: 'loading' | 'ready' | 'failed'
  total: number
  isFiltered: boolean
  onRetry: () => void
}) => {
  const [isSlow, setSlow] = useState(false)
  useEffect(() => {
    if (status !== 'loading') return setSlow(false)
    const timer = setTimeout(() => setSlow(true), 150)
    return () => clearTimeout(timer)
  }, [status])
  if (status === 'loading') return isSlow ? <p className="empty">…</p> : null
  if (status === 'failed')
    return (
      <div className="empty" role="alert">
        <p>{t('list.failed')}</p>
        <button type="button" className="button" onClick={onRetry}>
          {t('retry')}
        </button>
      </div>
    )
  return total === 0 ? <p className="empty">{t(isFiltered ? 'list.emptyFilter' : 'list.empty')}</p> : null
}
