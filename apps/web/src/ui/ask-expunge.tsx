import { onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { Dialog } from './dialog.tsx'

/** Of a POP3 account that keeps everything at the provider: what becomes of it there, asked once. */
export const AskExpunge = ({
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
