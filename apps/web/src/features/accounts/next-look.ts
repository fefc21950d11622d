import { messageDate } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'

/** Soon, in seconds: by the minute it could be the time of the last one. */
export const nextLook = (at: string, now = Date.now()): string => {
  const seconds = Math.ceil((Date.parse(at) - now) / 1000)
  if (seconds <= 0) return t('maildrop.nextNow')
  return seconds < 120 ? t('maildrop.nextSoon', { seconds }) : t('maildrop.nextLook', { date: messageDate(at) })
}
