import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { ReactNode } from 'react'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/page-text.ts'
import { Dialog } from '#ui/dialog.tsx'
import { Problem } from '#ui/problem.tsx'

/** What both kinds are given: the mailbox, how far it is once begun, and whom to tell. */
export type TransferQuestion = {
  mailbox: Mailbox
  begun: ReactNode
  onBegun: (id: string) => void
  onClose: () => void
}

/** Asks for what an import or a copy needs, and then shows how it goes; it goes on when the dialog is closed. */
export const TransferDialog = ({
  title,
  action,
  isReady,
  begin,
  begun,
  onBegun,
  onClose,
  children,
}: Omit<TransferQuestion, 'mailbox'> & {
  title: string
  action: string
  isReady: boolean
  /** Answers its id. */
  begin: () => Promise<string>
  children: ReactNode
}) => {
  const { isBusy, problem, attempt } = useAttempt()
  return (
    <Dialog title={title} onClose={onClose}>
      {begun || (
        <>
          {children}
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
            disabled={isBusy || !isReady}
            onClick={() => void attempt(async () => onBegun(await begin()))}
          >
            {action}
          </button>
        )}
      </div>
    </Dialog>
  )
}
