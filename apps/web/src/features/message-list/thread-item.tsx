import type { ThreadRow } from '@postern/shared/messages.ts'
import { Archive, Mail as MailClosed, MailOpen, Paperclip, Reply, Star, Trash2 } from 'lucide-react'
import type { DragEvent, MouseEvent, ReactNode } from 'react'
import type { MailAction } from '#data/commands.ts'
import { listDate, personName } from '#lib/format.ts'
import { type TextKey, t } from '#lib/text.ts'
import { type SwipeActions, useSwipe } from './use-swipe.ts'

type Props = {
  row: ThreadRow
  showsRecipients: boolean
  top: number
  height: number
  position: number
  isOpen: boolean
  isMarked: boolean
  isFocusable: boolean
  /** One line in wide lists; two with the preview beside the subject; three with a line of its own. */
  shape: 'line' | 'two' | 'three'
  swipe: SwipeActions
  /** Why an action is not possible in this mailbox; null when it is. */
  refusalOf: (action: MailAction) => string | null
  onOpen: () => void
  onMark: (event: MouseEvent) => void
  onAct: (action: MailAction) => void
  onDragStart: (event: DragEvent) => void
  onHover: () => void
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
      className={`thread ${shape}${isUnread ? ' unread' : ''}${props.isOpen ? ' open' : ''}${props.isMarked ? ' marked' : ''}`}
      style={{ top: props.top, height: props.height }}
      draggable={props.refusalOf('archive') === null}
      onDragStart={props.onDragStart}
      onClick={(event) => (event.shiftKey || event.metaKey || event.ctrlKey ? props.onMark(event) : props.onOpen())}
      onPointerEnter={props.onHover}
      {...swipe}
    >
      <span className="check" role="gridcell">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={t('action.select')}
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
      <HoverActions row={row} refusalOf={props.refusalOf} onAct={props.onAct} />
    </div>
  )
}

const HoverActions = ({ row, refusalOf, onAct }: Pick<Props, 'row' | 'refusalOf' | 'onAct'>) => {
  const button = (action: Extract<MailAction, string>, icon: ReactNode) => {
    const refusal = refusalOf(action)
    return (
      <button
        type="button"
        tabIndex={-1}
        className="icon-button"
        title={refusal ?? t(`action.${action}` as TextKey)} // every action has its text
        disabled={refusal !== null}
        onClick={(event) => {
          event.stopPropagation()
          onAct(action)
        }}
      >
        {icon}
      </button>
    )
  }
  // The same can be done by key and in the reading pane; here it is for the pointer alone.
  return (
    <span className="hover-actions" aria-hidden>
      {button('archive', <Archive size={15} />)}
      {button('trash', <Trash2 size={15} />)}
      {row.unread > 0 ? button('read', <MailOpen size={15} />) : button('unread', <MailClosed size={15} />)}
      {button(row.isFlagged ? 'unstar' : 'star', <Star size={15} className={row.isFlagged ? 'starred' : ''} />)}
    </span>
  )
}
