import { t } from '#lib/composer-text.ts'
import { Confirm } from './confirm.tsx'

/** Asked before what stands nowhere else yet is thrown away. */
export const ConfirmDiscard = ({ onDiscard, onStay }: { onDiscard: () => void; onStay: () => void }) => (
  <Confirm
    title={t('leave.title')}
    text={t('leave.text')}
    action={t('leave.discard')}
    cancel={t('leave.stay')}
    onConfirm={onDiscard}
    onClose={onStay}
  />
)
