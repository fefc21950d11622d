import type { ThreadRow } from '@postern/shared/messages.ts'
import { type RefObject, useLayoutEffect, useRef } from 'react'

/**
 * Nothing moves unless somebody moved it: rows that come or go above the window shift the scroll position by as much. At
 * the top the list is left alone, so that new mail shows.
 */
export const shiftOf = (
  rows: (ThreadRow | undefined)[],
  anchor: { threadId: string; index: number } | null,
  height: number,
): number => {
  if (!anchor || rows[anchor.index]?.threadId === anchor.threadId) return 0
  const now = rows.findIndex((row) => row?.threadId === anchor.threadId)
  return now < 0 ? 0 : (now - anchor.index) * height
}

export const useSteadyScroll = (
  scroller: RefObject<HTMLElement | null>,
  rows: (ThreadRow | undefined)[],
  height: number,
  firstInSight: number | undefined,
): void => {
  const anchor = useRef<{ threadId: string; index: number } | null>(null)
  // Not after every change of the screen: to ask where a box is scrolled to is to lay the page out.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another row in sight is another anchor
  useLayoutEffect(() => {
    const box = scroller.current
    if (!box) return
    if (box.scrollTop >= height) box.scrollTop += shiftOf(rows, anchor.current, height)
    const index = Math.floor(box.scrollTop / height)
    const row = rows[index]
    anchor.current = row ? { threadId: row.threadId, index } : null
  }, [scroller, rows, height, firstInSight])
}
