import { Archive, ArrowLeft, Ban, FolderInput, Inbox, MailOpen, Star, Trash2 } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { loadThread, setting, useApp } from '#data/app-state.ts'
import { act, type MailAction, refusalOf, takesAway } from '#data/commands.ts'
import { useCommands } from '#data/screen-commands.ts'
import { goBack } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { Confirm } from '#ui/confirm.tsx'
import { Menu } from '#ui/menu.tsx'
import { MessageItem } from './message-item.tsx'

/** A conversation: newest message open, unread ones too, older ones folded. */
export const ThreadView = ({
  threadId,
  mailboxId,
  backTo,
  alsoOpenId,
  isHidden,
}: {
  threadId: string | null
  /** Null: from a search, or hidden; then its own place is taken. */
  mailboxId: string | null
  backTo: string
  /** The message a search found; open even when older. */
  alsoOpenId: string | null
  /** Shown although another program marked it deleted; only to be read. */
  isHidden: boolean
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
    isHidden ? null : threadId,
    placeId,
    messages?.some((message) => message.placements.some(({ mailboxId: id, flags }) => id === placeId && !flags.seen)) ??
      false,
  )
  if (!threadId) return <p className="empty">{t('view.none')}</p>
  if (failed)
    return (
      <div className="empty" role="alert">
        <p>{t('view.failed')}</p>
        <button type="button" className="button" onClick={() => goBack(backTo)}>
          {t('back')}
        </button>
      </div>
    )
  const here = messages?.filter((message) => isHidden || message.placements.length > 0)
  const last = here?.at(-1)
  if (!here || !last) return null
  const subject = here[0]?.subject.replace(/^((re|fwd?|aw|wg|sv|vs)\s*:\s*)+/i, '') || t('view.noSubject')
  return (
    <>
      <ViewHead
        subject={subject}
        threadId={threadId}
        mailboxId={isHidden ? null : placeId}
        isHidden={isHidden}
        ownsKeys={mailboxId === null && !isHidden}
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

type HeadProps = {
  subject: string
  threadId: string
  mailboxId: string | null
  backTo: string
  isFlagged: boolean
  isHidden: boolean
  /** Beside a list the list answers the keys, because it knows what is selected. */
  ownsKeys: boolean
}

const ViewHead = (props: HeadProps) => (
  <div className="view-head">
    <button
      type="button"
      className="icon-button phone-back"
      aria-label={t('back')}
      title={t('back')}
      onClick={() => goBack(props.backTo)}
    >
      <ArrowLeft size={18} className="turns" aria-hidden />
    </button>
    <h1 dir="auto">{props.subject}</h1>
    {!props.isHidden && <Actions {...props} />}
  </div>
)

const Actions = ({ threadId, mailboxId, backTo, isFlagged, ownsKeys }: HeadProps) => {
  const [isAsking, setAsking] = useState(false)
  const mailbox = useApp((state) => (mailboxId ? state.mailboxes[mailboxId] : undefined))
  const others = useApp((state) =>
    Object.values(state.mailboxes).filter(
      (other) => other.accountId === mailbox?.accountId && other.id !== mailboxId && other.isSelectable,
    ),
  )
  const isSpam = mailbox?.role === 'junk'
  const isForGood = mailbox?.role === 'trash' || isSpam
  const perform = (action: MailAction) => {
    if (!mailboxId) return
    act(action, mailboxId, { kind: 'threads', mailboxId, threadIds: [threadId] })
    if (takesAway(action) || action === 'unread') goBack(backTo)
  }
  const remove = () => (isForGood ? setAsking(true) : perform('trash'))
  useCommands(
    ownsKeys
      ? {
          archive: () => perform('archive'),
          trash: remove,
          junk: () => perform(isSpam ? 'notJunk' : 'junk'),
          star: () => perform(isFlagged ? 'unstar' : 'star'),
          unread: () => perform('unread'),
        }
      : {},
  )
  const button = (
    action: Exclude<Extract<MailAction, string>, 'restore'>,
    icon: ReactNode,
    onClick = () => perform(action),
  ) => {
    const label = t(`action.${action}`)
    const refusal = mailbox ? refusalOf(mailbox, action) : t('action.refused')
    return (
      <button
        type="button"
        className="icon-button"
        aria-label={label}
        title={refusal ?? label}
        disabled={refusal !== null}
        onClick={onClick}
      >
        {icon}
      </button>
    )
  }
  return (
    <>
      {mailbox?.role !== 'archive' && button('archive', <Archive size={17} aria-hidden />)}
      {isSpam ? button('notJunk', <Inbox size={17} aria-hidden />) : button('junk', <Ban size={17} aria-hidden />)}
      {button(isForGood ? 'expunge' : 'trash', <Trash2 size={17} aria-hidden />, remove)}
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
      {isAsking && (
        <Confirm
          title={t('confirm.expunge')}
          text={t('confirm.expungeText')}
          action={t('action.expunge')}
          cancel={t('cancel')}
          onConfirm={() => perform('expunge')}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  )
}
