import { useEffect, useState } from 'react'
import { closeQuestion, useTransfers } from '#data/transfers.ts'
import { t } from '#lib/page-text.ts'
import { CopyDialog } from './copy-dialog.tsx'
import { ImportDialog } from './import-dialog.tsx'
import { TransferView } from './transfer-view.tsx'

/** What is asked before mail is brought in, and how far it is, over whatever page is open. */
export const Transfers = () => {
  const question = useTransfers((state) => state.question)
  const list = useTransfers((state) => state.list)
  /** The one that the open dialog shows. */
  const [inDialog, setInDialog] = useState<string | null>(null)
  useEffect(() => {
    if (!question) setInDialog(null)
  }, [question])
  const shown = list.find(({ transfer }) => transfer.id === inDialog)
  const others = list.filter((other) => other !== shown)
  const given = {
    onBegun: setInDialog,
    onClose: closeQuestion,
    begun: shown && <TransferView shown={shown} isInDialog />,
  }
  return (
    <>
      {question?.kind === 'import' && <ImportDialog mailbox={question.mailbox} {...given} />}
      {question?.kind === 'upload' && <CopyDialog mailbox={question.mailbox} {...given} />}
      {others.length > 0 && (
        <section className="transfers" aria-label={t('transfers')}>
          {others.map((other) => (
            <TransferView key={other.transfer.id} shown={other} />
          ))}
        </section>
      )}
    </>
  )
}
