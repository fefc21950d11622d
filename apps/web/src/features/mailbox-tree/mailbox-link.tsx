import type { MailboxRole } from '@postern/shared/mailboxes.ts'
import {
  Archive,
  ChevronRight,
  CircleAlert,
  Ellipsis,
  FileText,
  Folder,
  Inbox,
  type LucideIcon,
  Send,
  Star,
  Trash2,
} from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { act } from '#data/commands.ts'
import { type Dragged, getDragged } from '#data/drag.ts'
import type { TreeWish } from '#data/tree-wish.ts'
import { nameOf } from '#lib/mailbox-name.ts'
import { onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { Menu } from '#ui/menu.tsx'
import { actionsOf } from './mailbox-menu.tsx'
import { countOf, type TreeRow } from './tree-order.ts'

const icons: Record<MailboxRole, LucideIcon> = {
  inbox: Inbox,
  drafts: FileText,
  sent: Send,
  archive: Archive,
  flagged: Star,
  all: Archive,
  junk: CircleAlert,
  trash: Trash2,
}

/** One mailbox: opened by a click, filled by dropping conversations of the same account on it. */
export const MailboxLink = ({
  row,
  isKeptHere,
  isCurrent,
  onFold,
  onWish,
  canCopy,
}: {
  row: TreeRow
  /** Nothing goes for good with its mailbox. */
  isKeptHere: boolean
  isCurrent: boolean
  onFold: (isOpen: boolean) => void
  onWish: (wish: TreeWish) => void
  canCopy: boolean
}) => {
  const [isOver, setOver] = useState(false)
  const { mailbox, depth } = row
  const Icon = mailbox.role ? icons[mailbox.role] : Folder
  const count = countOf(row)
  const name = (row.above ? `${nameOf(row.above)}/` : '') + nameOf(mailbox)
  const fold = row.hasChildren && (
    <button
      type="button"
      className={row.isOpen ? 'fold open' : 'fold'}
      style={{ insetInlineStart: depth * 14 - 4 }}
      aria-expanded={row.isOpen}
      aria-label={t('tree.below', { name })}
      onClick={() => onFold(!row.isOpen)}
    >
      <ChevronRight size={13} className="turns" aria-hidden />
    </button>
  )
  const style = { paddingInlineStart: 10 + depth * 14 }
  const actions = actionsOf(mailbox, { onWish, isTrashed: row.isTrashed && !isKeptHere, canCopy })
  const menu = actions.length > 0 && (
    <Menu label={t('tree.actions', { name })} icon={<Ellipsis size={15} aria-hidden />} items={actions} />
  )
  if (!mailbox.isSelectable)
    return (
      <MenuRow hasMenu={menu !== false}>
        <span className="tree-item muted" style={style} title={mailbox.path}>
          <Folder size={16} aria-hidden />
          <span className="name" dir="auto">
            {name}
          </span>
          {count > 0 && <span className="count">{count.toLocaleString()}</span>}
        </span>
        {fold}
        {menu}
      </MenuRow>
    )
  const to = `/mail/${mailbox.id}`
  const taken = (): Dragged | null => {
    const dragged = getDragged()
    const isWelcome = mailbox.rights.insert && dragged?.accountId === mailbox.accountId
    return isWelcome && dragged.mailboxId !== mailbox.id ? dragged : null
  }
  return (
    <MenuRow hasMenu={menu !== false}>
      <a
        className={`tree-item${count > 0 && mailbox.role !== 'drafts' ? ' unread' : ''}${isOver ? ' drop' : ''}${mailbox.isSynced ? '' : ' muted'}`}
        style={style}
        href={to}
        aria-current={isCurrent ? 'page' : undefined}
        title={mailbox.isSynced ? mailbox.path : t('list.excluded')}
        onClick={(event) => onLinkClick(event, to)}
        onDragOver={(event) => {
          if (!taken()) return
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          setOver(false)
          const dragged = taken()
          if (!dragged) return
          event.preventDefault()
          const { mailboxId, threadIds } = dragged
          act({ moveTo: mailbox }, mailboxId, { kind: 'threads', mailboxId, threadIds })
        }}
      >
        <Icon size={16} aria-hidden />
        <span className="name" dir="auto">
          {name}
        </span>
        {count > 0 && <span className="count">{count.toLocaleString()}</span>}
      </a>
      {fold}
      {menu}
    </MenuRow>
  )
}

/** A click with the other button opens the menu, where there is one. */
const MenuRow = ({ hasMenu, children }: { hasMenu: boolean; children: ReactNode }) => (
  // biome-ignore lint/a11y/noStaticElementInteractions: the same menu has a button
  <div
    className={hasMenu ? 'tree-row with-menu' : 'tree-row'}
    onContextMenu={(event) => {
      const button = event.currentTarget.querySelector<HTMLButtonElement>(':scope > .menu > button')
      if (!button) return
      event.preventDefault()
      button.click()
    }}
  >
    {children}
  </div>
)
