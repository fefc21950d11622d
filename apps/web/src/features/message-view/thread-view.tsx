import { Archive, ArrowLeft, Ban, FolderInput, Inbox, MailOpen, Star, Trash2 } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { loadThread, setting, useApp } from '#data/app-state.ts'
import { act, type MailAction, refusalOf } from '#data/commands.ts'
import { navigate } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { Menu } from '#ui/menu.tsx'
import { MessageItem } from './message-item.tsx'

/** A conversation: newest message open, unread ones too, older ones folded. */
export const ThreadView = ({
  threadId,
  mailboxId,
  backTo,
  alsoOpenId,
}: {
  threadId: string | null
  mailboxId: string | null
  backTo: string
  /** The message a search found; open even when older. */
  alsoOpenId: string | null
}) => {
  const messages = useApp((state) => (threadId ? state.threads[threadId] : undefined))
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    setFailed(false)
    if (threadId && !messages) loadThread(threadId).catch(() => setFailed(true))
  }, [threadId, messages])
  // From a search the conversation may be shown in any mailbox.
  const placeId = mailboxId ?? messages?.flatMap(({ placements }) => placements)[0]?.mailboxId ?? null
  useMarkRead(
    threadId,
    placeId,
    messages?.some((message) => message.placements.some(({ mailboxId: id, flags }) => id === placeId && !flags.seen)) ??
      false,
  )
  if (!threadId) return <p className="empty">{t('view.none')}</p>
  if (failed)
    return (
      <div className="empty" role="alert">
        <p>{t('view.failed')}</p>
        <button type="button" className="button" onClick={() => navigate(backTo)}>
          {t('back')}
        </button>
      </div>
    )
  const here = messages?.filter((message) => message.placements.length > 0)
  const last = here?.at(-1)
  if (!here || !last) return null
  const subject = here[0]?.subject.replace(/^((re|fwd?|aw|wg|sv|vs)\s*:\s*)+/i, '') || t('view.noSubject')
  return (
    <>
      <ViewHead
        subject={subject}
        threadId={threadId}
        mailboxId={placeId}
        backTo={backTo}
        isFlagged={here.some(({ placements }) => placements.some(({ flags }) => flags.flagged))}
      />
      {here.map((message) => (
        <MessageItem
          key={message.id}
          message={message}
          isOpenAtFirst={
            message.id === last.id || message.id === alsoOpenId || message.placements.some(({ flags }) => !flags.seen)
          }
        />
      ))}
    </>
  )
}

/** Read after a second of looking, unless the person chose otherwise. */
const useMarkRead = (threadId: string | null, mailboxId: string | null, isUnread: boolean): void => {
  const delayMs = useApp((state) => setting(state, 'markReadMs', 1000))
  useEffect(() => {
    if (!threadId || !mailboxId || !isUnread || delayMs < 0) return
    const timer = setTimeout(
      () => act('read', mailboxId, { kind: 'threads', mailboxId, threadIds: [threadId] }, { isQuiet: true }),
      delayMs,
    )
    return () => clearTimeout(timer)
  }, [threadId, mailboxId, isUnread, delayMs])
}

const ViewHead = ({
  subject,
  threadId,
  mailboxId,
  backTo,
  isFlagged,
}: {
  subject: string
  threadId: string
  mailboxId: string | null
  backTo: string
  isFlagged: boolean
}) => {
  const mailbox = useApp((state) => (mailboxId ? state.mailboxes[mailboxId] : undefined))
  const others = useApp((state) =>
    Object.values(state.mailboxes).filter(
      (other) => other.accountId === mailbox?.accountId && other.id !== mailboxId && other.isSelectable,
    ),
  )
  const perform = (action: MailAction) => {
    if (!mailboxId) return
    act(action, mailboxId, { kind: 'threads', mailboxId, threadIds: [threadId] })
    if (typeof action === 'object' || ['archive', 'trash', 'junk', 'notJunk'].includes(action))
      navigate(backTo, { replace: true })
    if (action === 'unread') navigate(backTo)
  }
  const button = (action: Extract<MailAction, string>, icon: ReactNode) => {
    const label = t(`action.${action}`)
    const refusal = mailbox ? refusalOf(mailbox, action) : t('action.refused')
    return (
      <button
        type="button"
        className="icon-button"
        aria-label={label}
        title={refusal ?? label}
        disabled={refusal !== null}
        onClick={() => perform(action)}
      >
        {icon}
      </button>
    )
  }
  const isSpam = mailbox?.role === 'junk'
  return (
    <div className="view-head">
      <button type="button" className="icon-button phone-back" aria-label={t('back')} onClick={() => navigate(backTo)}>
        <ArrowLeft size={18} aria-hidden />
      </button>
      <h1>{subject}</h1>
      {mailbox?.role !== 'archive' && button('archive', <Archive size={17} aria-hidden />)}
      {isSpam ? button('notJunk', <Inbox size={17} aria-hidden />) : button('junk', <Ban size={17} aria-hidden />)}
      {/* Deleting for good asks first; the list does that. */}
      {mailbox?.role !== 'trash' && !isSpam && button('trash', <Trash2 size={17} aria-hidden />)}
      {button(isFlagged ? 'unstar' : 'star', <Star size={17} className={isFlagged ? 'starred' : ''} aria-hidden />)}
      {button('unread', <MailOpen size={17} aria-hidden />)}
      <Menu
        label={t('action.move')}
        icon={<FolderInput size={17} aria-hidden />}
        isDisabled={!mailbox || refusalOf(mailbox, 'archive') !== null}
        hasFilter
        items={others.map((other) => ({
          label: other.path,
          onSelect: () => perform({ moveTo: other }),
          isDisabled: !other.rights.insert,
        }))}
      />
    </div>
  )
}
