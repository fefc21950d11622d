import type { ThreadRow } from '@postern/shared/messages.ts'
import { ArrowLeft } from 'lucide-react'
import { useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { act, refusalOf } from '#data/commands.ts'
import { useCommands } from '#data/screen-commands.ts'
import { listDate, personName } from '#lib/format.ts'
import { goBack, onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'

const shownAtMost = 200

/** What other programs marked deleted in a mailbox: hidden from its list, still at the server, one click from being back. */
export const HiddenList = ({ mailboxId, threadId }: { mailboxId: string; threadId: string | null }) => {
  const mailbox = useApp((state) => state.mailboxes[mailboxId])
  const [rows, setRows] = useState<ThreadRow[] | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    // Counts change when something is hidden or comes back; an undo shows here as well.
    if (!mailbox) return
    const stop = new AbortController()
    call('listHiddenMessages', 'GET', `/v1/mailboxes/${mailbox.id}/deleted`, {
      query: { limit: shownAtMost },
      signal: stop.signal,
    }).then(
      (list) => setRows(list.rows),
      (error: unknown) => {
        if (!stop.signal.aborted) setProblem(error instanceof Error ? error.message : '')
      },
    )
    return () => stop.abort()
  }, [mailbox])
  useCommands({ back: () => goBack(threadId === null ? `/mail/${mailboxId}` : `/deleted/${mailboxId}`) })
  if (!mailbox) return null
  const restore = (row: ThreadRow) => {
    setRows((old) => old?.filter(({ threadId: id }) => id !== row.threadId) ?? null)
    act('restore', mailboxId, { kind: 'threads', mailboxId, threadIds: [row.threadId] })
    if (threadId === row.threadId) goBack(`/deleted/${mailboxId}`)
  }
  const name = mailbox.role === 'inbox' ? 'Inbox' : mailbox.name
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
        {problem !== null && (
          <p className="empty" role="alert">
            {problem}
          </p>
        )}
        {rows && <p className="list-note muted">{rows.length === 0 ? t('hidden.none') : t('hidden.text', { name })}</p>}
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
