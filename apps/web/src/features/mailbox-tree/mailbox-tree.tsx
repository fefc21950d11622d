import type { Account } from '@postern/shared/accounts.ts'
import { ChevronRight, FolderPlus, Plus, RefreshCw, SendHorizontal, Settings2, TriangleAlert } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { createPortal } from 'react-dom'
import { useApp } from '#data/app-state.ts'
import { loadPart } from '#data/load-part.ts'
import { askTree, closeTreeWish, type TreeWish, useTreeWish } from '#data/tree-wish.ts'
import { onLinkClick } from '#lib/route.ts'
import { needsPerson } from '#lib/submission-needs.ts'
import { type TextKey, t } from '#lib/text.ts'
import { lateDialog } from '#ui/late-dialog.tsx'
import { Meter } from '#ui/meter.tsx'
import { MailboxLink } from './mailbox-link.tsx'
import { orderTree, unreadIn } from './tree-order.ts'

const MailboxDialog = lateDialog(() => import('./mailbox-dialogs.tsx').then((module) => module.MailboxDialog))

/** As many rows as one looks through; the palette finds the others by name. */
const rowsAtOnce = 300
const remembered = 'folds'

/** Each account with its mailboxes: special ones on top, then the rest by name; counts are unread conversations. */
export const MailboxTree = ({ currentId, isOutbox }: { currentId: string | null; isOutbox: boolean }) => {
  const waiting = useApp((state) => state.outbox.length)
  const isStuck = useApp((state) => state.outbox.some(needsPerson))
  const accounts = useApp((state) => state.accounts)
  // Whoever went elsewhere is not asked again on coming back.
  useEffect(() => closeTreeWish, [])
  return (
    <>
      {accounts.map((account) => (
        <AccountTree key={account.id} account={account} currentId={currentId} />
      ))}
      {(waiting > 0 || isOutbox) && (
        <a
          className="tree-item"
          href="/outbox"
          aria-current={isOutbox ? 'page' : undefined}
          onClick={(event) => onLinkClick(event, '/outbox')}
        >
          <SendHorizontal size={16} className="turns" aria-hidden />
          <span className="name">{t('outbox')}</span>
          {isStuck && <TriangleAlert size={15} className="attention" role="img" aria-label={t('outbox.stuck')} />}
          <span className="count">{waiting > 0 && waiting.toLocaleString()}</span>
        </a>
      )}
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
  const { folds, setFold } = useFolds()
  const [shown, setShown] = useState(rowsAtOnce)
  const wish = useTreeWish(account.id)
  const onWish = (next: TreeWish) => askTree(account.id, next)
  const isKeptHere = account.kind === 'pop3'
  const hasOther = useApp((state) => state.accounts.some(({ kind }) => kind === 'imap'))
  const rows = useMemo(() => orderTree(mailboxes, folds, currentId), [mailboxes, folds, currentId])
  const foldKey = `account${account.id}`
  const isOpen = folds[foldKey] ?? true
  // Where one is stays in sight.
  const inSight = isOpen ? rows : rows.filter(({ mailbox }) => mailbox.id === currentId)
  const section = useRef<HTMLElement>(null)
  const isCalling = account.state === 'needs_person' && mailboxes.some(({ id }) => id === currentId)
  useEffect(() => {
    if (isCalling) section.current?.scrollIntoView({ block: 'nearest' })
  }, [isCalling])
  return (
    <section aria-label={t('tree.account', { address: account.address })} ref={section}>
      <AccountHead
        account={account}
        isOpen={isOpen}
        unread={isOpen ? 0 : unreadIn(rows)}
        onFold={() => setFold(foldKey, !isOpen)}
        onCreate={() => onWish({ kind: 'create', parent: null })}
      />
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
      {inSight.slice(0, shown).map((row) => (
        <MailboxLink
          key={row.mailbox.id}
          row={row}
          isKeptHere={isKeptHere}
          isCurrent={row.mailbox.id === currentId}
          onFold={(isOpen) => setFold(row.mailbox.id, isOpen)}
          onWish={onWish}
          canCopy={isKeptHere && hasOther}
        />
      ))}
      {inSight.length > shown && (
        <button type="button" className="button more" onClick={() => setShown(shown + rowsAtOnce)}>
          {t('tree.more', { n: (inSight.length - shown).toLocaleString() })}
        </button>
      )}
      {/* Where the tree is a drawer the palette asks while it is closed. */}
      {wish &&
        createPortal(
          <MailboxDialog wish={wish} account={account} currentId={currentId} onClose={closeTreeWish} />,
          document.body,
        )}
    </section>
  )
}

const AccountHead = ({
  account,
  isOpen,
  unread,
  onFold,
  onCreate,
}: {
  account: Account
  isOpen: boolean
  /** Of the mailboxes that are folded away. */
  unread: number
  onFold: () => void
  onCreate: () => void
}) => (
  <div className="tree-account">
    <button
      type="button"
      className={isOpen ? 'fold open' : 'fold'}
      aria-expanded={isOpen}
      aria-label={t('tree.account', { address: account.address })}
      onClick={onFold}
    >
      <ChevronRight size={13} className="turns" aria-hidden />
    </button>
    <Health account={account} />
    {account.color && <span className="account-color" style={{ background: account.color }} />}
    <span className="name" dir="auto" title={account.address}>
      {account.name || account.address}
    </span>
    {unread > 0 && <span className="count">{unread.toLocaleString()}</span>}
    <span className="account-actions">
      <button
        type="button"
        className="icon-button"
        aria-label={`${t('tree.new')}: ${account.address}`}
        title={t('tree.new')}
        onClick={onCreate}
      >
        <FolderPlus size={14} aria-hidden />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={`${t('account.sync')}: ${account.address}`}
        title={t('account.sync')}
        onClick={() => void sync(account)}
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
    </span>
  </div>
)

/** Its words come with the click: most look by themselves. */
const sync = async (account: Account): Promise<void> => {
  const { syncNow } = await loadPart(import('#data/look.ts'))
  await syncNow(account)
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
  if (!progress || progress.phase === 'listing' || progress.phase === 'idle') return null
  return (
    <div className="progress">
      <Meter label={account.address} done={progress.done} total={progress.total} />
      {t(`progress.${progress.phase}`, {
        done: progress.done.toLocaleString(),
        total: progress.total.toLocaleString(),
        rate: progress.perSecond.toLocaleString(),
      })}
    </div>
  )
}

/** What the person opened and folded, accounts and mailboxes, remembered on this device. */
const useFolds = () => {
  const [folds, setFolds] = useState(readFolds)
  const setFold = (id: string, isOpen: boolean) => {
    const next = { ...readFolds(), [id]: isOpen }
    setFolds(next)
    const entries = Object.entries(next).map(([key, value]) => `${value ? '+' : '-'}${key}`)
    localStorage.setItem(remembered, entries.slice(-2000).join(','))
  }
  return { folds, setFold }
}

const readFolds = (): Record<string, boolean> => {
  const entries = (localStorage.getItem(remembered) ?? '').split(',').filter(Boolean)
  return Object.fromEntries(entries.map((entry) => [entry.slice(1), entry.startsWith('+')]))
}
