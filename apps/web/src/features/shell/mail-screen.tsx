import { Keyboard, Menu as MenuIcon, Search, Settings } from 'lucide-react'
import { type CSSProperties, type PointerEvent, useEffect, useRef, useState } from 'react'
import { app, setting, useApp } from '#data/app-state.ts'
import { arrivals } from '#data/apply-change.ts'
import { personName } from '#lib/format.ts'
import { navigate, onLinkClick, type Route } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import type { Screens } from './screens.ts'

/** The mail screen: tree, list, reading pane. Which list and which conversation is in the address. */
export const MailScreen = ({ route, screens }: { route: Route; screens: Screens }) => {
  const { MailboxTree, MessageList, ThreadView, SearchResults, ShortcutSheet } = screens
  const isSearch = route.segments[0] === 'search'
  const mailboxId = useApp((state) => (isSearch ? null : (route.segments[1] ?? firstInbox(state))))
  const threadId = (isSearch ? route.segments[1] : route.segments[2]) ?? null
  const isOnline = useApp((state) => state.isOnline)
  const theme = useApp((state) => setting(state, 'theme', 'system'))
  const [isTreeShown, setTreeShown] = useState(false)
  const [isSheetShown, setSheetShown] = useState(false)
  const live = useArrivals()
  useTheme(theme)
  useTitle()
  useEffect(() => {
    if (!isSearch && !route.segments[1] && mailboxId) navigate(`/mail/${mailboxId}`, { replace: true })
  }, [isSearch, mailboxId, route.segments])
  useEffect(() => {
    const show = () => setSheetShown(true)
    addEventListener('postern:shortcuts', show)
    return () => removeEventListener('postern:shortcuts', show)
  }, [])
  const widths = useWidths()
  return (
    <div className="mail">
      <header className="top">
        <button
          type="button"
          className="icon-button tree-toggle"
          aria-label={t('mailboxes')}
          aria-expanded={isTreeShown}
          onClick={() => setTreeShown(!isTreeShown)}
        >
          <MenuIcon size={18} aria-hidden />
        </button>
        <a className="brand" href="/" aria-label="Postern" onClick={(event) => onLinkClick(event, '/')}>
          <img src="/icon.svg" alt="" width={22} height={22} />
          <span className="word">Postern</span>
        </a>
        <SearchBox query={isSearch ? (route.query.get('q') ?? '') : ''} />
        <button
          type="button"
          className="icon-button"
          aria-label={t('keys.title')}
          title={`${t('keys.title')} (?)`}
          onClick={() => setSheetShown(true)}
        >
          <Keyboard size={18} aria-hidden />
        </button>
        <a
          className="icon-button"
          href="/settings"
          aria-label={t('settings')}
          title={t('settings')}
          onClick={(event) => onLinkClick(event, '/settings')}
        >
          <Settings size={18} aria-hidden />
        </a>
      </header>
      <div>{!isOnline && <div className="bar">{t('offline.bar')}</div>}</div>
      <main className={threadId ? 'panes has-thread' : 'panes'} style={widths.style} ref={widths.ref}>
        <nav
          className={isTreeShown ? 'tree shown' : 'tree'}
          aria-label={t('mailboxes')}
          onClickCapture={() => setTreeShown(false)}
        >
          <MailboxTree currentId={mailboxId} />
          <Divider onDrag={(x) => widths.set('tree', x)} label={t('mailboxes')} />
        </nav>
        <section className="list" aria-label={t('list.label')}>
          {isSearch ? (
            <SearchResults query={route.query.get('q') ?? ''} threadId={threadId} />
          ) : (
            mailboxId && <MessageList key={mailboxId} mailboxId={mailboxId} threadId={threadId} />
          )}
          <Divider onDrag={(x) => widths.set('list', x)} label={t('list.label')} />
        </section>
        <section className="view" aria-label={t('view.label')}>
          <ThreadView
            alsoOpenId={route.query.get('m')}
            threadId={threadId}
            mailboxId={mailboxId}
            backTo={isSearch ? `/search?${route.query}` : `/mail/${mailboxId}`}
          />
        </section>
      </main>
      <div className="sr-only" aria-live="polite">
        {live}
      </div>
      {isSheetShown && <ShortcutSheet onClose={() => setSheetShown(false)} />}
    </div>
  )
}

const firstInbox = (state: ReturnType<typeof app.get>): string | null => {
  for (const account of state.accounts) {
    const own = Object.values(state.mailboxes).filter((mailbox) => mailbox.accountId === account.id)
    const inbox = own.find(({ role }) => role === 'inbox') ?? own.find(({ isSelectable }) => isSelectable)
    if (inbox) return inbox.id
  }
  return null
}

const SearchBox = ({ query }: { query: string }) => {
  const [text, setText] = useState(query)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => setText(query), [query])
  const go = (value: string) => {
    clearTimeout(timer.current)
    if (value.trim() !== '')
      navigate(`/search?${new URLSearchParams({ q: value })}`, { replace: location.pathname.startsWith('/search') })
  }
  return (
    <form
      className="search"
      onSubmit={(event) => {
        event.preventDefault()
        go(text)
      }}
    >
      <Search size={16} aria-hidden />
      <input
        id="search"
        type="search"
        className="input"
        aria-label={t('search')}
        placeholder={t('search')}
        value={text}
        onChange={(event) => {
          const { value } = event.target
          setText(value)
          clearTimeout(timer.current)
          timer.current = setTimeout(() => go(value), 200)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur()
        }}
      />
    </form>
  )
}

const Divider = ({ onDrag, label }: { onDrag: (x: number) => void; label: string }) => {
  const start = (event: PointerEvent<HTMLButtonElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId)
  }
  const move = (event: PointerEvent<HTMLButtonElement>) => {
    if (event.currentTarget.hasPointerCapture(event.pointerId)) onDrag(event.clientX)
  }
  return (
    <button
      type="button"
      className="divider"
      tabIndex={-1}
      aria-hidden
      title={label}
      onPointerDown={start}
      onPointerMove={move}
    />
  )
}

/** Widths of the panes, remembered on this device. */
const useWidths = () => {
  const ref = useRef<HTMLElement>(null)
  const [widths, setWidths] = useState<{ tree: number; list: number }>(() => {
    const [tree = 220, list = 440] = (localStorage.getItem('widths') ?? '')
      .split(',')
      .map(Number)
      .filter((n) => n > 0)
    return { tree, list }
  })
  const set = (which: 'tree' | 'list', x: number) => {
    const box = ref.current?.getBoundingClientRect()
    if (!box) return
    const fromStart = getComputedStyle(document.documentElement).direction === 'rtl' ? box.right - x : x - box.left
    const next =
      which === 'tree'
        ? { ...widths, tree: Math.min(400, Math.max(150, fromStart)) }
        : { ...widths, list: Math.min(800, Math.max(280, fromStart - widths.tree)) }
    setWidths(next)
    localStorage.setItem('widths', `${next.tree},${next.list}`)
  }
  // Custom properties are not part of React's own style type.
  const style = { '--tree-width': `${widths.tree}px`, '--list-width': `${widths.list}px` } as CSSProperties
  return { ref, style, set }
}

const useTheme = (theme: string): void => {
  useEffect(() => {
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
    else delete document.documentElement.dataset.theme
  }, [theme])
}

/** Unread conversations of the inboxes, in the tab's title. */
const useTitle = (): void => {
  const unread = useApp((state) =>
    Object.values(state.mailboxes).reduce(
      (sum, mailbox) => sum + (mailbox.role === 'inbox' ? mailbox.unreadConversations : 0),
      0,
    ),
  )
  useEffect(() => {
    document.title = unread > 0 ? `(${unread.toLocaleString()}) Postern` : 'Postern'
  }, [unread])
}

/** Says new mail aloud for screen readers, and counts it for lists that are scrolled away. */
const useArrivals = (): string => {
  const [text, setText] = useState('')
  useEffect(() => {
    arrivals.listener = (mailboxId, threadIds) => {
      app.set((state) => ({
        arrived: { ...state.arrived, [mailboxId]: [...(state.arrived[mailboxId] ?? []), ...threadIds].slice(-200) },
      }))
      const rows =
        app.get().lists[`${mailboxId}:all`]?.rows.filter((row) => row && threadIds.includes(row.threadId)) ?? []
      const row = rows[0]
      const sender = row?.senders.at(-1)
      if (row && sender) setText(t('live.new', { name: personName(sender), subject: row.subject }))
    }
    return () => {
      arrivals.listener = () => undefined
    }
  }, [])
  return text
}
