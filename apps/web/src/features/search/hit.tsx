import type { ThreadRow } from '@postern/shared/messages.ts'
import type { SearchResult } from '@postern/shared/search.ts'
import { useState } from 'react'
import { prefetch, useApp } from '#data/app-state.ts'
import { act, type MailAction, refusalOf, rowAfter } from '#data/commands.ts'
import { expungeIn } from '#data/expunge.ts'
import { listDate, personName } from '#lib/format.ts'
import { nameOf } from '#lib/mailbox-name.ts'
import { onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { ConfirmExpunge } from '#ui/confirm-expunge.tsx'
import { type HoverAction, HoverActions } from '#ui/hover-actions.tsx'

type Props = {
  hit: SearchResult['hits'][number]
  query: string
  isOpen: boolean
  /** The row as it will be, and as it was when that did not happen. */
  onRow: (row: ThreadRow) => void
  /** The server has what was done: what is found, and where, may be another. */
  onDone: () => void
}

/** One found message: where it is, the words marked in subject and text, and what the pointer can do to its conversation. */
export const Hit = ({ hit: { row, messageId, subject, snippet }, query, isOpen, onRow, onDone }: Props) => {
  const [isAsking, setAsking] = useState(false)
  const mailbox = useApp(({ mailboxes }) => mailboxes[row.mailboxId])
  const account = useApp(({ accounts }) =>
    accounts.length > 1 ? accounts.find(({ id }) => id === row.accountId) : null,
  )
  const name = mailbox ? nameOf(mailbox) : ''
  const to = `/search/${row.threadId}?${new URLSearchParams({ q: query, m: messageId })}`
  const perform = (action: MailAction) => {
    onRow(rowAfter(action, row))
    const { mailboxId, threadId } = row
    act(action, mailboxId, { kind: 'threads', mailboxId, threadIds: [threadId] }).then(onDone, () => onRow(row))
  }
  const isForGood = mailbox?.role === 'trash' || mailbox?.role === 'junk'
  const refusal = (action: HoverAction) => {
    if (action === 'archive' && mailbox?.role === 'archive') return t('action.isArchived')
    return mailbox ? refusalOf(mailbox, action) : t('action.refused')
  }
  return (
    <div className="hit-row">
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
          <bdi className="place">{account ? `${name} · ${account.name || account.address}` : name}</bdi>
          <time dateTime={row.latestAt}>{listDate(row.latestAt)}</time>
        </span>
        <span className="subject" dir="auto">
          <span className="title">
            <Marked text={subject || t('view.noSubject')} />
          </span>
        </span>
        <span className="preview" dir="auto">
          <Marked text={snippet} />
        </span>
      </a>
      <HoverActions
        isUnread={row.unread > 0}
        isFlagged={row.isFlagged}
        isForGood={isForGood}
        refusalOf={refusal}
        onAct={(action) => (action === 'trash' && isForGood ? setAsking(true) : perform(action))}
      />
      {isAsking && (
        <ConfirmExpunge
          {...expungeIn(mailbox?.accountId)}
          onConfirm={() => perform('expunge')}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
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
