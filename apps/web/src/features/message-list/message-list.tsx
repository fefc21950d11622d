import type { CommandTarget } from '@postern/shared/commands.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { ThreadRow } from '@postern/shared/messages.ts'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type DragEvent, type MouseEvent, useEffect, useRef, useState } from 'react'
import { app, type Filter, listKey, prefetch, setting, useApp } from '#data/app-state.ts'
import { inView } from '#data/apply-change.ts'
import { act, leaving, type MailAction, refusalOf, takesAway } from '#data/commands.ts'
import { askCompose } from '#data/compose-wish.ts'
import { startDrag } from '#data/drag.ts'
import { expungeIn } from '#data/expunge.ts'
import { loadRows, pageSize } from '#data/load-rows.ts'
import { useCommands } from '#data/screen-commands.ts'
import { focusMailbox } from '#data/socket.ts'
import type { ThreadList } from '#data/thread-list.ts'
import { showToast } from '#data/toasts.ts'
import { askTree } from '#data/tree-wish.ts'
import { goBack, mailAddress, navigate, useRoute } from '#lib/route.ts'
import { lineHeights, rowHeights } from '#lib/row-heights.ts'
import { count, t } from '#lib/text.ts'
import { ConfirmExpunge } from '#ui/confirm-expunge.tsx'
import { ListState } from '#ui/list-state.tsx'
import { filters, ListHead } from './list-head.tsx'
import { ListNotices } from './list-notices.tsx'
import { ThreadItem } from './thread-item.tsx'
import { nowhere, useCursor } from './use-cursor.ts'
import { useSteadyScroll } from './use-steady-scroll.ts'

const noRows: (ThreadRow | undefined)[] = []
const noMarks: ReadonlySet<string> = new Set()

/** A window onto a list of any length: the scroll bar tells the truth, rows are loaded where it stops. */
export const MessageList = ({
  mailboxId,
  threadId,
  isOneLine,
  isCovered,
}: {
  mailboxId: string
  threadId: string | null
  isOneLine: boolean
  /** An open conversation lies over the list, not beside it. */
  isCovered: boolean
}) => {
  const wanted = useRoute().query.get('filter')
  const filter = filters.find((known) => known === wanted) ?? 'all'
  const addressOf = (id?: string | null) => mailAddress(mailboxId, filter, id)
  const [marks, setMarks] = useState<ReadonlySet<string>>(noMarks)
  const [isEverything, setEverything] = useState(false)
  const [confirms, setConfirms] = useState<(() => void) | null>(null)
  const mailbox = useApp((state) => state.mailboxes[mailboxId])
  const list = useApp((state) => state.lists[listKey(mailboxId, filter)])
  const arrived = useApp((state) => state.arrived[mailboxId]?.length ?? 0)
  const rows = list?.rows ?? noRows
  const [cursor, setCursor] = useCursor(rows)
  const density = useApp((state) => setting<keyof typeof rowHeights>(state, 'density', 'normal'))
  const scroller = useRef<HTMLDivElement>(null)
  const [isAtTop, setAtTop] = useState(true)
  const height = (isOneLine ? lineHeights : rowHeights)[density]
  const virtual = useVirtualizer({
    count: list?.total ?? 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 8,
  })
  // Another density or layout: every row has a new height.
  useEffect(() => {
    if (height) virtual.measure()
  }, [height, virtual])
  const items = virtual.getVirtualItems()
  const firstShown = items[0]?.index ?? 0
  const lastShown = items.at(-1)?.index ?? 0
  const firstInRange = virtual.range?.startIndex ?? 0
  const hasHoles = items.some(({ index }) => rows[index] === undefined)

  useEffect(() => focusMailbox(mailboxId), [mailboxId])
  useEffect(() => {
    void loadRows(mailboxId, filter, 0)
  }, [mailboxId, filter])
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows that left may have made room for ones that are not here
  useEffect(() => {
    inView.current = { mailboxId, filter, position: firstShown }
    // Scrolling past is not a wish: rows are asked for where it rests.
    const timer = setTimeout(() => {
      for (let at = firstShown; at <= lastShown + pageSize / 2; at += pageSize)
        void loadRows(mailboxId, filter, Math.min(at, lastShown))
      void loadRows(mailboxId, filter, lastShown)
    }, 60)
    return () => clearTimeout(timer)
  }, [mailboxId, filter, firstShown, lastShown, hasHoles])
  useEffect(() => {
    if (isAtTop && arrived > 0) app.set((state) => ({ arrived: { ...state.arrived, [mailboxId]: [] } }))
  }, [isAtTop, arrived, mailboxId])

  useSteadyScroll(scroller, rows, height, virtual.range?.startIndex)
  const openRow = (id: string) => {
    const draft = mailbox?.role === 'drafts' && rows.find((row) => row?.threadId === id)
    // What is being written is gone on with, not read.
    if (draft) askCompose({ kind: 'continue', messageId: draft.latestMessageId })
    else navigate(addressOf(id))
  }
  const current = rows[cursor]
  // What is selected, else what is marked, else what is open though its row is not here; else nothing.
  const single = current?.threadId ?? threadId
  const chosen = marks.size > 0 ? [...marks] : single === null ? [] : [single]

  const refusal = (action: MailAction): string | null => {
    if (action === 'archive' && mailbox?.role === 'archive') return t('action.isArchived')
    return mailbox ? refusalOf(mailbox, action) : t('action.refused')
  }
  const perform = (action: MailAction, threadIds: string[] | 'everything') => {
    if (!mailbox || (threadIds !== 'everything' && threadIds.length === 0)) return
    const target: CommandTarget =
      threadIds === 'everything'
        ? { kind: 'mailbox', mailboxId, exceptThreadIds: [] }
        : { kind: 'threads', mailboxId, threadIds }
    const real = action === 'trash' && isForGood(mailbox) ? 'expunge' : action
    const refused = refusal(real)
    if (refused) return void showToast({ kind: 'problem', text: refused })
    const run = () => {
      act(real, mailboxId, target)
      if (leavesList(real, filter)) unmark(threadIds)
    }
    if (real === 'expunge') setConfirms(() => run)
    else run()
  }
  useLeaving((from, target, action) => {
    if (threadId === null || from !== mailboxId) return
    const going = target.kind === 'threads' ? target.threadIds : null
    if (going && !going.includes(threadId)) return
    // Beside the list the next conversation takes its place; over the list one comes back to it.
    const at = rows.findIndex((row) => row?.threadId === threadId)
    const next =
      going && action !== 'unread' && !isCovered
        ? rows.slice(at + 1).find((row) => row && !going.includes(row.threadId))
        : undefined
    if (next) navigate(addressOf(next.threadId), { replace: true })
    else goBack(addressOf())
  })

  const mark = (index: number, event: MouseEvent) => {
    const row = rows[index]
    if (!row) return
    const next = new Set(marks)
    const from = cursor === nowhere ? index : cursor
    if (event.shiftKey)
      for (const between of rows.slice(Math.min(from, index), Math.max(from, index) + 1))
        between && next.add(between.threadId)
    else if (!next.delete(row.threadId)) next.add(row.threadId)
    setMarks(next)
    setEverything(false)
    setCursor(index)
  }

  const move = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to))
    const row = rows[index]
    setCursor(index)
    virtual.scrollToIndex(index)
    if (threadId !== null && row) navigate(addressOf(row.threadId), { replace: true })
    for (const near of [rows[index + 1], rows[index - 1]]) if (near) prefetch(near.threadId, near.latestMessageId)
    focusRow(() => scroller.current?.querySelector<HTMLElement>(`[data-thread="${row?.threadId}"]`))
  }
  const toggleMark = (id: string) =>
    setMarks((old) => (old.has(id) ? new Set([...old].filter((other) => other !== id)) : new Set([...old, id])))
  const clearMarks = () => {
    setMarks(noMarks)
    setEverything(false)
  }
  const unmark = (threadIds: string[] | 'everything') => {
    if (threadIds === 'everything') clearMarks()
    else setMarks((old) => new Set([...old].filter((id) => !threadIds.includes(id))))
  }
  const selectAll = () => setMarks(new Set(rows.flatMap((row) => (row ? [row.threadId] : []))))
  const isStarred = rows.some((row) => row && chosen.includes(row.threadId) && row.isFlagged)
  const readAll = () => act('read', mailboxId, { kind: 'mailbox', mailboxId, exceptThreadIds: [] })
  const onChosen = (action: MailAction) => () => perform(action, isEverything ? 'everything' : chosen)
  const isNothingChosen = !isEverything && chosen.length === 0
  const onTheChosen = {
    archive: onChosen('archive'),
    trash: onChosen('trash'),
    junk: onChosen(mailbox?.role === 'junk' ? 'notJunk' : 'junk'),
    star: onChosen(isStarred ? 'unstar' : 'star'),
    read: onChosen('read'),
    unread: onChosen('unread'),
    move: openMoveMenu,
  }
  /** The first step marks the first row in sight. */
  const step = (by: number) => move(cursor === nowhere ? firstInSight(scroller.current, height) : cursor + by)
  useCommands({
    next: () => step(1),
    previous: () => step(-1),
    first: () => move(0),
    last: () => move(rows.length - 1),
    ...(threadId !== null ? { back: () => goBack(addressOf()) } : marks.size > 0 ? { back: clearMarks } : undefined),
    selectAll,
    ...(current ? { open: () => openRow(current.threadId), select: () => toggleMark(current.threadId) } : undefined),
    ...(isNothingChosen ? undefined : onTheChosen),
    readAll,
  })
  useEffect(() => {
    const at = threadId === null ? -1 : rows.findIndex((row) => row?.threadId === threadId)
    if (at >= 0) {
      setCursor(at)
      for (const near of [rows[at + 1], rows[at - 1]]) if (near) prefetch(near.threadId, near.latestMessageId)
    }
  }, [threadId, rows, setCursor])

  const drag = (event: DragEvent, id: string) => {
    const threadIds = marks.has(id) ? [...marks] : [id]
    startDrag(event.dataTransfer, { accountId: mailbox?.accountId ?? '', mailboxId, threadIds })
    const badge = document.createElement('div')
    badge.className = 'button primary'
    badge.textContent = count('conversations', threadIds.length)
    document.body.append(badge)
    event.dataTransfer.setDragImage(badge, -8, -8)
    setTimeout(() => badge.remove())
  }

  if (!mailbox) return <div className="empty">{t('list.gone')}</div>
  const canRemove = refusal('trash') === null
  const deletion = isForGood(mailbox) ? 'action.expunge' : 'action.trash'
  return (
    <>
      <ListHead
        mailbox={mailbox}
        total={countOf(mailbox, filter, list)}
        isCounted={filter === 'all' || rows.length === 0 || rows.at(-1) !== undefined}
        filter={filter}
        onFilter={(next) => {
          navigate(mailAddress(mailboxId, next, threadId), { replace: true })
          setMarks(noMarks)
          setCursor(nowhere)
        }}
        marked={isEverything ? 'everything' : marks.size}
        onAct={(action) => perform(action, isEverything ? 'everything' : chosen)}
        onReadAll={readAll}
        onSelectAll={selectAll}
        onEmpty={isForGood(mailbox) ? () => askTree(mailbox.accountId, { kind: 'empty', mailbox }) : null}
        onEverything={() => setEverything(true)}
        onClear={clearMarks}
      />
      <ListNotices accountId={mailbox.accountId} />
      <div
        className="list-scroll"
        ref={scroller}
        tabIndex={rows.length === 0 ? 0 : -1}
        onScroll={(event) => setAtTop(event.currentTarget.scrollTop < height)}
      >
        <ListState
          status={list?.status ?? 'loading'}
          isEmpty={(list?.total ?? 0) === 0}
          empty={<Empty mailbox={mailbox} filter={filter} />}
          lines={12}
          onRetry={() => void loadRows(mailboxId, filter, lastShown, { isFresh: true })}
        />
        <div
          className="list-space"
          role="grid"
          aria-label={t('list.label')}
          aria-rowcount={list?.total ?? 0}
          aria-multiselectable
          style={{ height: virtual.getTotalSize() }}
        >
          {items.map(({ index, start }) => {
            const row = rows[index]
            if (!row)
              return <div key={`hole ${index}`} className="thread hole" style={{ top: start, height }} aria-hidden />
            return (
              <ThreadItem
                key={row.threadId}
                row={row}
                showsRecipients={mailbox.role === 'sent' || mailbox.role === 'drafts'}
                top={start}
                height={height}
                position={index}
                isOpen={row.threadId === threadId}
                isMarked={isEverything || marks.has(row.threadId)}
                isAtCursor={index === cursor}
                isFocusable={index === (cursor === nowhere ? firstInRange : cursor)}
                shape={isOneLine ? 'line' : density === 'roomy' ? 'three' : 'two'}
                isForGood={isForGood(mailbox)}
                refusalOf={refusal}
                swipe={{
                  right:
                    refusal('archive') === null
                      ? { label: t('action.archive'), run: () => perform('archive', [row.threadId]) }
                      : null,
                  left: canRemove ? { label: t(deletion), run: () => perform('trash', [row.threadId]) } : null,
                }}
                onOpen={() => openRow(row.threadId)}
                onMark={(event) => mark(index, event)}
                onAct={(action) => perform(action, [row.threadId])}
                onDragStart={(event) => drag(event, row.threadId)}
                onHover={() => prefetch(row.threadId, row.latestMessageId)}
                onFocus={() => setCursor(index)}
              />
            )
          })}
        </div>
      </div>
      {!isAtTop && arrived > 0 && (
        <button type="button" className="button primary pill" onClick={() => virtual.scrollToOffset(0)}>
          {count('new', arrived)}
        </button>
      )}
      {confirms && (
        <ConfirmExpunge {...expungeIn(mailbox?.accountId)} onConfirm={confirms} onClose={() => setConfirms(null)} />
      )}
    </>
  )
}

/** How many there are, as far as is known: without a connection by the mailbox's own count, null when nothing is. */
const countOf = (mailbox: Mailbox, filter: Filter, list: ThreadList | undefined): number | null => {
  if (list && (list.status === 'ready' || list.rows.length > 0)) return filter === 'all' ? list.total : list.rows.length
  return filter === 'all' ? mailbox.conversations : null
}

const firstInSight = (box: HTMLElement | null, height: number): number => Math.ceil((box?.scrollTop ?? 0) / height)

/** Whether conversations leave the list by this, and the selection with them. */
const leavesList = (action: MailAction, filter: Filter): boolean =>
  takesAway(action) || (action === 'read' && filter === 'unread') || (action === 'unstar' && filter === 'flagged')

/** From Trash and from spam there is no further place to go to. */
const isForGood = ({ role }: Mailbox): boolean => role === 'trash' || role === 'junk'

const useLeaving = (listener: typeof leaving.listener): void => {
  const latest = useRef(listener)
  latest.current = listener
  useEffect(() => {
    leaving.listener = (...args) => latest.current(...args)
    return () => {
      leaving.listener = () => undefined
    }
  }, [])
}

const Empty = ({ mailbox, filter }: { mailbox: Mailbox; filter: Filter }) => {
  const isPaused = useApp(({ accounts }) =>
    accounts.some(({ id, state }) => id === mailbox.accountId && state === 'paused'),
  )
  if (filter !== 'all') return t('list.emptyFilter')
  if (isPaused) return t('list.paused')
  if (!mailbox.isSynced) return t('list.excluded')
  if (mailbox.sync.state === 'listed' || mailbox.sync.state === 'filling') return t('list.filling')
  return t(mailbox.role === 'inbox' ? 'list.emptyInbox' : 'list.empty')
}

/** At once if it is drawn, else with the next frame, unless somebody has gone on to something else by then. */
const focusRow = (find: () => HTMLElement | null | undefined): void => {
  const row = find()
  if (row) {
    row.focus({ preventScroll: true })
    return
  }
  const before = document.activeElement
  requestAnimationFrame(() => {
    const now = document.activeElement
    // A row that is scrolled away takes the focus with it.
    if (now === before || now === document.body) find()?.focus({ preventScroll: true })
  })
}

/** Of the selection, else of the open conversation. */
const openMoveMenu = (): void =>
  document
    .querySelector<HTMLElement>(
      `.list [data-menu="${t('action.move')}"], .view [data-menu="${t('action.move')}"]:not(:disabled)`,
    )
    ?.click()
