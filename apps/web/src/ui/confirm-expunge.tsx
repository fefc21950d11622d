import { t } from '#lib/text.ts'
import { Confirm } from './confirm.tsx'

/** Before mail is deleted for good, wherever that is asked for. */
export const ConfirmExpunge = (on: { onConfirm: () => void; onClose: () => void }) => (
  <Confirm
    title={t('confirm.expunge')}
    text={t('confirm.expungeText')}
    action={t('action.expunge')}
    cancel={t('cancel')}
    {...on}
  />
)
