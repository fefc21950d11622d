import type { ThreadRow } from '@postern/shared/messages.ts'
import { useCallback, useEffect, useState } from 'react'

type Rows = (ThreadRow | undefined)[]
export type CursorPlace = { index: number; threadId: string | null }
/** Nobody has put it anywhere: no row is marked, and keys act on none. */
export const nowhere = -1

/** Where the cursor stands among the rows there are now: at its conversation, else where that one was. */
export const cursorIn = (rows: Rows, { index, threadId }: CursorPlace): number => {
  if (index === nowhere || threadId === null || rows[index]?.threadId === threadId) return index
  const now = rows.findIndex((row) => row?.threadId === threadId)
  return now >= 0 ? now : Math.min(index, rows.length - 1)
}

/** The row that keys act on. It goes along with its conversation, so that new mail above moves no key to another one. */
export const useCursor = (rows: Rows): [cursor: number, setCursor: (index: number) => void] => {
  const [place, setPlace] = useState<CursorPlace>({ index: nowhere, threadId: null })
  const cursor = cursorIn(rows, place)
  const threadId = rows[cursor]?.threadId
  useEffect(() => {
    if (place.threadId === null || threadId === undefined) return
    if (place.index !== cursor || place.threadId !== threadId) setPlace({ index: cursor, threadId })
  }, [place, cursor, threadId])
  const setCursor = useCallback((index: number) => setPlace({ index, threadId: rows[index]?.threadId ?? null }), [rows])
  return [cursor, setCursor]
}
