import { Keyboard, Menu as MenuIcon, PenLine, Settings } from 'lucide-react'
import { Suspense, useEffect, useState } from 'react'
import { type AppState, app, setting, useApp } from '#data/app-state.ts'
import { askCompose } from '#data/compose-wish.ts'
import { holdKeys } from '#data/held-keys.ts'
import { useCommands, useKeyboard } from '#data/screen-commands.ts'
import { undoLast } from '#data/undo-list.ts'
import { useTitle } from '#data/use-title.ts'
import { plainSubject } from '#lib/format.ts'
import { nameOf } from '#lib/mailbox-name.ts'
import { goBack, mailAddress, navigate, onLinkClick, type Route } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { useMedia } from '#lib/use-media.ts'
import { BottomBar } from './bottom-bar.tsx'
import { PaneSeparators, usePaneSizes } from './pane-sizes.tsx'
import type { Screens } from './screens.ts'
import { focusSearch, SearchBox } from './search-box.tsx'
import { useArrivals } from './use-arrivals.ts'

const paneClass = { columns: 'columns', bottom: 'bottom', list: 'single' }

type Place = {
  kind: 'mail' | 'search' | 'outbox' | 'deleted' | 'nowhere'
  mailboxId: string | null
  threadId: string | null
  /** Of the outbox: the mail that is read. */
  submissionId: string | null
  listAt: string
}

/** The mail screen: tree, list, reading pane. Which list and which conversation is in the address. */
export const MailScreen = ({ route, screens }: { route: Route; screens: Screens }) => {
  const { MailboxTree, ThreadView, OutboxMail, ShortcutSheet, Palette } = screens
  const newAccount = route.segments.length === 0 ? route.query.get('account') : null
  const inbox = useApp((state) =>
    newAccount === null
      ? (firstInbox(state, state.lastAccountId) ?? firstInbox(state, null))
      : firstInbox(state, newAccount),
  )
  const asked = placeOf(route, inbox)
  const threadId = useApp(({ merged }) => (asked.threadId && merged[asked.threadId]) || asked.threadId)
  const place = { ...asked, threadId }
  const { kind, mailboxId, submissionId, listAt } = place
  const isOpen = threadId !== null || submissionId !== null
  const accountId = useApp(({ mailboxes }) => (mailboxId && mailboxes[mailboxId]?.accountId) || null)
  const query = route.query.get('q') ?? ''
  const isOnline = useApp((state) => state.isOnline)
  const layout = useApp((state) => setting<keyof typeof paneClass>(state, 'layout', 'columns'))
  const isPhone = useMedia('(max-width: 679px)')
  const [sheet, setSheet] = useState<'keys' | 'palette' | null>(null)
  const live = useArrivals()
  const panes = usePaneSizes()
  const isTreeShown = route.hash === 'mailboxes'
  const toggleTree = () => (isTreeShown ? closeDrawer() : navigate(`${withoutHash()}#mailboxes`))
  useTitle(useApp((state) => placeName(place, query, state)))
  const openPalette = () => {
    holdKeys()
    setSheet('palette')
  }
  useKeyboard(openPalette)
  useCommands({
    compose: writeNew,
    help: () => setSheet('keys'),
    undo: undoLast,
    search: focusSearch,
    inbox: () => inbox && navigate(`/mail/${inbox}`),
    ...(isTreeShown ? { back: closeDrawer } : {}),
  })
  useEffect(() => {
    if (accountId) app.set({ lastAccountId: accountId })
  }, [accountId])
  useEffect(() => {
    if (kind === 'mail' && !route.segments[1] && mailboxId) navigate(`/mail/${mailboxId}`, { replace: true })
  }, [kind, mailboxId, route.segments])
  useEffect(() => {
    if (threadId !== asked.threadId) navigate(besides(route, threadId), { replace: true })
  }, [threadId, asked.threadId, route])
  return (
    <div className={isOpen ? 'mail has-thread' : 'mail'}>
      <header className="top">
        <button
          type="button"
          className="icon-button tree-toggle"
          aria-label={t('mailboxes')}
          aria-expanded={isTreeShown}
          onClick={toggleTree}
        >
          <MenuIcon size={18} aria-hidden />
        </button>
        <a className="brand" href="/" aria-label="Postern" onClick={(event) => onLinkClick(event, '/')}>
          <img src="/icon.svg" alt="" width={22} height={22} />
          <span className="word">Postern</span>
        </a>
        <SearchBox query={kind === 'search' ? query : ''} />
        <button
          type="button"
          className="icon-button not-on-phone"
          aria-label={t('keys.title')}
          title={`${t('keys.title')} (?)`}
          onClick={() => setSheet('keys')}
        >
          <Keyboard size={18} aria-hidden />
        </button>
        <a
          className="icon-button not-on-phone"
          href="/settings"
          aria-label={t('settings')}
          title={t('settings')}
          onClick={(event) => onLinkClick(event, '/settings')}
        >
          <Settings size={18} aria-hidden />
        </a>
        <button type="button" className="compose-round" aria-label={t('compose')} onClick={writeNew}>
          <PenLine size={22} aria-hidden />
        </button>
      </header>
      <div role="status">
        {!isOnline && <div className="bar">{t('offline.bar')}</div>}
        <NewVersion />
      </div>
      <main
        className={`panes ${isPhone ? 'phone' : paneClass[layout]}${isOpen ? ' has-thread' : ''}`}
        style={panes.style}
        ref={panes.ref}
      >
        <nav className={isTreeShown ? 'tree shown' : 'tree'} aria-label={t('mailboxes')}>
          <button
            type="button"
            className="button primary compose-button"
            title={`${t('key.compose')} (c)`}
            onClick={writeNew}
          >
            <PenLine size={15} aria-hidden />
            {t('compose')}
          </button>
          <MailboxTree currentId={mailboxId} isOutbox={kind === 'outbox'} />
        </nav>
        {isTreeShown && (
          <button type="button" className="scrim" tabIndex={-1} aria-label={t('close')} onClick={closeDrawer} />
        )}
        <section className="list" aria-label={t('list.label')}>
          <List
            screens={screens}
            place={place}
            query={query}
            isOneLine={!isPhone && layout !== 'columns'}
            isCovered={isPhone || layout === 'list'}
          />
        </section>
        <section className="view" aria-label={t('view.label')}>
          {submissionId ? (
            <Suspense fallback={null}>
              <OutboxMail key={submissionId} submissionId={submissionId} />
            </Suspense>
          ) : (
            <ThreadView
              alsoOpenId={route.query.get('m')}
              threadId={threadId}
              mailboxId={kind === 'mail' ? mailboxId : null}
              backTo={listAt}
              isHidden={kind === 'deleted'}
            />
          )}
        </section>
        <PaneSeparators panes={panes} layout={layout} />
      </main>
      <BottomBar inboxId={inbox} currentId={mailboxId} isTreeShown={isTreeShown} onTree={toggleTree} />
      <div className="sr-only" aria-live="polite">
        {live}
      </div>
      {sheet === 'keys' && <ShortcutSheet onClose={() => setSheet(null)} />}
      {sheet === 'palette' && <Palette onClose={() => setSheet(null)} />}
    </div>
  )
}

const List = ({
  screens: { MessageList, HiddenList, Outbox, SearchResults },
  place: { kind, mailboxId, threadId, submissionId },
  query,
  isOneLine,
  isCovered,
}: {
  screens: Screens
  place: Place
  query: string
  isOneLine: boolean
  isCovered: boolean
}) => {
  if (kind === 'search') return <SearchResults query={query} threadId={threadId} />
  if (kind === 'outbox')
    return (
      <Suspense fallback={null}>
        <Outbox openId={submissionId} />
      </Suspense>
    )
  if (kind === 'nowhere')
    return (
      <div className="empty">
        <p>{t('page.none')}</p>
        <a className="button" href="/" onClick={(event) => onLinkClick(event, '/')}>
          {t('page.home')}
        </a>
      </div>
    )
  if (!mailboxId) return <p className="empty">{t('list.noMailboxes')}</p>
  if (kind === 'mail')
    return (
      <MessageList
        key={mailboxId}
        mailboxId={mailboxId}
        threadId={threadId}
        isOneLine={isOneLine}
        isCovered={isCovered}
      />
    )
  return (
    <Suspense fallback={null}>
      <HiddenList key={mailboxId} mailboxId={mailboxId} threadId={threadId} />
    </Suspense>
  )
}

const placeOf = ({ segments, query }: Route, inbox: string | null): Place => {
  if (segments[0] === 'search')
    return {
      kind: 'search',
      mailboxId: null,
      threadId: segments[1] ?? null,
      submissionId: null,
      listAt: `/search?${new URLSearchParams({ q: query.get('q') ?? '' })}`,
    }
  if (segments[0] === 'outbox' && segments.length <= 2)
    return { kind: 'outbox', mailboxId: null, threadId: null, submissionId: segments[1] ?? null, listAt: '/outbox' }
  const [first = 'mail', ...ids] = segments
  const isKnown =
    (first === 'mail' || first === 'deleted') && ids.length <= 2 && ids.every((id) => /^[1-9]\d*$/.test(id))
  const none = { threadId: null, submissionId: null }
  if (!isKnown) return { kind: 'nowhere', mailboxId: null, ...none, listAt: '/' }
  const kind = first === 'deleted' ? 'deleted' : 'mail'
  const mailboxId = segments[1] ?? inbox
  const listAt = kind === 'mail' ? mailAddress(mailboxId ?? '', query.get('filter') ?? 'all') : `/deleted/${mailboxId}`
  return { kind, mailboxId, ...none, threadId: segments[2] ?? null, listAt }
}

/** The address with another conversation in its place. */
const besides = ({ segments }: Route, threadId: string | null): string =>
  `/${[...segments.slice(0, -1), threadId].join('/')}${location.search}${location.hash}`

const writeNew = (): void => askCompose({ kind: 'new' })

const withoutHash = (): string => location.pathname + location.search
const closeDrawer = (): void => goBack(withoutHash())

/** Of one account, whose inbox is waited for, or of the first that has something to show. */
const firstInbox = (state: AppState, accountId: string | null): string | null => {
  for (const account of state.accounts) {
    if (accountId !== null && account.id !== accountId) continue
    const own = Object.values(state.mailboxes).filter((mailbox) => mailbox.accountId === account.id)
    const inbox =
      own.find(({ role }) => role === 'inbox') ?? (accountId === null && own.find(({ isSelectable }) => isSelectable))
    if (inbox) return inbox.id
  }
  return null
}

const NewVersion = () => {
  const isThere = useApp((state) => state.hasNewVersion)
  if (!isThere) return null
  return (
    <div className="bar row">
      <span>{t('version.new')}</span>
      <button type="button" className="button" onClick={() => location.reload()}>
        {t('version.reload')}
      </button>
      <button type="button" className="button" onClick={() => app.set({ hasNewVersion: false })}>
        {t('close')}
      </button>
    </div>
  )
}

/** What is on the screen, in few words: a conversation that is on its way goes by its list. */
const placeName = ({ kind, mailboxId, threadId, submissionId }: Place, query: string, state: AppState): string => {
  const subject = threadId === null ? undefined : state.threads[threadId]?.[0]?.subject
  if (subject !== undefined) return plainSubject(subject) || t('view.noSubject')
  if (kind === 'search') return query.trim() === '' ? t('bar.search') : `${query.trim()} – ${t('bar.search')}`
  if (kind === 'outbox') return state.outbox.find(({ id }) => id === submissionId)?.subject || t('outbox')
  if (kind === 'deleted') return t('hidden.title')
  if (kind === 'nowhere') return t('page.none')
  const mailbox = mailboxId === null ? undefined : state.mailboxes[mailboxId]
  return mailbox ? nameOf(mailbox) : t('bar.inbox')
}
