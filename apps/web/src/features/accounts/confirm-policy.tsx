import { t } from '#lib/page-text.ts'
import { Confirm } from '#ui/confirm.tsx'
import { consequenceOf, type RetrievalForm } from './retrieval-form.ts'

/** Before a policy is chosen by which mail goes at the provider: what goes, and what of it can be taken back. */
export const ConfirmPolicy = ({
  form,
  ...on
}: {
  form: RetrievalForm
  onConfirm: () => void
  /** Told whether it was confirmed. */
  onClose: (isConfirmed: boolean) => void
}) => (
  <Confirm
    title={t('policy.confirm')}
    text={`${consequenceOf(form)} ${t(form.policy === 'whenDeletedHere' ? 'policy.confirmDeletions' : 'policy.confirmText')}`}
    action={t('policy.confirmAction')}
    cancel={t('cancel')}
    {...on}
  />
)
