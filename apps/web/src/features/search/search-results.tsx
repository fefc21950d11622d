import type { SearchResult } from '@postern/shared/search.ts'
import { useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { prefetch, useApp } from '#data/app-state.ts'
import { listDate, personName } from '#lib/format.ts'
import { onLinkClick } from '#lib/route.ts'
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
              className={`thread${row.unread > 0 ? ' unread' : ''}${row.threadId === threadId ? ' open' : ''}`}
              style={{ position: 'relative', color: 'inherit', textDecoration: 'none' }}
              onClick={(event) => onLinkClick(event, to)}
              onPointerEnter={() => prefetch(row.threadId, messageId)}
            >
              <span />
              <span className="who">{row.senders.map(personName).join(', ')}</span>
              <span className="meta">
                <span>{mailboxes[row.mailboxId]?.name}</span>
                <time dateTime={row.latestAt}>{listDate(row.latestAt)}</time>
              </span>
              <span className="subject" style={{ gridColumn: '2 / span 2' }}>
                <span className="title">{row.subject || t('view.noSubject')}</span>
              </span>
              <span className="preview" style={{ gridColumn: '2 / span 2' }}>
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

/** Found words stand between two private characters; they become marks, everything else stays text. */
const Marked = ({ text }: { text: string }) => (
  <>
    {text.split(/(\ue000[^\ue001]*\ue001)/).map((piece, index) =>
      // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a snippet never change places
      piece.startsWith('\ue000') ? <mark key={index}>{piece.slice(1, -1)}</mark> : piece,
    )}
  </>
)
