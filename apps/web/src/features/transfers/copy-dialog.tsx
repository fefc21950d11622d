import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { type ReactNode, useState } from 'react'
import { useApp } from '#data/app-state.ts'
import { startUpload } from '#data/transfers.ts'
import { t } from '#lib/page-text.ts'
import { Dialog } from '#ui/dialog.tsx'

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
  const [problem, setProblem] = useState('')
  const start = async () => {
    try {
      onBegun(await startUpload(mailbox, target))
    } catch (error) {
      setProblem(error instanceof Error ? error.message : '')
    }
  }
  return (
    <Dialog title={t('copy.title', { name: mailbox.path })} onClose={onClose}>
      {begun ? (
        begun
      ) : (
        <>
          <p>{t('copy.text')}</p>
          {accounts.length === 0 ? (
            <p className="muted">{t('copy.none')}</p>
          ) : (
            <label className="field">
              <span>{t('copy.target')}</span>
              <select className="input" value={target} onChange={(event) => setTarget(event.target.value)}>
                <option value="">–</option>
                {accounts.map((account) => (
                  <optgroup key={account.id} label={account.address}>
                    {mailboxes
                      .filter(({ accountId }) => accountId === account.id)
                      .sort((a, b) => a.path.localeCompare(b.path))
                      .map(({ id, path }) => (
                        <option key={id} value={id}>
                          {path}
                        </option>
                      ))}
                  </optgroup>
                ))}
              </select>
            </label>
          )}
          {problem && (
            <p className="notice bad" role="alert">
              {problem}
            </p>
          )}
        </>
      )}
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {begun ? t('close') : t('cancel')}
        </button>
        {!begun && (
          <button type="button" className="button primary" disabled={target === ''} onClick={() => void start()}>
            {t('copy.start')}
          </button>
        )}
      </div>
    </Dialog>
  )
}
