import type { RemovalPlan } from '@postern/shared/retrieval.ts'
import { fileSize } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { Confirm } from '#ui/confirm.tsx'
import { consequenceOf, type RetrievalForm } from './retrieval-form.ts'

/** Before a policy is chosen by which mail goes at the provider: how much goes now, and what of it can be taken back. */
export const ConfirmPolicy = ({
  form,
  removal,
  there,
  ...on
}: {
  form: RetrievalForm
  /** Absent: nothing is here yet. */
  removal?: RemovalPlan & { isOnHold: boolean }
  /** How many mails the test of the servers has just found, in words. */
  there?: string | null
  onConfirm: () => void
  /** Told whether it was confirmed. */
  onClose: (isConfirmed: boolean) => void
}) => (
  <Confirm
    title={t('policy.confirm')}
    text={[
      consequenceOf(form),
      ...(removal ? [removalText(removal)] : []),
      ...(there ? [there] : []),
      t(form.policy === 'whenDeletedHere' ? 'policy.confirmDeletions' : 'policy.confirmText'),
    ].join(' ')}
    action={t('policy.confirmAction')}
    cancel={t('cancel')}
    {...on}
  />
)

const removalText = ({ mails, bytes, isOnHold }: RemovalPlan & { isOnHold: boolean }): string => {
  if (mails === 0) return t('policy.now.none')
  const key = `policy.${isOnHold ? 'held' : 'now'}.${mails === 1 ? 'one' : 'other'}` as const
  return t(key, { n: mails.toLocaleString(), size: fileSize(bytes) })
}
