import type { Account } from '@postern/shared/accounts.ts'
import { onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { Confirm } from './confirm.tsx'
import { Dialog } from './dialog.tsx'

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
    return <AskOnce {...on} accountId={account.id} what={what} parts={parts} onDecide={onDecide} />
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

const AskOnce = ({
  accountId,
  what,
  parts,
  onDecide,
  onConfirm,
  onClose,
}: {
  accountId: string
  what: string
  parts: string
  onDecide: (isAlsoThere: boolean) => Promise<void>
  onConfirm: () => void
  onClose: () => void
}) => {
  const decide = async (isAlsoThere: boolean) => {
    onClose()
    await onDecide(isAlsoThere)
    onConfirm()
  }
  const page = `/accounts/${accountId}`
  return (
    <Dialog title={t('confirm.alsoThere')} onClose={onClose}>
      <p>{`${what} ${t('confirm.alsoThereText')}${parts}`.trim()}</p>
      <p>
        {t('confirm.alsoThereSets', { policy: t('policy.whenDeletedHere') })}{' '}
        <a
          href={page}
          onClick={(event) => {
            onClose()
            onLinkClick(event, page)
          }}
        >
          {t('account.page')}
        </a>
      </p>
      <div className="row end">
        <button ref={takesFocus} type="button" className="button" onClick={onClose}>
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

/** Not the link above it; the browser looks for this when the dialog opens. */
const takesFocus = (button: HTMLButtonElement | null): void => button?.setAttribute('autofocus', '')
