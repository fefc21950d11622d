import type { Account } from '@postern/shared/accounts.ts'
import { useEffect, useState } from 'react'
import { useApp } from '#data/app-state.ts'
import { askTransfer, resumeTransfers } from '#data/transfers.ts'
import { pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/page-text.ts'
import { Choice } from '#ui/field.tsx'

/** Mail out of files into a mailbox of this account, and out of one that is kept here to another account. */
export const TransferCard = ({ account }: { account: Account }) => {
  const mailboxes = useApp((state) =>
    Object.values(state.mailboxes).filter(({ accountId, isSelectable }) => accountId === account.id && isSelectable),
  )
  const [chosenId, setChosenId] = useState('')
  useEffect(() => {
    resumeTransfers().catch(() => undefined)
  }, [])
  const sorted = mailboxes.toSorted((a, b) => a.path.localeCompare(b.path))
  const mailbox = sorted.find(({ id }) => id === chosenId) ?? sorted.find(({ role }) => role === 'inbox') ?? sorted[0]
  if (!mailbox) return null
  return (
    <section className="card" aria-label={t('transfer.title')}>
      <h2>{t('transfer.title')}</h2>
      <Choice
        label={t('transfer.mailbox')}
        value={mailbox.id}
        options={sorted.map((one) => ({ value: one.id, label: pathOf(one) }))}
        onChange={setChosenId}
      />
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
            {t('tree.copy')}
          </button>
        )}
      </div>
    </section>
  )
}
