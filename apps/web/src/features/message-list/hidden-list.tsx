import type { ThreadRow } from '@postern/shared/messages.ts'
import { ArrowLeft } from 'lucide-react'
import { useEffect } from 'react'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { act, refusalOf } from '#data/commands.ts'
import { useCommands } from '#data/screen-commands.ts'
import { useAnswer } from '#data/use-answer.ts'
import { listDate, personName } from '#lib/format.ts'
import { nameOf } from '#lib/mailbox-name.ts'
import { goBack, onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { ListState } from '#ui/list-state.tsx'

const shownAtMost = 200

/** What other programs marked deleted in a mailbox: hidden from its list, still at the server, one click from being back. */
export const HiddenList = ({ mailboxId, threadId }: { mailboxId: string; threadId: string | null }) => {
  const mailbox = useApp((state) => state.mailboxes[mailboxId])
  const ask = (signal: AbortSignal) =>
    call('listHiddenMessages', 'GET', `/v1/mailboxes/${mailboxId}/deleted`, { query: { limit: shownAtMost }, signal })
  const { value, status, reload, set } = useAnswer(mailboxId, ask)
  const rows = value?.rows
  useEffect(() => {
    // Counts change when something is hidden or comes back; an undo shows here as well.
    if (mailbox) reload()
  }, [mailbox, reload])
  useCommands({ back: () => goBack(threadId === null ? `/mail/${mailboxId}` : `/deleted/${mailboxId}`) })
  if (!mailbox) return null
  const restore = (row: ThreadRow) => {
    if (!value) return
    set({ ...value, rows: value.rows.filter(({ threadId: id }) => id !== row.threadId) })
    act('restore', mailboxId, { kind: 'threads', mailboxId, threadIds: [row.threadId] }).catch(() => set(value))
    if (threadId === row.threadId) goBack(`/deleted/${mailboxId}`)
  }
  const name = nameOf(mailbox)
  const refusal = refusalOf(mailbox, 'restore')
  return (
    <>
      <div className="list-head">
        <a
          className="icon-button"
          href={`/mail/${mailboxId}`}
          aria-label={t('back')}
          title={t('back')}
          onClick={(event) => onLinkClick(event, `/mail/${mailboxId}`)}
        >
          <ArrowLeft size={17} className="turns" aria-hidden />
        </a>
        <h1>{t('hidden.title')}</h1>
      </div>
      <div className="list-scroll">
        <ListState status={status} isEmpty={!rows?.length} empty={t('hidden.none')} onRetry={reload} />
        {rows && rows.length > 0 && <p className="list-note muted">{t('hidden.text', { name })}</p>}
        <ul className="plain-list" aria-label={t('hidden.title')}>
          {rows?.map((row) => {
            const to = `/deleted/${mailboxId}/${row.threadId}`
            return (
              <li key={row.threadId} className={`hidden-row${row.threadId === threadId ? ' open' : ''}`}>
                <a href={to} onClick={(event) => onLinkClick(event, to)}>
                  <span className="row">
                    <bdi className="grow">{row.senders.map(personName).join(', ')}</bdi>
                    <time className="muted" dateTime={row.latestAt}>
                      {listDate(row.latestAt)}
                    </time>
                  </span>
                  <span dir="auto">{row.subject || t('view.noSubject')}</span>
                </a>
                <button
                  type="button"
                  className="button"
                  disabled={refusal !== null}
                  title={refusal ?? undefined}
                  onClick={() => restore(row)}
                >
                  {t('hidden.restore')}
                </button>
              </li>
            )
          })}
        </ul>
      </div>
    </>
  )
}
