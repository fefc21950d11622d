import type { Account } from '@postern/shared/accounts.ts'
import { useState } from 'react'
import { useApp } from '#data/app-state.ts'
import { askTransfer } from '#data/transfers.ts'
import { t } from '#lib/page-text.ts'

/** Mail out of files into a mailbox of this account, and out of one that is kept here to another account. */
export const TransferCard = ({ account }: { account: Account }) => {
  const mailboxes = useApp((state) =>
    Object.values(state.mailboxes).filter(({ accountId, isSelectable }) => accountId === account.id && isSelectable),
  )
  const [chosenId, setChosenId] = useState('')
  const sorted = mailboxes.toSorted((a, b) => a.path.localeCompare(b.path))
  const mailbox = sorted.find(({ id }) => id === chosenId) ?? sorted.find(({ role }) => role === 'inbox') ?? sorted[0]
  if (!mailbox) return null
  return (
    <section className="card" aria-label={t('transfer.title')}>
      <h2>{t('transfer.title')}</h2>
      <label className="field">
        <span>{t('transfer.mailbox')}</span>
        <select className="input" value={mailbox.id} onChange={(event) => setChosenId(event.target.value)}>
          {sorted.map(({ id, path }) => (
            <option key={id} value={id}>
              {path}
            </option>
          ))}
        </select>
      </label>
      <div className="row">
        <button
          type="button"
          className="button"
          disabled={!mailbox.rights.insert}
          title={mailbox.rights.insert ? undefined : t('table.readOnly')}
          onClick={() => askTransfer({ kind: 'import', mailbox })}
        >
          {t('import.menu')}
        </button>
        {account.kind === 'pop3' && (
          <button type="button" className="button" onClick={() => askTransfer({ kind: 'upload', mailbox })}>
            {t('copy.menu')}
          </button>
        )}
      </div>
    </section>
  )
}
