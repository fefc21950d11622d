import type { WallTime } from '@postern/shared/submissions.ts'
import { t } from './composer-text.ts'
import { clockOf, ownZone, wallAt, writeWallTime } from './later-choices.ts'

/** When a mail goes that is sent later: by the clock of the place that was chosen, which is named where the reader has another one. */
export const writeDeparture = ({ wallTime, zone }: WallTime, now = new Date()): string => {
  const isToday = wallAt(now, zone).slice(0, 10) === wallTime.slice(0, 10)
  const text = isToday
    ? t('departure.today', { time: clockOf(wallTime) })
    : t('departure.on', { date: writeWallTime(wallTime) })
  return zone === ownZone() ? text : t('departure.elsewhere', { text, zone })
}
