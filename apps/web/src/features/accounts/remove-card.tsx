import type { Account } from '@postern/shared/accounts.ts'
import type { Submission } from '@postern/shared/submissions.ts'
import { useState } from 'react'
import { loadAccounts } from '#data/account-tree.ts'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { t } from '#lib/page-text.ts'
import { navigate } from '#lib/route.ts'
import { Dialog } from '#ui/dialog.tsx'
import { onlyHereText } from './only-here.ts'

/** Disconnecting keeps what is here; erasing does not, and of a POP3 account that may be all there is. */
export const RemoveCard = ({ account }: { account: Account }) => {
  const [isAsking, setAsking] = useState(false)
  const remove = async (mode: 'disconnect' | 'erase') => {
    // What goes wrong is told on the page, which lies under the question.
    setAsking(false)
    await call('removeAccount', 'DELETE', `/v1/accounts/${account.id}`, { query: { mode } })
    const address = account.address
    showToast({ kind: 'done', text: t(mode === 'erase' ? 'remove.erased' : 'remove.disconnected', { address }) })
    await loadAccounts()
    navigate('/', { replace: true })
  }
  return (
    <section className="card" aria-label={t('remove')}>
      <h2>{t('remove.title')}</h2>
      <p>{t(account.kind === 'pop3' ? 'remove.textPop3' : 'remove.text')}</p>
      <button type="button" className="button danger" onClick={() => setAsking(true)}>
        {t('remove.ask')}
      </button>
      {isAsking && (
        <RemoveDialog account={account} onRemove={(mode) => void remove(mode)} onClose={() => setAsking(false)} />
      )}
    </section>
  )
}

const RemoveDialog = ({
  account: { id, kind, address },
  onRemove,
  onClose,
}: {
  account: Account
  onRemove: (mode: 'disconnect' | 'erase') => void
  onClose: () => void
}) => {
  const isPop3 = kind === 'pop3'
  const outbox = useApp((state) => state.outbox).filter(({ accountId }) => accountId === id)
  const [hasLater, hasDue] = [outbox.some(isLater), !outbox.every(isLater)]
  // The same mails that a change to IMAP would have to bring to the provider.
  const { value: onlyHere, status } = useAnswer(isPop3 ? id : null, (signal) =>
    call('planSwitch', 'GET', `/v1/accounts/${id}/switch`, { signal }),
  )
  return (
    <Dialog title={t('remove.askTitle', { address })} onClose={onClose}>
      <p>
        <strong>{t('remove.disconnect')}</strong> {t('remove.disconnectText')}
        {hasDue && ` ${t('remove.outbox')}`}
        {hasLater && ` ${t('remove.later')}`}
      </p>
      <p>
        <strong>{t('remove.erase')}</strong> {t('remove.eraseText')}
        {(hasDue || hasLater) && ` ${t('remove.eraseOutbox')}`}
      </p>
      {isPop3 && (
        <p className={onlyHere?.mails === 0 ? 'notice' : 'notice warn'} role="status">
          {onlyHere ? onlyHereText(onlyHere) : t(status === 'loading' ? 'remove.counting' : 'remove.erasePop3')}
        </p>
      )}
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {t('cancel')}
        </button>
        <button type="button" className="button" onClick={() => onRemove('disconnect')}>
          {t('remove.disconnect')}
        </button>
        <button
          type="button"
          className="button danger"
          disabled={isPop3 && status === 'loading'}
          onClick={() => onRemove('erase')}
        >
          {t('remove.erase')}
        </button>
      </div>
    </Dialog>
  )
}

const isLater = ({ state, sendAt }: Submission): boolean => state === 'scheduled' && sendAt !== null
