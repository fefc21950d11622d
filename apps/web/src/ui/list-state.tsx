import { type ReactNode, useEffect, useRef, useState } from 'react'
import { t } from '#lib/text.ts'

const skeletonAfterMs = 150
const retryEveryMs = 5000

/**
 * What a list shows when it has no rows: nothing here, loading, no connection, failed. The skeleton waits a moment, so
 * that fast answers do not flicker; without a connection it asks again by itself.
 */
export const ListState = ({
  status,
  isEmpty,
  empty,
  failed = t('list.failed'),
  lines = 8,
  onRetry,
}: {
  status: 'loading' | 'ready' | 'offline' | 'failed'
  isEmpty: boolean
  empty: ReactNode
  failed?: string
  /** Of the skeleton. */
  lines?: number
  onRetry: () => void
}) => {
  const isSlow = useSlow(status === 'loading' && isEmpty)
  useRetry(status === 'offline', onRetry)
  if (status === 'ready') return isEmpty ? <div className="empty">{empty}</div> : null
  if (status === 'loading') return isSlow ? <Skeleton lines={lines} /> : null
  // With rows in sight the bar on top says that the connection is away.
  if (status === 'offline') return isEmpty ? <div className="empty">{t('list.offline')}</div> : null
  return (
    <div className={isEmpty ? 'empty' : 'list-failed'} role="alert">
      <p>{isEmpty ? failed : t('list.partFailed')}</p>
      <button type="button" className="button" onClick={onRetry}>
        {t('retry')}
      </button>
    </div>
  )
}

export const Skeleton = ({ lines }: { lines: number }) => (
  <div className="skeleton" role="status" aria-label={t('list.loading')}>
    {Array.from({ length: lines }, (_, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: grey lines are all the same
      <div key={index}>
        <span />
        <span />
      </div>
    ))}
  </div>
)

/** True once `is` has held for a moment. */
export const useSlow = (is: boolean): boolean => {
  const [isSlow, setSlow] = useState(false)
  useEffect(() => {
    setSlow(false)
    if (!is) return
    const timer = setTimeout(() => setSlow(true), skeletonAfterMs)
    return () => clearTimeout(timer)
  }, [is])
  return is && isSlow
}

const useRetry = (isOffline: boolean, onRetry: () => void): void => {
  const latest = useRef(onRetry)
  latest.current = onRetry
  useEffect(() => {
    if (!isOffline) return
    const again = () => latest.current()
    const timer = setInterval(again, retryEveryMs)
    addEventListener('online', again)
    return () => {
      clearInterval(timer)
      removeEventListener('online', again)
    }
  }, [isOffline])
}
