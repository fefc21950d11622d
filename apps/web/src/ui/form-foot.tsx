import { t } from '#lib/text.ts'

/** The end of a form in a dialog: away without it, or take it. */
export const FormFoot = ({
  action = t('save'),
  isBusy,
  onCancel,
}: {
  action?: string
  isBusy: boolean
  onCancel: () => void
}) => (
  <div className="row end">
    <button type="button" className="button" onClick={onCancel}>
      {t('cancel')}
    </button>
    <button type="submit" className="button primary" disabled={isBusy}>
      {action}
    </button>
  </div>
)
