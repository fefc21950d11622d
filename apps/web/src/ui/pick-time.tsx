import type { WallTime } from '@postern/shared/submissions.ts'
import { useState } from 'react'
import { t } from '#lib/composer-text.ts'
import { isPast, laterChoices, ownZone } from '#lib/later-choices.ts'
import { Dialog } from './dialog.tsx'
import { Field } from './field.tsx'

/** A date and a time, by the clock of this place where nothing else was chosen. */
export const PickTime = ({
  action,
  planned = null,
  onPick,
  onClose,
}: {
  action: string
  /** When it goes as it is: from there on it is changed, by the clock it was chosen by. */
  planned?: WallTime | null
  onPick: (sendAt: WallTime) => void
  onClose: () => void
}) => {
  const zone = planned?.zone ?? ownZone()
  const first = planned?.wallTime ?? laterChoices(new Date(), zone).at(0)?.wallTime ?? ''
  const [date, setDate] = useState(first.slice(0, 10))
  const [time, setTime] = useState(first.slice(11))
  const sendAt = { wallTime: `${date}T${time}`, zone }
  const isWhole = date !== '' && time !== ''
  const isTooLate = isWhole && isPast(sendAt, new Date())
  return (
    <Dialog title={t('later.pickTitle')} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isWhole && !isTooLate) onPick(sendAt)
        }}
      >
        <div className="grid-even">
          <Field label={t('later.date')} type="date" value={date} onChange={({ target }) => setDate(target.value)} />
          <Field
            label={t('later.time')}
            type="time"
            value={time}
            error={isTooLate ? t('later.past') : undefined}
            hint={zone}
            onChange={({ target }) => setTime(target.value)}
          />
        </div>
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="button primary" disabled={!isWhole || isTooLate}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
