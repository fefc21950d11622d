import type { Account } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import {
  Archive,
  CircleAlert,
  FileText,
  Folder,
  Inbox,
  Plus,
  RefreshCw,
  Send,
  Settings2,
  Star,
  Trash2,
} from 'lucide-react'
import { useState } from 'react'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { act } from '#data/commands.ts'
import { onLinkClick } from '#lib/route.ts'
import { type TextKey, t } from '#lib/text.ts'

const order = ['inbox', 'drafts', 'sent', 'archive', 'flagged', 'all', 'junk', 'trash']
const icons = {
  inbox: Inbox,
  drafts: FileText,
  sent: Send,
  archive: Archive,
  flagged: Star,
  all: Archive,
  junk: CircleAlert,
  trash: Trash2,
}

/** Each account with its mailboxes: special ones on top, then the rest by name; counts are unread conversations. */
export const MailboxTree = ({ currentId }: { currentId: string | null }) => {
  const accounts = useApp((state) => state.accounts)
  return (
    <>
      {accounts.map((account) => (
        <AccountTree key={account.id} account={account} currentId={currentId} />
      ))}
      <a className="tree-item muted" href="/accounts/new" onClick={(event) => onLinkClick(event, '/accounts/new')}>
        <Plus size={16} aria-hidden />
        <span className="name">{t('account.add')}</span>
      </a>
    </>
  )
}

const AccountTree = ({ account, currentId }: { account: Account; currentId: string | null }) => {
  const mailboxes = useApp((state) =>
    Object.values(state.mailboxes).filter((mailbox) => mailbox.accountId === account.id),
  )
  const sorted = sortTree(mailboxes)
  return (
    <section aria-label={account.address}>
      <div className="tree-account">
        <Health account={account} />
        {account.color && <span className="account-color" style={{ background: account.color }} />}
        <span className="name" dir="auto" title={account.address}>
          {account.name || account.address}
        </span>
        <button
          type="button"
          className="icon-button"
          aria-label={`${t('account.sync')}: ${account.address}`}
          title={t('account.sync')}
          onClick={() => void call('syncAccount', 'POST', `/v1/accounts/${account.id}/sync`)}
        >
          <RefreshCw size={14} aria-hidden />
        </button>
        <a
          className="icon-button"
          href={`/accounts/${account.id}`}
          aria-label={`${t('account.page')}: ${account.address}`}
          title={t('account.page')}
          onClick={(event) => onLinkClick(event, `/accounts/${account.id}`)}
        >
          <Settings2 size={14} aria-hidden />
        </a>
      </div>
      {account.problem && (
        <a
          className="notice bad"
          style={{ display: 'block', color: 'inherit' }}
          href={`/accounts/${account.id}`}
          onClick={(event) => onLinkClick(event, `/accounts/${account.id}`)}
        >
          {account.problem.message}
        </a>
      )}
      <Progress account={account} />
      {sorted.map(({ mailbox, depth }) => (
        <MailboxLink key={mailbox.id} mailbox={mailbox} depth={depth} isCurrent={mailbox.id === currentId} />
      ))}
    </section>
  )
}

const Health = ({ account }: { account: Account }) => {
  const kind =
    account.state === 'watching'
      ? 'good'
      : account.state === 'needs_person' || account.problem
        ? 'bad'
        : account.state === 'syncing' || account.state === 'connecting'
          ? 'busy'
          : ''
  const text = t(`state.${account.state}` as TextKey) // every state has its text
  return <span className={`dot ${kind}`} role="img" aria-label={text} title={account.problem?.message ?? text} />
}

const Progress = ({ account }: { account: Account }) => {
  const { progress } = account
  if (!progress || (progress.phase !== 'envelopes' && progress.phase !== 'bodies')) return null
  const share = progress.total > 0 ? progress.done / progress.total : 0
  return (
    <div className="progress">
      <div
        className="meter"
        role="progressbar"
        aria-label={account.address}
        aria-valuemin={0}
        aria-valuemax={progress.total}
        aria-valuenow={progress.done}
      >
        <div style={{ width: `${Math.round(share * 100)}%` }} />
      </div>
      {t(`progress.${progress.phase}`, {
        done: progress.done.toLocaleString(),
        total: progress.total.toLocaleString(),
        rate: progress.perSecond.toLocaleString(),
      })}
    </div>
  )
}

const sortTree = (mailboxes: Mailbox[]): { mailbox: Mailbox; depth: number }[] => {
  const rank = ({ role }: Mailbox) => (role === null ? order.length : order.indexOf(role))
  const special = mailboxes.filter(({ role }) => role !== null).sort((a, b) => rank(a) - rank(b))
  const rest = mailboxes.filter(({ role }) => role === null)
  const ids = new Set(rest.map(({ id }) => id))
  const walk = (parentId: string | null, depth: number): { mailbox: Mailbox; depth: number }[] =>
    rest
      .filter((mailbox) =>
        parentId === null ? mailbox.parentId === null || !ids.has(mailbox.parentId) : mailbox.parentId === parentId,
      )
      .sort((a, b) => a.name.localeCompare(b.name))
      .flatMap((mailbox) => [{ mailbox, depth }, ...walk(mailbox.id, depth + 1)])
  return [...special.map((mailbox) => ({ mailbox, depth: 0 })), ...walk(null, 0)]
}

/** Drafts show how many there are, spam shows nothing, all others their unread conversations. */
const countOf = (mailbox: Mailbox): number => {
  if (mailbox.role === 'junk' || mailbox.role === 'trash') return 0
  return mailbox.role === 'drafts' ? mailbox.conversations : mailbox.unreadConversations
}

const MailboxLink = ({ mailbox, depth, isCurrent }: { mailbox: Mailbox; depth: number; isCurrent: boolean }) => {
  const [isOver, setOver] = useState(false)
  const Icon = mailbox.role ? icons[mailbox.role] : Folder
  const count = countOf(mailbox)
  const to = `/mail/${mailbox.id}`
  const name = mailbox.role === 'inbox' ? 'Inbox' : mailbox.name
  if (!mailbox.isSelectable)
    return (
      <span className="tree-item muted" style={{ paddingInlineStart: 8 + depth * 14 }}>
        <Folder size={16} aria-hidden />
        <span className="name" dir="auto">
          {name}
        </span>
      </span>
    )
  return (
    <a
      className={`tree-item${count > 0 && mailbox.role !== 'drafts' ? ' unread' : ''}${isOver ? ' drop' : ''}`}
      style={{ paddingInlineStart: 8 + depth * 14 }}
      href={to}
      aria-current={isCurrent ? 'page' : undefined}
      onClick={(event) => onLinkClick(event, to)}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes('application/x-postern-threads')) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false)
        const dragged = JSON.parse(event.dataTransfer.getData('application/x-postern-threads') || 'null') as {
          mailboxId: string
          threadIds: string[]
        } | null // put there by the list
        if (!dragged || dragged.mailboxId === mailbox.id) return
        event.preventDefault()
        act({ moveTo: mailbox }, dragged.mailboxId, {
          kind: 'threads',
          mailboxId: dragged.mailboxId,
          threadIds: dragged.threadIds,
        })
      }}
    >
      <Icon size={16} aria-hidden />
      <span className="name" dir="auto">
        {name}
      </span>
      {count > 0 && <span className="count">{count.toLocaleString()}</span>}
    </a>
  )
}
