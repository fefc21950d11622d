import type { SearchResult } from '@postern/shared/search.ts'
import { useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { prefetch, useApp } from '#data/app-state.ts'
import { useCommands } from '#data/screen-commands.ts'
import { listDate, personName } from '#lib/format.ts'
import { goBack, onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'

/** What was found, newest first, in all mailboxes and accounts: how many, where, and the words marked. */
export const SearchResults = ({ query, threadId }: { query: string; threadId: string | null }) => {
  const [result, setResult] = useState<SearchResult | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const mailboxes = useApp((state) => state.mailboxes)
  useEffect(() => {
    if (query.trim() === '') return
    const stop = new AbortController()
    call('search', 'GET', '/v1/search', { query: { q: query }, signal: stop.signal }).then(
      (found) => {
        setResult(found)
        setProblem(null)
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setProblem(error instanceof Error ? error.message : '')
      },
    )
    return () => stop.abort()
  }, [query])
  useCommands({
    next: () => focusHit(1),
    previous: () => focusHit(-1),
    ...(threadId === null ? {} : { back: () => goBack(`/search?${new URLSearchParams({ q: query })}`) }),
  })
  const more = async () => {
    if (!result?.next) return
    const page = await call('search', 'GET', '/v1/search', { query: { q: query, after: result.next } })
    setResult({ ...page, hits: [...result.hits, ...page.hits] })
  }
  if (problem !== null)
    return (
      <p className="empty" role="alert">
        {problem}
      </p>
    )
  if (!result) return <p className="empty">…</p>
  return (
    <>
      <div className="list-head">
        <h1 aria-live="polite">
          {t(result.count.isExact ? 'search.count' : 'search.atLeast', { n: result.count.messages.toLocaleString() })}
        </h1>
        {result.notIndexed > 0 && (
          <p className="muted" style={{ margin: 0, width: '100%' }}>
            {t('search.notIndexed', { n: result.notIndexed.toLocaleString() })}
          </p>
        )}
      </div>
      <div className="list-scroll">
        {result.hits.length === 0 && <p className="empty">{t('search.none', { q: query })}</p>}
        {result.hits.map(({ row, messageId, snippet }) => {
          const to = `/search/${row.threadId}?${new URLSearchParams({ q: query, m: messageId })}`
          return (
            <a
              key={messageId}
              href={to}
              className={`thread hit three${row.unread > 0 ? ' unread' : ''}${row.threadId === threadId ? ' open' : ''}`}
              onClick={(event) => onLinkClick(event, to)}
              onPointerEnter={() => prefetch(row.threadId, messageId)}
            >
              <span />
              <span className="who">
                <bdi>{row.senders.map(personName).join(', ')}</bdi>
              </span>
              <span className="meta">
                <bdi>{mailboxes[row.mailboxId]?.name}</bdi>
                <time dateTime={row.latestAt}>{listDate(row.latestAt)}</time>
              </span>
              <span className="subject" dir="auto">
                <span className="title">{row.subject || t('view.noSubject')}</span>
              </span>
              <span className="preview" dir="auto">
                <Marked text={snippet} />
              </span>
            </a>
          )
        })}
        {result.next && (
          <p className="empty">
            <button type="button" className="button" onClick={() => void more()}>
              …
            </button>
          </p>
        )}
      </div>
    </>
  )
}

/** The next found mail gets the focus; Enter opens it as every link. */
const focusHit = (step: number): void => {
  const hits = [...document.querySelectorAll<HTMLElement>('.list a.hit')]
  const at = hits.findIndex((hit) => hit.matches(':focus'))
  const open = hits.findIndex((hit) => hit.classList.contains('open'))
  hits[Math.max(0, Math.min(hits.length - 1, (at < 0 ? open : at) + step))]?.focus()
}

/** Found words stand between two private characters; they become marks, everything else stays text. */
const Marked = ({ text }: { text: string }) => (
  <>
    {text.split(/(\ue000[^\ue001]*\ue001)/).map((piece, index) =>
      // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a snippet never change places
      piece.startsWith('\ue000') ? <mark key={index}>{piece.slice(1, -1)}</mark> : piece,
    )}
  </>
)
