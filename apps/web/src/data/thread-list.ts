import type { ThreadRow } from '@postern/shared/messages.ts'

/**
 * A list as the screen holds it: its true length, and the rows that were loaded. Pure. Rows sort by time and id, newest
 * first, exactly as the server does, so that a changed row finds its place without asking.
 */
export type ListStatus = 'loading' | 'ready' | 'offline' | 'failed'
export type ThreadList = { total: number; rows: (ThreadRow | undefined)[]; status: ListStatus }

export const emptyList: ThreadList = { total: 0, rows: [], status: 'loading' }

/** Without holes: array methods would skip them and shift what comes after. */
const ofLength = (rows: (ThreadRow | undefined)[], length: number): (ThreadRow | undefined)[] =>
  Array.from({ length }, (_, index) => rows[index])

const isNewer = (a: ThreadRow, b: ThreadRow): boolean => {
  if (a.latestAt !== b.latestAt) return a.latestAt > b.latestAt
  return BigInt(a.threadId) > BigInt(b.threadId)
}

export const withPage = (
  list: ThreadList,
  position: number,
  page: ThreadRow[],
  total: number | undefined,
): ThreadList => {
  const length = total ?? Math.max(list.total, position + page.length)
  const rows = ofLength(list.rows, length)
  page.forEach((row, index) => {
    if (position + index < length) rows[position + index] = row
  })
  return { total: length, rows, status: 'ready' }
}

/**
 * Rows that changed or went. Answers null for `isExact` false: a row belongs somewhere that is not loaded, so what is in
 * view has to be asked for again.
 */
export const withChanges = (
  list: ThreadList,
  upserted: ThreadRow[],
  removed: string[],
  total: number | undefined,
): { list: ThreadList; isExact: boolean } => {
  const going = new Set([...removed, ...upserted.map(({ threadId }) => threadId)])
  const known = new Set(list.rows.flatMap((row) => (row && going.has(row.threadId) ? [row.threadId] : [])))
  const rows = list.rows.filter((row) => !row || !going.has(row.threadId))
  let length = list.total - known.size
  let isExact = removed.every((threadId) => known.has(threadId)) || list.rows.every((row) => row !== undefined)
  let isPlaced = true
  for (const row of [...upserted].sort((a, b) => (isNewer(a, b) ? -1 : 1))) {
    const at = placeOf(rows, row)
    if (at === null) {
      isExact = false
      isPlaced = false
      if (known.has(row.threadId)) length++
      continue
    }
    rows.splice(at, 0, row)
    length++
  }
  const settled = total ?? length
  // What is gone here already, because somebody saw it go at once, leaves the right number behind.
  if (total === length && isPlaced) isExact = true
  if (settled !== rows.length) isExact &&= rows.length < settled
  return { list: { ...list, total: settled, rows: ofLength(rows, settled) }, isExact }
}

/** Where a row goes: before the first older one, if everything before that is loaded right up to it; else unknown. */
const placeOf = (rows: (ThreadRow | undefined)[], row: ThreadRow): number | null => {
  for (let index = 0; index < rows.length; index++) {
    const other = rows[index]
    if (!other) {
      // The gap may hold newer and older ones.
      return null
    }
    if (isNewer(row, other)) return index
  }
  return rows.length
}
