import type { Account } from '@postern/shared/accounts.ts'
import { t } from '#lib/text.ts'
import { Confirm } from './confirm.tsx'
import { lateDialog } from './late-dialog.tsx'

// Once for an account.
const AskExpunge = lateDialog(() => import('./ask-expunge.tsx').then((module) => module.AskExpunge))

/**
 * Before mail is deleted for good, wherever that is asked for. Of a POP3 account that keeps everything at the provider it
 * is asked, once, what becomes of it there; the answer is stored before anything is deleted.
 */
export const ConfirmExpunge = ({
  account,
  what = '',
  onDecide,
  ...on
}: {
  account: Account | undefined
  /** What goes, where that is not what somebody has before their eyes. */
  what?: string
  onDecide: (isAlsoThere: boolean) => Promise<void>
  onConfirm: () => void
  onClose: () => void
}) => {
  const policy = account?.retrieval?.policy.kind ?? 'whenDeletedHere'
  // Never removed there before it was here whole: told where the account has such mail.
  const hasParts = (account?.maildrop?.headersOnly ?? 0) > 0
  const parts = hasParts ? ` ${t('confirm.partsStay')}` : ''
  if (policy === 'keep' && account?.retrieval?.isDeletionDecided === false)
    return <AskExpunge {...on} accountId={account.id} what={what} parts={parts} onDecide={onDecide} />
  const text =
    policy === 'whenDeletedHere'
      ? t(hasParts ? 'confirm.expungeParts' : 'confirm.expungeText')
      : policy === 'keep'
        ? t('confirm.expungeKeeps')
        : t('confirm.expungePolicy') + parts
  return (
    <Confirm
      title={t('confirm.expunge')}
      text={`${what} ${text}`.trim()}
      action={t('action.expunge')}
      cancel={t('cancel')}
      {...on}
    />
  )
}
