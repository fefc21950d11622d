import { Folder, Inbox, Search, Settings } from 'lucide-react'
import { useApp } from '#data/app-state.ts'
import { navigate, onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { focusSearch } from './search-box.tsx'

/** On a phone: the main places within reach of the thumb. */
export const BottomBar = ({
  inboxId,
  currentId,
  isTreeShown,
  onTree,
}: {
  inboxId: string | null
  currentId: string | null
  isTreeShown: boolean
  onTree: () => void
}) => {
  const unread = useApp((state) => (inboxId ? (state.mailboxes[inboxId]?.unreadConversations ?? 0) : 0))
  const inbox = `/mail/${inboxId ?? ''}`
  const search = () => {
    if (isTreeShown) navigate(location.pathname + location.search, { replace: true })
    focusSearch()
  }
  return (
    <nav className="bottom-bar" aria-label={t('bar.label')}>
      <button type="button" aria-expanded={isTreeShown} onClick={onTree}>
        <Folder size={20} aria-hidden />
        {t('mailboxes')}
      </button>
      <a
        href={inbox}
        aria-current={currentId === inboxId && !isTreeShown ? 'page' : undefined}
        onClick={(event) => onLinkClick(event, inbox)}
      >
        <Inbox size={20} aria-hidden />
        {t('bar.inbox')}
        {unread > 0 && <span className="badge">{unread > 99 ? '99+' : unread}</span>}
      </a>
      <button type="button" onClick={search}>
        <Search size={20} aria-hidden />
        {t('bar.search')}
      </button>
      <a href="/settings" onClick={(event) => onLinkClick(event, '/settings')}>
        <Settings size={20} aria-hidden />
        {t('settings')}
      </a>
    </nav>
  )
}
