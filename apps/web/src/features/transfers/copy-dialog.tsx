import { useId, useState } from 'react'
import { useApp } from '#data/app-state.ts'
import { startUpload } from '#data/transfers.ts'
import { pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/page-text.ts'
import { TransferDialog, type TransferQuestion } from './transfer-dialog.tsx'

/** Asks where the mail of a mailbox that is kept here shall be copied to. */
export const CopyDialog = ({ mailbox, ...given }: TransferQuestion) => {
  const accounts = useApp((state) => state.accounts.filter(({ kind }) => kind === 'imap'))
  const mailboxes = useApp((state) => Object.values(state.mailboxes).filter(({ rights }) => rights.insert))
  const [target, setTarget] = useState('')
  const id = useId()
  return (
    <TransferDialog
      {...given}
      title={t('copy.title', { name: pathOf(mailbox) })}
      action={t('copy.start')}
      isReady={target !== ''}
      begin={() => startUpload(mailbox, target)}
    >
      <p>{t('copy.text')}</p>
      {accounts.length === 0 ? (
        <p className="muted">{t('copy.none')}</p>
      ) : (
        <div className="field">
          <label htmlFor={id}>{t('copy.target')}</label>
          <select id={id} className="input" value={target} onChange={(event) => setTarget(event.target.value)}>
            <option value="">–</option>
            {accounts.map((account) => (
              <optgroup key={account.id} label={account.address}>
                {mailboxes
                  .filter(({ accountId }) => accountId === account.id)
                  .sort((a, b) => a.path.localeCompare(b.path))
                  .map((one) => (
                    <option key={one.id} value={one.id}>
                      {pathOf(one)}
                    </option>
                  ))}
              </optgroup>
            ))}
          </select>
        </div>
      )}
    </TransferDialog>
  )
}
