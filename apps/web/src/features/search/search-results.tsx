import type { SearchResult } from '@postern/shared/search.ts'
import { useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { prefetch, useApp } from '#data/app-state.ts'
import { useCommands } from '#data/screen-commands.ts'
import { useAnswer } from '#data/use-answer.ts'
import { listDate, personName } from '#lib/format.ts'
import { goBack, onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { ListState, useSlow } from '#ui/list-state.tsx'

const refreshAfterMs = 2000

/** What was found, newest first, in all mailboxes and accounts: how many, where, and the words marked. */
export const SearchResults = ({ query, threadId }: { query: string; threadId: string | null }) => {
  const words = query.trim()
  const ask = (signal: AbortSignal) => call('search', 'GET', '/v1/search', { query: { q: words }, signal })
  const { value: result, status, reload, set } = useAnswer(words === '' ? null : words, ask)
  const [isLoadingMore, setLoadingMore] = useState(false)
  const isSlow = useSlow(status === 'loading' && result !== null)
  useRefresh(reload, result !== null && result.hits.length <= 50)
  useCommands({
    next: () => focusHit(1),
    previous: () => focusHit(-1),
    ...(threadId === null ? {} : { back: () => goBack(`/search?${new URLSearchParams({ q: query })}`) }),
  })
  if (words === '') return <div className="empty">{t('search.type')}</div>
  const more = async (after: string, { hits }: SearchResult) => {
    setLoadingMore(true)
    try {
      const page = await call('search', 'GET', '/v1/search', { query: { q: words, after } })
      set({ ...page, hits: [...hits, ...page.hits] })
    } finally {
      setLoadingMore(false)
    }
  }
  return (
    <>
      <div className="list-head">
        <h1 aria-live="polite">
          {result &&
            t(result.count.isExact ? 'search.count' : 'search.atLeast', {
              n: result.count.messages.toLocaleString(),
            })}
        </h1>
        {isSlow && <span className="muted">{t('search.searching')}</span>}
        {result && result.notIndexed > 0 && (
          <p className="muted" style={{ margin: 0, width: '100%' }}>
            {t('search.notIndexed', { n: result.notIndexed.toLocaleString() })}
          </p>
        )}
      </div>
      <div className="list-scroll">
        <ListState
          status={status}
          isEmpty={!result || result.hits.length === 0}
          empty={t('search.none', { q: words })}
          failed={t('search.failed')}
          lines={12}
          onRetry={reload}
        />
        {result?.hits.map((hit) => (
          <Hit key={hit.messageId} hit={hit} query={query} isOpen={hit.row.threadId === threadId} />
        ))}
        {result?.next !== undefined && (
          <p className="empty">
            <button
              type="button"
              className="button"
              disabled={isLoadingMore}
              onClick={() => void more(result.next ?? '', result)}
            >
              {t(isLoadingMore ? 'list.loading' : 'search.more')}
            </button>
          </p>
        )}
      </div>
    </>
  )
}

/** Mail that comes or goes shows here too, a little later, as long as only the first page is open. */
const useRefresh = (reload: () => void, isFirstPage: boolean): void => {
  const mailboxes = useApp((state) => state.mailboxes)
  const [seen, setSeen] = useState(mailboxes)
  useEffect(() => {
    if (!isFirstPage || mailboxes === seen) return
    const timer = setTimeout(() => {
      setSeen(mailboxes)
      reload()
    }, refreshAfterMs)
    return () => clearTimeout(timer)
  }, [mailboxes, seen, reload, isFirstPage])
}

const Hit = ({
  hit: { row, messageId, snippet },
  query,
  isOpen,
}: {
  hit: SearchResult['hits'][number]
  query: string
  isOpen: boolean
}) => {
  const place = useApp(({ mailboxes, accounts }) => {
    const mailbox = mailboxes[row.mailboxId]
    const account = accounts.find(({ id }) => id === row.accountId)
    const name = mailbox?.role === 'inbox' ? t('bar.inbox') : (mailbox?.name ?? '')
    return accounts.length > 1 && account ? `${name} · ${account.name || account.address}` : name
  })
  const to = `/search/${row.threadId}?${new URLSearchParams({ q: query, m: messageId })}`
  return (
    <a
      href={to}
      className={`thread hit three${row.unread > 0 ? ' unread' : ''}${isOpen ? ' open' : ''}`}
      aria-current={isOpen || undefined}
      onClick={(event) => onLinkClick(event, to)}
      onPointerEnter={() => prefetch(row.threadId, messageId)}
    >
      <span />
      <span className="who">
        {row.unread > 0 && <span className="sr-only">{t('filter.unread')}: </span>}
        <bdi>{row.senders.map(personName).join(', ')}</bdi>
      </span>
      <span className="meta">
        <bdi className="place">{place}</bdi>
        <time dateTime={row.latestAt}>{listDate(row.latestAt)}</time>
      </span>
      <span className="subject" dir="auto">
        <span className="title">
          <Marked text={withMarks(row.subject, query) || t('view.noSubject')} />
        </span>
      </span>
      <span className="preview" dir="auto">
        <Marked text={snippet} />
      </span>
    </a>
  )
}

/** The next found mail gets the focus; Enter opens it as every link. */
const focusHit = (step: number): void => {
  const hits = [...document.querySelectorAll<HTMLElement>('.list a.hit')]
  const at = hits.findIndex((hit) => hit.matches(':focus'))
  const open = hits.findIndex((hit) => hit.classList.contains('open'))
  hits[Math.max(0, Math.min(hits.length - 1, (at < 0 ? open : at) + step))]?.focus()
}

/** The server marks what it found in texts; in subjects words that begin as typed are marked here. */
const withMarks = (subject: string, query: string): string => {
  const words = query.match(/[\p{L}\p{N}]+/gu)
  if (!words) return subject
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.join('|')})[\\p{L}\\p{N}]*`, 'giu')
  return subject.replace(pattern, (found) => `\ue000${found}\ue001`)
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
