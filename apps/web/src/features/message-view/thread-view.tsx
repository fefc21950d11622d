import type { Message } from '@postern/shared/messages.ts'
import { Archive, ArrowLeft, Ban, FolderInput, Inbox, MailOpen, Star, Trash2 } from 'lucide-react'
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { ApiError, failureOf } from '#data/api.ts'
import { loadThread, setting, useApp } from '#data/app-state.ts'
import { threadInView } from '#data/apply-change.ts'
import { act, closes, type MailAction, refusalOf } from '#data/commands.ts'
import { askCompose } from '#data/compose-wish.ts'
import { expungeIn } from '#data/expunge.ts'
import { useMoveItems } from '#data/move-items.ts'
import { useCommands } from '#data/screen-commands.ts'
import { plainSubject } from '#lib/format.ts'
import { goBack } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { ConfirmExpunge } from '#ui/confirm-expunge.tsx'
import { ListState } from '#ui/list-state.tsx'
import { Menu } from '#ui/menu.tsx'
import { loadFrame } from './frame-module.ts'
import { MessageItem } from './message-item.tsx'
import { useNotes } from './reports.tsx'
import { prepareFrame } from './sealed-frame.ts'

const frameAfterMs = 1500

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
  useEffect(() => {
    // The sanitiser and a frame, before somebody opens the first mail that needs them.
    const timer = setTimeout(() => {
      void loadFrame()
      prepareFrame()
    }, frameAfterMs)
    return () => clearTimeout(timer)
  }, [])
  const { status, load } = useThread(threadId, messages !== undefined)
  const notes = useNotes(threadId, messages?.length ?? 0)
  // From a search the conversation may be shown in any mailbox: what is done there is meant for the message that was found.
  const found = messages?.filter(({ id }) => id === alsoOpenId)
  const placeId = mailboxId ?? placesOf(found)[0] ?? placesOf(messages)[0] ?? null
  const unreadIds = (messages ?? []).flatMap(({ id, placements }) =>
    placements.some(({ mailboxId: place, flags }) => place === placeId && !flags.seen) ? [id] : [],
  )
  useMarkRead(isHidden ? null : threadId, placeId, unreadIds)
  const answer = (kind: 'reply' | 'replyAll' | 'forward') => () => {
    const messageId = answeredOf(messages ?? [])
    if (messageId) askCompose({ kind, messageId })
  }
  useCommands(
    threadId && messages ? { reply: answer('reply'), replyAll: answer('replyAll'), forward: answer('forward') } : {},
  )
  if (!threadId) return <p className="empty">{t('view.none')}</p>
  const here = messages?.filter((message) => isHidden || message.placements.length > 0)
  // What is being written does not take the place of what it answers.
  const last = here?.findLast((message) => !isDraft(message)) ?? here?.at(-1)
  if (status === 'gone' || (here && !last)) return <Gone backTo={backTo} />
  if (!here || !last)
    return <ListState status={status} isEmpty empty={null} lines={5} onRetry={load} failed={t('view.threadFailed')} />
  const subject = plainSubject(here[0]?.subject ?? '') || t('view.noSubject')
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
          notes={notes}
          isWanted={message.id === alsoOpenId}
          isOpenAtFirst={
            message.id === last.id ||
            message.id === alsoOpenId ||
            (!isDraft(message) && message.placements.some(({ flags }) => !flags.seen))
          }
        />
      ))}
    </>
  )
}

const isDraft = ({ placements }: Message): boolean => placements.some(({ flags }) => flags.draft)

/** The message that has the focus, else the newest that is no draft. */
const answeredOf = (messages: Message[]): string | undefined => {
  const focused = document.activeElement?.closest<HTMLElement>('[data-message]')?.dataset.message
  return (
    messages.find(({ id }) => id === focused)?.id ?? (messages.findLast((one) => !isDraft(one)) ?? messages.at(-1))?.id
  )
}

const placesOf = (messages: Message[] = []): string[] =>
  messages.flatMap(({ placements }) => placements.map(({ mailboxId }) => mailboxId))

type Status = 'loading' | 'offline' | 'failed' | 'gone'

/** Fetches a conversation that is not here. */
const useThread = (threadId: string | null, isHere: boolean): { status: Status; load: () => void } => {
  const [status, setStatus] = useState<Status>('loading')
  const shown = useRef(threadId)
  shown.current = threadId
  const load = useCallback(() => {
    if (threadId)
      loadThread(threadId).catch((error: unknown) => {
        // What became of the one before is no news of this one.
        if (shown.current === threadId)
          setStatus(error instanceof ApiError && error.code === 'not_found' ? 'gone' : failureOf(error))
      })
  }, [threadId])
  useEffect(() => {
    threadInView.current = threadId
    return () => {
      threadInView.current = null
    }
  }, [threadId])
  useEffect(() => {
    setStatus('loading')
    if (!isHere) load()
  }, [isHere, load])
  return { status, load }
}

const Gone = ({ backTo }: { backTo: string }) => (
  <div className="empty">
    <p>{t('view.gone')}</p>
    <button type="button" className="button" onClick={() => goBack(backTo)}>
      {t('back')}
    </button>
  </div>
)

/**
 * Read after a second of looking, unless the person chose otherwise. Each message once: what is marked unread while it is
 * open, here or elsewhere, stays unread.
 */
const useMarkRead = (threadId: string | null, mailboxId: string | null, unreadIds: string[]): void => {
  const delayMs = useApp((state) => setting(state, 'markReadMs', 1000))
  const done = useRef<{ threadId: string | null; ids: Set<string> }>({ threadId: null, ids: new Set() })
  if (done.current.threadId !== threadId) done.current = { threadId, ids: new Set() }
  const fresh = unreadIds.filter((id) => !done.current.ids.has(id)).join(' ')
  useEffect(() => {
    if (!threadId || !mailboxId || fresh === '' || delayMs < 0) return
    const timer = setTimeout(() => {
      for (const id of fresh.split(' ')) done.current.ids.add(id)
      act('read', mailboxId, { kind: 'threads', mailboxId, threadIds: [threadId] }, { isQuiet: true })
    }, delayMs)
    return () => clearTimeout(timer)
  }, [threadId, mailboxId, fresh, delayMs])
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
  const isSpam = mailbox?.role === 'junk'
  const isForGood = mailbox?.role === 'trash' || isSpam
  const perform = (action: MailAction) => {
    if (!mailboxId) return
    act(action, mailboxId, { kind: 'threads', mailboxId, threadIds: [threadId] })
    if (ownsKeys && closes(action)) goBack(backTo)
  }
  const moveItems = useMoveItems(mailbox, (moveTo) => perform({ moveTo }))
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
      {mailbox?.role !== 'archive' && mailbox?.role !== 'all' && button('archive', <Archive size={17} aria-hidden />)}
      {isSpam ? button('notJunk', <Inbox size={17} aria-hidden />) : button('junk', <Ban size={17} aria-hidden />)}
      {button(isForGood ? 'expunge' : 'trash', <Trash2 size={17} aria-hidden />, remove)}
      {button(isFlagged ? 'unstar' : 'star', <Star size={17} className={isFlagged ? 'starred' : ''} aria-hidden />)}
      {button('unread', <MailOpen size={17} aria-hidden />)}
      <Menu
        label={t('action.move')}
        icon={<FolderInput size={17} aria-hidden />}
        isDisabled={!mailbox || refusalOf(mailbox, 'archive') !== null}
        hasFilter
        items={moveItems}
      />
      {isAsking && (
        <ConfirmExpunge
          {...expungeIn(mailbox?.accountId)}
          onConfirm={() => perform('expunge')}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  )
}
