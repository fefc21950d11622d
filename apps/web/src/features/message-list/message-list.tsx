import type { CommandTarget } from '@postern/shared/commands.ts'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type DragEvent, type MouseEvent, useCallback, useEffect, useRef, useState } from 'react'
import { app, type Filter, listKey, loadRows, pageSize, prefetch, setting, useApp } from '#data/app-state.ts'
import { inView } from '#data/apply-change.ts'
import { act, type MailAction } from '#data/commands.ts'
import { focusMailbox } from '#data/socket.ts'
import { navigate } from '#lib/route.ts'
import { count, t } from '#lib/text.ts'
import { Dialog } from '#ui/dialog.tsx'
import { ListHead } from './list-head.tsx'
import { ThreadItem } from './thread-item.tsx'
import { useListKeys } from './use-list-keys.ts'

const rowHeights = { compact: 46, normal: 50, roomy: 72 }
const noMarks: ReadonlySet<string> = new Set()

/** A window onto a list of any length: the scroll bar tells the truth, rows are loaded where it stops. */
export const MessageList = ({ mailboxId, threadId }: { mailboxId: string; threadId: string | null }) => {
  const [filter, setFilter] = useState<Filter>('all')
  const [marks, setMarks] = useState<ReadonlySet<string>>(noMarks)
  const [isEverything, setEverything] = useState(false)
  const [confirms, setConfirms] = useState<(() => void) | null>(null)
  const [cursor, setCursor] = useState(0)
  const mailbox = useApp((state) => state.mailboxes[mailboxId])
  const list = useApp((state) => state.lists[listKey(mailboxId, filter)])
  const arrived = useApp((state) => state.arrived[mailboxId]?.length ?? 0)
  const density = useApp((state) => setting<keyof typeof rowHeights>(state, 'density', 'normal'))
  const scroller = useRef<HTMLDivElement>(null)
  const [isAtTop, setAtTop] = useState(true)
  const height = rowHeights[density]
  const virtual = useVirtualizer({
    count: list?.total ?? 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 8,
  })
  const items = virtual.getVirtualItems()
  const firstShown = items[0]?.index ?? 0
  const lastShown = items.at(-1)?.index ?? 0

  useEffect(() => focusMailbox(mailboxId), [mailboxId])
  useEffect(() => {
    void loadRows(mailboxId, filter, 0)
  }, [mailboxId, filter])
  useEffect(() => {
    inView.current = { mailboxId, filter, position: firstShown }
    // Scrolling past is not a wish: rows are asked for where it rests.
    const timer = setTimeout(() => {
      for (let at = firstShown; at <= lastShown + pageSize / 2; at += pageSize)
        void loadRows(mailboxId, filter, Math.min(at, lastShown))
      void loadRows(mailboxId, filter, lastShown)
    }, 60)
    return () => clearTimeout(timer)
  }, [mailboxId, filter, firstShown, lastShown])
  useEffect(() => {
    if (isAtTop && arrived > 0) app.set((state) => ({ arrived: { ...state.arrived, [mailboxId]: [] } }))
  }, [isAtTop, arrived, mailboxId])

  const rows = list?.rows ?? []
  const openRow = useCallback((id: string) => navigate(`/mail/${mailboxId}/${id}`), [mailboxId])
  const chosen = marks.size > 0 ? [...marks] : rows[cursor] ? [rows[cursor].threadId] : []

  const perform = (action: MailAction, threadIds: string[] | 'everything') => {
    const everything = threadIds === 'everything'
    const target: CommandTarget = everything
      ? { kind: 'mailbox', mailboxId, exceptThreadIds: [] }
      : { kind: 'threads', mailboxId, threadIds }
    if (!everything && threadIds.length === 0) return
    const role = mailbox?.role
    const real = action === 'trash' && (role === 'trash' || role === 'junk') ? 'expunge' : action
    const run = () => {
      const opened = threadId !== null && (everything || threadIds.includes(threadId))
      const leaves = typeof real === 'object' || !['read', 'unread', 'star', 'unstar'].includes(real)
      const next = opened && leaves ? nextAfter(threadIds) : null
      act(real, mailboxId, target)
      setMarks(noMarks)
      setEverything(false)
      if (opened && leaves) navigate(next ? `/mail/${mailboxId}/${next}` : `/mail/${mailboxId}`, { replace: true })
    }
    if (real === 'expunge') setConfirms(() => run)
    else run()
  }
  /** The conversation that takes the place of those that go. */
  const nextAfter = (going: string[] | 'everything'): string | null => {
    if (going === 'everything') return null
    const at = rows.findIndex((row) => row && going.includes(row.threadId))
    return rows.slice(at + 1).find((row) => row && !going.includes(row.threadId))?.threadId ?? null
  }

  const mark = (index: number, event: MouseEvent) => {
    const row = rows[index]
    if (!row) return
    const next = new Set(marks)
    if (event.shiftKey)
      for (const between of rows.slice(Math.min(cursor, index), Math.max(cursor, index) + 1))
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
    if (threadId !== null && row) navigate(`/mail/${mailboxId}/${row.threadId}`, { replace: true })
    for (const near of [rows[index + 1], rows[index - 1]]) if (near) prefetch(near.threadId, near.latestMessageId)
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-thread="${row?.threadId}"]`)?.focus({ preventScroll: true }),
    )
  }
  useListKeys({
    cursor,
    rows,
    threadId,
    chosen,
    mailboxId,
    move,
    open: openRow,
    perform,
    toggleMark: (id) =>
      setMarks((old) => (old.has(id) ? new Set([...old].filter((other) => other !== id)) : new Set([...old, id]))),
  })
  useEffect(() => {
    const at = threadId === null ? -1 : rows.findIndex((row) => row?.threadId === threadId)
    if (at >= 0) {
      setCursor(at)
      for (const near of [rows[at + 1], rows[at - 1]]) if (near) prefetch(near.threadId, near.latestMessageId)
    }
  }, [threadId, rows])

  const drag = (event: DragEvent, id: string) => {
    const threadIds = marks.has(id) ? [...marks] : [id]
    event.dataTransfer.setData('application/x-postern-threads', JSON.stringify({ mailboxId, threadIds }))
    event.dataTransfer.effectAllowed = 'move'
    const badge = document.createElement('div')
    badge.className = 'button primary'
    badge.textContent = count('conversations', threadIds.length)
    document.body.append(badge)
    event.dataTransfer.setDragImage(badge, -8, -8)
    setTimeout(() => badge.remove())
  }

  if (!mailbox) return null
  return (
    <>
      <ListHead
        mailbox={mailbox}
        total={list?.total ?? mailbox.conversations}
        filter={filter}
        onFilter={(next) => {
          setFilter(next)
          setMarks(noMarks)
        }}
        marked={isEverything ? 'everything' : marks.size}
        onAct={(action) => perform(action, isEverything ? 'everything' : chosen)}
        onReadAll={() => act('read', mailboxId, { kind: 'mailbox', mailboxId, exceptThreadIds: [] })}
        onEverything={() => setEverything(true)}
        onClear={() => {
          setMarks(noMarks)
          setEverything(false)
        }}
      />
      <div
        className="list-scroll"
        ref={scroller}
        tabIndex={rows.length === 0 ? 0 : -1}
        onScroll={(event) => setAtTop(event.currentTarget.scrollTop < height)}
      >
        {!isAtTop && arrived > 0 && (
          <button type="button" className="button primary pill" onClick={() => virtual.scrollToOffset(0)}>
            {count('new', arrived)}
          </button>
        )}
        <ListState
          status={list?.status ?? 'loading'}
          total={list?.total ?? 0}
          isFiltered={filter !== 'all'}
          onRetry={() => void loadRows(mailboxId, filter, firstShown, { isFresh: true })}
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
            if (!row) return null
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
                isFocusable={index === cursor}
                isRoomy={density === 'roomy'}
                onOpen={() => openRow(row.threadId)}
                onMark={(event) => mark(index, event)}
                onAct={(action) => perform(action, [row.threadId])}
                onDragStart={(event) => drag(event, row.threadId)}
                onHover={() => prefetch(row.threadId, row.latestMessageId)}
              />
            )
          })}
        </div>
      </div>
      {confirms && (
        <Dialog title={t('confirm.expunge')} onClose={() => setConfirms(null)}>
          <p>{t('confirm.expungeText')}</p>
          <div className="row end">
            <button type="button" className="button" onClick={() => setConfirms(null)}>
              {t('cancel')}
            </button>
            <button
              type="button"
              className="button danger"
              onClick={() => {
                confirms()
                setConfirms(null)
              }}
            >
              {t('action.expunge')}
            </button>
          </div>
        </Dialog>
      )}
    </>
  )
}

/** Empty, loading, failed: a list is never just white. The skeleton waits a moment, so that fast answers do not flicker. */
const ListState = ({
  status,
  total,
  isFiltered,
  onRetry,
}: {
  status: 'loading' | 'ready' | 'failed'
  total: number
  isFiltered: boolean
  onRetry: () => void
}) => {
  const [isSlow, setSlow] = useState(false)
  useEffect(() => {
    if (status !== 'loading') return setSlow(false)
    const timer = setTimeout(() => setSlow(true), 150)
    return () => clearTimeout(timer)
  }, [status])
  if (status === 'loading') return isSlow ? <p className="empty">…</p> : null
  if (status === 'failed')
    return (
      <div className="empty" role="alert">
        <p>{t('list.failed')}</p>
        <button type="button" className="button" onClick={onRetry}>
          {t('retry')}
        </button>
      </div>
    )
  return total === 0 ? <p className="empty">{t(isFiltered ? 'list.emptyFilter' : 'list.empty')}</p> : null
}
