import type { ListExit } from '@postern/shared/reports.ts'
import { useState } from 'react'
import { call, explain } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { t } from '#lib/text.ts'
import { Dialog } from '#ui/dialog.tsx'

/** Off the list that a mail came by: how is asked first, and shown before anything happens. */
export const LeaveList = ({ messageId, isLeft }: { messageId: string; isLeft: boolean }) => {
  const [exit, setExit] = useState<ListExit | null>(null)
  const [isBusy, setBusy] = useState(false)
  if (isLeft) return null
  const at = `/v1/messages/${messageId}/unsubscribe`
  const during = async (work: () => Promise<unknown>) => {
    setBusy(true)
    try {
      await work()
    } catch (error) {
      showToast({ kind: 'problem', text: `${t('list.leaveFailed')} ${explain(error)}` })
    } finally {
      setBusy(false)
    }
  }
  const ask = () => during(async () => setExit(await call('getListExit', 'GET', at)))
  const leave = (kind: 'oneClick' | 'mail', target: string) => {
    setExit(null)
    void during(() => call('leaveList', 'POST', at, { body: { kind, target } }))
  }
  return (
    <>
      <button type="button" className="button leave-list" disabled={isBusy} onClick={() => void ask()}>
        {t('list.leave')}
      </button>
      {exit && <Confirmation exit={exit} onLeave={leave} onClose={() => setExit(null)} />}
    </>
  )
}

const Confirmation = ({
  exit,
  onLeave,
  onClose,
}: {
  exit: ListExit
  onLeave: (kind: 'oneClick' | 'mail', target: string) => void
  onClose: () => void
}) => (
  <Dialog title={t('list.leaveTitle')} onClose={onClose}>
    <p>
      {exit.kind === 'oneClick' && t('list.leaveOnce', { host: exit.host })}
      {exit.kind === 'mail' && t('list.leaveByMail', { from: exit.from, to: exit.to })}
      {exit.kind === 'link' && t('list.leaveByLink', { host: exit.host })}
    </p>
    <div className="row end">
      <button type="button" className="button" onClick={onClose}>
        {t('cancel')}
      </button>
      {exit.kind === 'link' ? (
        <a className="button" href={exit.url} target="_blank" rel="noopener noreferrer" onClick={onClose}>
          {t('list.openPage')}
        </a>
      ) : (
        <button
          type="button"
          className="button danger"
          onClick={() => onLeave(exit.kind, exit.kind === 'mail' ? exit.to : exit.host)}
        >
          {t('list.leave')}
        </button>
      )}
    </div>
  </Dialog>
)
