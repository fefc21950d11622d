import type { Account } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import {
  Archive,
  Ban,
  CheckCheck,
  EllipsisVertical,
  EyeOff,
  FolderInput,
  Inbox,
  ListChecks,
  Lock,
  Mail as MailClosed,
  MailOpen,
  Star,
  StarOff,
  Trash2,
  X,
} from 'lucide-react'
import type { ReactNode } from 'react'
import { type Filter, useApp } from '#data/app-state.ts'
import { type MailAction, refusalOf } from '#data/commands.ts'
import { useMoveItems } from '#data/move-items.ts'
import { nameOf, pathOf } from '#lib/mailbox-name.ts'
import { navigate } from '#lib/route.ts'
import { count, t } from '#lib/text.ts'
import { Menu } from '#ui/menu.tsx'

type Props = {
  mailbox: Mailbox
  /** Null while nothing is known of it. */
  total: number | null
  /** False while a filtered list is longer than what is known of it. */
  isCounted: boolean
  filter: Filter
  marked: number | 'everything'
  onFilter: (filter: Filter) => void
  onAct: (action: MailAction) => void
  onReadAll: () => void
  onSelectAll: () => void
  /** Deletes everything for good, after asking; null where that is not offered. */
  onEmpty: (() => void) | null
  onEverything: () => void
  onClear: () => void
}
export const filters: Filter[] = ['all', 'unread', 'flagged', 'attachments']

/** Name, count and filters; with a selection, what can be done to it. */
export const ListHead = (props: Props) => {
  const { mailbox, marked } = props
  const isAtServer = useApp(({ accounts }) => accounts.find(({ id }) => id === mailbox.accountId)?.kind === 'imap')
  const whose = useApp(({ accounts }) => (accounts.length > 1 ? whoseOf(accounts, mailbox) : ''))
  if (marked !== 0) return <BulkBar {...props} />
  const name = nameOf(mailbox)
  const cannotEmpty = mailbox.messages === 0 || refusalOf(mailbox, 'expunge') !== null
  return (
    <div className="list-head">
      <h1>
        <span className="title">
          <bdi title={pathOf(mailbox)}>{name}</bdi>{' '}
          <span className="muted">
            {props.total !== null && (props.isCounted ? props.total : props.total - 1).toLocaleString()}
            {!props.isCounted && '+'}
          </span>
        </span>
        {whose && (
          <bdi className="whose" title={whose}>
            {whose}
          </bdi>
        )}
      </h1>
      {!mailbox.rights.remove && !mailbox.rights.insert && (
        <span role="img" className="muted" aria-label={t('list.readOnly')} title={t('list.readOnly')}>
          <Lock size={15} aria-hidden />
        </span>
      )}
      <fieldset className="filters" style={{ border: 0, margin: 0, padding: 0 }}>
        <legend className="sr-only">{t('list.label')}</legend>
        {filters.map((filter) => (
          <button
            type="button"
            key={filter}
            aria-pressed={props.filter === filter}
            onClick={() => props.onFilter(filter)}
          >
            {t(`filter.${filter}`)}
          </button>
        ))}
      </fieldset>
      {props.onEmpty && (
        <button
          type="button"
          className="icon-button wide-only"
          aria-label={t('list.emptyNow', { name })}
          title={t('list.emptyNow', { name })}
          disabled={cannotEmpty}
          onClick={props.onEmpty}
        >
          <Trash2 size={17} aria-hidden />
        </button>
      )}
      <Menu
        label={t('list.more')}
        icon={<EllipsisVertical size={17} aria-hidden />}
        items={[
          {
            label: t('action.readAll'),
            icon: <CheckCheck size={15} aria-hidden />,
            isDisabled: mailbox.unreadMessages === 0 || refusalOf(mailbox, 'read') !== null,
            onSelect: props.onReadAll,
          },
          {
            label: t('select.shown'),
            icon: <ListChecks size={15} aria-hidden />,
            isDisabled: !props.total,
            onSelect: props.onSelectAll,
          },
          ...(props.onEmpty
            ? [
                {
                  label: t('list.emptyNow', { name }),
                  icon: <Trash2 size={15} aria-hidden />,
                  isDisabled: cannotEmpty,
                  onSelect: props.onEmpty,
                },
              ]
            : []),
          // What is kept here no other program can mark.
          ...(isAtServer
            ? [
                {
                  label: t('hidden.title'),
                  icon: <EyeOff size={15} aria-hidden />,
                  onSelect: () => navigate(`/deleted/${mailbox.id}`),
                },
              ]
            : []),
        ]}
      />
    </div>
  )
}

const whoseOf = (accounts: Account[], { accountId }: Mailbox): string => {
  const account = accounts.find(({ id }) => id === accountId)
  return account?.name || account?.address || ''
}

const BulkBar = ({ mailbox, marked, total, filter, onAct, onEverything, onClear }: Props) => {
  const moveItems = useMoveItems(mailbox, (moveTo) => onAct({ moveTo }))
  const all = (total ?? 0).toLocaleString()
  const isSpam = mailbox.role === 'junk'
  const button = (action: Extract<MailAction, string>, icon: ReactNode, label: string, width = '') => {
    const refusal = refusalOf(mailbox, action)
    return (
      <button
        type="button"
        className={`icon-button ${width}`}
        key={action}
        aria-label={label}
        title={refusal ?? label}
        disabled={refusal !== null}
        onClick={() => onAct(action)}
      >
        {icon}
      </button>
    )
  }
  const refusal = refusalOf(mailbox, 'archive')
  const canTakeAll = marked !== 'everything' && marked < (total ?? 0) && filter === 'all'
  return (
    <div className="list-head" role="toolbar" aria-label={t('list.label')}>
      <button
        type="button"
        className="icon-button"
        aria-label={t('select.none')}
        title={t('select.none')}
        onClick={onClear}
      >
        <X size={17} aria-hidden />
      </button>
      <h1 aria-live="polite">
        {marked === 'everything' ? t('select.everything', { n: all }) : count('selected', marked)}
      </h1>
      {canTakeAll && (
        <button type="button" className="button select-all" title={t('select.all')} onClick={onEverything}>
          {t('select.allOf', { n: all })}
        </button>
      )}
      {mailbox.role !== 'archive' &&
        mailbox.role !== 'all' &&
        button('archive', <Archive size={17} aria-hidden />, t('action.archive'))}
      {isSpam
        ? button('notJunk', <Inbox size={17} aria-hidden />, t('action.notJunk'))
        : button('junk', <Ban size={17} aria-hidden />, t('action.junk'))}
      {button(
        'trash',
        <Trash2 size={17} aria-hidden />,
        mailbox.role === 'trash' || isSpam ? t('action.expunge') : t('action.trash'),
      )}
      {button('read', <MailOpen size={17} aria-hidden />, t('action.read'), 'wide-only')}
      <Menu
        label={t('action.move')}
        title={refusal ?? t('action.move')}
        isDisabled={refusal !== null}
        icon={<FolderInput size={17} aria-hidden />}
        hasFilter
        items={moveItems}
      />
      <Menu
        label={t('select.more')}
        icon={<EllipsisVertical size={17} aria-hidden />}
        items={[
          ...(canTakeAll
            ? [{ label: t('select.all'), icon: <ListChecks size={15} aria-hidden />, onSelect: onEverything }]
            : []),
          ...more.map(([action, icon]) => ({
            label: t(`action.${action}`),
            icon,
            isDisabled: refusalOf(mailbox, action) !== null,
            onSelect: () => onAct(action),
          })),
        ]}
      />
    </div>
  )
}

const more = [
  ['read', <MailOpen key="read" size={15} aria-hidden />],
  ['unread', <MailClosed key="unread" size={15} aria-hidden />],
  ['star', <Star key="star" size={15} aria-hidden />],
  ['unstar', <StarOff key="unstar" size={15} aria-hidden />],
] as const
