import type { ThreadRow } from '@postern/shared/messages.ts'
import { CloudDownload, Paperclip, Reply, Star } from 'lucide-react'
import type { DragEvent, MouseEvent } from 'react'
import type { MailAction } from '#data/commands.ts'
import { listDate, personName } from '#lib/format.ts'
import { t } from '#lib/text.ts'
import { HoverActions } from '#ui/hover-actions.tsx'
import { type SwipeActions, useSwipe } from './use-swipe.ts'

type Props = {
  row: ThreadRow
  showsRecipients: boolean
  top: number
  height: number
  position: number
  isOpen: boolean
  isMarked: boolean
  /** Keys act on it, wherever the focus is. */
  isAtCursor: boolean
  isFocusable: boolean
  /** One line in wide lists; two with the preview beside the subject; three with a line of its own. */
  shape: 'line' | 'two' | 'three'
  /** What is deleted here goes for good. */
  isForGood: boolean
  swipe: SwipeActions
  /** Why an action is not possible in this mailbox; null when it is. */
  refusalOf: (action: MailAction) => string | null
  onOpen: () => void
  onMark: (event: MouseEvent) => void
  onAct: (action: MailAction) => void
  onDragStart: (event: DragEvent) => void
  onHover: () => void
  /** Keys act on what has the focus, whichever way it came there. */
  onFocus: () => void
}

/** One conversation. Unread is told by weight, not by colour alone. */
export const ThreadItem = (props: Props) => {
  const { row, shape } = props
  const people =
    props.showsRecipients && row.recipients.length > 0 ? row.recipients.map(personName) : row.senders.map(personName)
  const isUnread = row.unread > 0
  const swipe = useSwipe(props.swipe)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled once for the whole list
    <div
      role="row"
      aria-selected={props.isMarked}
      aria-current={props.isOpen || undefined}
      aria-rowindex={props.position + 1}
      tabIndex={props.isFocusable ? 0 : -1}
      data-thread={row.threadId}
      className={`thread ${shape}${isUnread ? ' unread' : ''}${props.isOpen ? ' open' : ''}${props.isMarked ? ' marked' : ''}${props.isAtCursor ? ' at-cursor' : ''}`}
      style={{ top: props.top, height: props.height }}
      draggable={props.refusalOf('trash') === null}
      onDragStart={props.onDragStart}
      onClick={(event) => (event.shiftKey || event.metaKey || event.ctrlKey ? props.onMark(event) : props.onOpen())}
      onPointerEnter={props.onHover}
      onFocus={({ target, currentTarget }) => target === currentTarget && props.onFocus()}
      {...swipe}
    >
      <span className="check" role="gridcell">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={t('action.selectOne', { subject: row.subject || t('view.noSubject') })}
          checked={props.isMarked}
          onChange={() => undefined}
          onClick={(event) => {
            event.stopPropagation()
            props.onMark(event)
          }}
        />
      </span>
      <span className="who" role="gridcell">
        {isUnread && <span className="sr-only">{t('filter.unread')}: </span>}
        <bdi>{people.join(', ')}</bdi>
        {row.messages > 1 && <span className="muted"> {row.messages}</span>}
      </span>
      <span className="meta" role="gridcell">
        {row.isAnswered && <Reply size={13} aria-hidden />}
        {row.isInPart && (
          <span role="img" aria-label={t('list.inPart')} title={t('list.inPart')}>
            <CloudDownload size={14} aria-hidden />
          </span>
        )}
        {row.hasAttachment && <Paperclip size={13} aria-hidden />}
        {row.isFlagged && <Star size={14} className="starred" aria-hidden />}
        <time dateTime={row.latestAt}>{listDate(row.latestAt)}</time>
      </span>
      <span className="subject" role="gridcell" dir="auto">
        <span className="title">{row.subject || t('view.noSubject')}</span>
        {shape !== 'three' && row.preview && <bdi className="rest"> — {row.preview}</bdi>}
      </span>
      {shape === 'three' && (
        <span className="preview" role="gridcell" dir="auto">
          {row.preview}
        </span>
      )}
      <HoverActions
        isUnread={isUnread}
        isFlagged={row.isFlagged}
        isForGood={props.isForGood}
        refusalOf={props.refusalOf}
        onAct={props.onAct}
      />
    </div>
  )
}
