import { Archive, Mail as MailClosed, MailOpen, Star, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { t } from '#lib/text.ts'

export type HoverAction = 'archive' | 'trash' | 'read' | 'unread' | 'star' | 'unstar'

/** Over a row while the pointer is on it, and for the pointer alone: the same can be done by key and in the reading pane. */
export const HoverActions = ({
  isUnread,
  isFlagged,
  isForGood,
  refusalOf,
  onAct,
}: {
  isUnread: boolean
  isFlagged: boolean
  /** What is deleted here goes for good. */
  isForGood: boolean
  /** Why an action is not possible here; null when it is. */
  refusalOf: (action: HoverAction) => string | null
  onAct: (action: HoverAction) => void
}) => {
  const button = (action: HoverAction, icon: ReactNode) => {
    const refusal = refusalOf(action)
    return (
      <button
        type="button"
        tabIndex={-1}
        className="icon-button"
        title={refusal ?? t(`action.${action === 'trash' && isForGood ? 'expunge' : action}`)}
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
  return (
    <span className="hover-actions" aria-hidden>
      {button('archive', <Archive size={15} />)}
      {button('trash', <Trash2 size={15} />)}
      {isUnread ? button('read', <MailOpen size={15} />) : button('unread', <MailClosed size={15} />)}
      {button(isFlagged ? 'unstar' : 'star', <Star size={15} className={isFlagged ? 'starred' : ''} />)}
    </span>
  )
}
