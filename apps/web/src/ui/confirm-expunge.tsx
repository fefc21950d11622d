import type { Account } from '@postern/shared/accounts.ts'
import { t } from '#lib/text.ts'
import { Confirm } from './confirm.tsx'
import { Dialog } from './dialog.tsx'

/**
 * Before mail is deleted for good, wherever that is asked for. Of a POP3 account that keeps everything at the provider it
 * is asked, once, what becomes of it there; the answer is stored before anything is deleted.
 */
export const ConfirmExpunge = ({
  account,
  onDecide,
  ...on
}: {
  account: Account | undefined
  onDecide: (isAlsoThere: boolean) => Promise<void>
  onConfirm: () => void
  onClose: () => void
}) => {
  const policy = account?.retrieval?.policy.kind ?? 'whenDeletedHere'
  if (policy === 'keep' && account?.retrieval?.isDeletionDecided === false)
    return <AskOnce {...on} onDecide={onDecide} />
  const text =
    policy === 'whenDeletedHere'
      ? t('confirm.expungeText')
      : t(policy === 'keep' ? 'confirm.expungeKeeps' : 'confirm.expungePolicy')
  return <Confirm title={t('confirm.expunge')} text={text} action={t('action.expunge')} cancel={t('cancel')} {...on} />
}

const AskOnce = ({
  onDecide,
  onConfirm,
  onClose,
}: {
  onDecide: (isAlsoThere: boolean) => Promise<void>
  onConfirm: () => void
  onClose: () => void
}) => {
  const decide = async (isAlsoThere: boolean) => {
    onClose()
    await onDecide(isAlsoThere)
    onConfirm()
  }
  return (
    <Dialog title={t('confirm.alsoThere')} onClose={onClose}>
      <p>{t('confirm.alsoThereText')}</p>
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {t('cancel')}
        </button>
        <button type="button" className="button danger" onClick={() => void decide(false)}>
          {t('confirm.onlyHere')}
        </button>
        <button type="button" className="button danger" onClick={() => void decide(true)}>
          {t('confirm.both')}
        </button>
      </div>
    </Dialog>
  )
}
