import { useApp } from '#data/app-state.ts'
import { loadOutbox } from '#data/outbox.ts'
import { useAnswer } from '#data/use-answer.ts'
import { t } from '#lib/composer-text.ts'
import { ListState } from '#ui/list-state.tsx'
import { OutboxItem } from './outbox-item.tsx'

/** What is on its way out, waits for its time, or needs somebody. */
export const Outbox = ({ openId }: { openId: string | null }) => {
  const { status, reload } = useAnswer('outbox', loadOutbox)
  const list = useApp((state) => state.outbox)
  return (
    <>
      <div className="list-head">
        <h1>
          {t('outbox')} <span className="muted">{list.length > 0 && list.length.toLocaleString()}</span>
        </h1>
      </div>
      <div className="list-scroll">
        <ListState
          status={status}
          isEmpty={list.length === 0}
          empty={t('outbox.empty')}
          failed={t('list.failed')}
          lines={4}
          onRetry={reload}
        />
        <ul className="outbox" aria-label={t('outbox')}>
          {list.map((submission) => (
            <OutboxItem key={submission.id} submission={submission} isOpen={submission.id === openId} />
          ))}
        </ul>
      </div>
    </>
  )
}
