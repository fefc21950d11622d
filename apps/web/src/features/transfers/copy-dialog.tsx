import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { type ReactNode, useId, useState } from 'react'
import { useApp } from '#data/app-state.ts'
import { startUpload } from '#data/transfers.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/page-text.ts'
import { Dialog } from '#ui/dialog.tsx'
import { Problem } from '#ui/problem.tsx'

/** Asks where the mail of a mailbox that is kept here shall be copied to. */
export const CopyDialog = ({
  mailbox,
  begun,
  onBegun,
  onClose,
}: {
  mailbox: Mailbox
  begun: ReactNode
  onBegun: (id: string) => void
  onClose: () => void
}) => {
  const accounts = useApp((state) => state.accounts.filter(({ kind }) => kind === 'imap'))
  const mailboxes = useApp((state) => Object.values(state.mailboxes).filter(({ rights }) => rights.insert))
  const [target, setTarget] = useState('')
  const { isBusy, problem, attempt } = useAttempt()
  const start = () => attempt(async () => onBegun(await startUpload(mailbox, target)))
  const id = useId()
  return (
    <Dialog title={t('copy.title', { name: pathOf(mailbox) })} onClose={onClose}>
      {begun ? (
        begun
      ) : (
        <>
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
          <Problem problem={problem} />
        </>
      )}
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {begun ? t('close') : t('cancel')}
        </button>
        {!begun && (
          <button
            type="button"
            className="button primary"
            disabled={isBusy || target === ''}
            onClick={() => void start()}
          >
            {t('copy.start')}
          </button>
        )}
      </div>
    </Dialog>
  )
}
