import type { ThreadRow } from '@postern/shared/messages.ts'
import type { SearchResult } from '@postern/shared/search.ts'
import { useEffect, useRef, useState } from 'react'
import { ApiError, call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { useCommands } from '#data/screen-commands.ts'
import { useAnswer } from '#data/use-answer.ts'
import { goBack } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { ListState, useSlow } from '#ui/list-state.tsx'
import { Hit } from './hit.tsx'

const refreshAfterMs = 2000
/** Words that are read from mail meanwhile tell nobody: looked for again, more rarely as long as nothing comes of it. */
const rarestRefreshMs = 30_000

/** `found` is null when the words hold nothing to look for. */
type Answer = { words: string; found: SearchResult | null }

/** What was found, newest first, in all mailboxes and accounts: how many, where, and the words marked. */
export const SearchResults = ({ query, threadId }: { query: string; threadId: string | null }) => {
  const words = query.trim()
  const ask = async (signal: AbortSignal): Promise<Answer> => {
    const found = await call('search', 'GET', '/v1/search', { query: { q: words }, signal }).catch(whenNoWord)
    return { words, found }
  }
  const { value: answer, status, reload, set } = useAnswer(words === '' ? null : words, ask)
  // What was found before stays in sight until there is an answer, but not beside the news that there is none.
  const isOld = answer?.words !== words && (status === 'failed' || status === 'offline')
  const result = isOld ? null : (answer?.found ?? null)
  const change = (make: (found: SearchResult) => SearchResult) =>
    set((old) => (old?.words === words && old.found ? { words, found: make(old.found) } : old))
  const showRow = (row: ThreadRow) => {
    const isSame = (other: ThreadRow) => other.threadId === row.threadId && other.mailboxId === row.mailboxId
    change((found) => ({ ...found, hits: found.hits.map((hit) => (isSame(hit.row) ? { ...hit, row } : hit)) }))
  }
  const [isLoadingMore, setLoadingMore] = useState(false)
  const isSlow = useSlow(status === 'loading' && result !== null)
  const isFirstPage = result !== null && result.hits.length <= 50
  useRefresh(reload, isFirstPage)
  useLateWords(reload, answer, isFirstPage ? result.notIndexed : 0)
  useCommands({
    next: () => focusHit(1),
    previous: () => focusHit(-1),
    ...(threadId === null ? {} : { back: () => goBack(`/search?${new URLSearchParams({ q: query })}`) }),
  })
  if (words === '') return <div className="empty">{t('search.type')}</div>
  const more = async (after: string) => {
    setLoadingMore(true)
    try {
      const page = await call('search', 'GET', '/v1/search', { query: { q: words, after } })
      change(({ hits }) => ({ ...page, hits: [...hits, ...page.hits] }))
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
          empty={answer?.found === null ? t('search.noWord') : nothingFor(words)}
          failed={t('search.failed')}
          lines={12}
          onRetry={reload}
        />
        {result?.hits.map((hit) => (
          <Hit
            key={hit.messageId}
            hit={hit}
            query={query}
            isOpen={hit.row.threadId === threadId}
            onRow={showRow}
            onDone={reload}
          />
        ))}
        {result?.next !== undefined && (
          <p className="empty">
            <button
              type="button"
              className="button"
              disabled={isLoadingMore}
              onClick={() => void more(result.next ?? '')}
            >
              {t(isLoadingMore ? 'list.loading' : 'search.more')}
            </button>
          </p>
        )}
      </div>
    </>
  )
}

/** Whoever writes `from:` or the like learns that it means nothing here. */
const nothingFor = (words: string): string => {
  const none = t('search.none', { q: words })
  return /(^|\s)\p{L}+:/u.test(words) ? `${none} ${t('search.noOperators')}` : none
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

/** Mail that is not read yet may be found once it is. */
const useLateWords = (reload: () => void, answer: Answer | null, notIndexed: number): void => {
  const last = useRef({ notIndexed: 0, waitMs: refreshAfterMs })
  useEffect(() => {
    if (!answer || notIndexed === 0) return
    const isStuck = last.current.notIndexed === notIndexed
    const waitMs = isStuck ? Math.min(rarestRefreshMs, last.current.waitMs * 1.5) : refreshAfterMs
    last.current = { notIndexed, waitMs }
    const timer = setTimeout(reload, waitMs)
    return () => clearTimeout(timer)
  }, [answer, notIndexed, reload])
}

/** The next found mail gets the focus; Enter opens it as every link. */
const focusHit = (step: number): void => {
  const hits = [...document.querySelectorAll<HTMLElement>('.list a.hit')]
  const at = hits.findIndex((hit) => hit.matches(':focus'))
  const open = hits.findIndex((hit) => hit.classList.contains('open'))
  hits[Math.max(0, Math.min(hits.length - 1, (at < 0 ? open : at) + step))]?.focus()
}

/** What the server finds no word in is answered, too: by nothing. */
const whenNoWord = (error: unknown): null => {
  if (error instanceof ApiError && error.code === 'request.invalid') return null
  throw error
}
