import { useEffect, useState } from 'react'
import { closeQuestion, dismissTransfers, isOver, useTransfers } from '#data/transfers.ts'
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
  const ended = others.flatMap(({ transfer }) => (isOver(transfer) ? [transfer.id] : []))
  const given = {
    onBegun: setInDialog,
    // Its end was looked at: there is no need to see it once more.
    onClose: () => {
      closeQuestion()
      if (shown) void dismissTransfers([shown.transfer.id])
    },
    begun: shown && <TransferView shown={shown} isInDialog />,
  }
  return (
    <>
      {question?.kind === 'import' && <ImportDialog mailbox={question.mailbox} {...given} />}
      {question?.kind === 'upload' && <CopyDialog mailbox={question.mailbox} {...given} />}
      {others.length > 0 && (
        <section className="transfers" aria-label={t('transfers')}>
          {ended.length > 1 && (
            <button type="button" className="button" onClick={() => void dismissTransfers(ended)}>
              {t('transfers.closeAll', { n: ended.length.toLocaleString() })}
            </button>
          )}
          {others.map((other) => (
            <TransferView key={other.transfer.id} shown={other} />
          ))}
        </section>
      )}
    </>
  )
}
