import { rowsPerPage } from '@postern/shared/start-path.ts'
import { call, failureOf } from './api.ts'
import { app, type Filter, listKey } from './app-state.ts'
import { emptyList, withPage } from './thread-list.ts'

/**
 * Fetches the rows of lists. An answer is a picture of the past: what was changed meanwhile, here or by the change log, must
 * not be painted over, so such an answer is thrown away and asked for again.
 */
export const pageSize = rowsPerPage
const maxAsks = 3

type Load = { work: Promise<void>; isFresh: boolean }
const loading = new Map<string, Load>()
const changes = new Map<string, number>()
const sending = new Set<Promise<unknown>>()

/** Says that the mailbox's lists are other ones now than when a request under way was sent. */
export const noteChange = (mailboxId: string): void => {
  changes.set(mailboxId, (changes.get(mailboxId) ?? 0) + 1)
}

/** A command on its way. Lists wait for it: before the server has it, its answers show what was before. */
export const whileSending = <Answer>(work: Promise<Answer>): Promise<Answer> => {
  sending.add(work)
  const done = () => void sending.delete(work)
  work.then(done, done)
  return work
}

const ask = async (mailboxId: string, filter: Filter, start: number) => {
  for (let asked = 1; ; asked++) {
    await Promise.allSettled(sending)
    const before = changes.get(mailboxId)
    const answer = await call('listThreads', 'GET', `/v1/mailboxes/${mailboxId}/threads`, {
      query: { filter, limit: pageSize, ...(start > 0 ? { position: start } : {}) },
    })
    if (changes.get(mailboxId) === before || asked === maxAsks) return answer
  }
}

/**
 * Makes sure the rows around a position are here, and new when they are known to be stale. Asked again while under way, it
 * waits for the same answer.
 */
export const loadRows = (
  mailboxId: string,
  filter: Filter,
  position: number,
  { isFresh = false, isStale = false }: { isFresh?: boolean; isStale?: boolean } = {},
): Promise<void> => {
  const key = listKey(mailboxId, filter)
  const start = Math.max(0, Math.floor(position / pageSize) * pageSize)
  const list = app.get().lists[key]
  if (
    !isFresh &&
    !isStale &&
    list?.status === 'ready' &&
    list.rows.slice(start, Math.min(start + pageSize, list.total)).every((row) => row !== undefined)
  )
    return Promise.resolve()
  const name = `${key}:${start}`
  const under = loading.get(name)
  if (under) {
    under.isFresh ||= isFresh
    return under.work
  }
  const load: Load = { isFresh, work: Promise.resolve() }
  const setList = (change: (list: typeof emptyList) => typeof emptyList) =>
    app.set(({ lists }) => ({ lists: { ...lists, [key]: change(lists[key] ?? emptyList) } }))
  if (list?.status === 'failed') setList((old) => ({ ...old, status: 'loading' }))
  load.work = ask(mailboxId, filter, start)
    .then(
      ({ rows, total, next }) =>
        setList((old) => {
          const list = load.isFresh && start === 0 ? emptyList : old
          const end = start + rows.length
          // Filtered lists are not counted: one row more than is known, until their end is.
          return withPage(list, start, rows, total ?? (next === undefined ? end : Math.max(list.total, end + 1)))
        }),
      (error: unknown) => setList((old) => ({ ...old, status: failureOf(error) })),
    )
    .finally(() => loading.delete(name))
  loading.set(name, load)
  return load.work
}

/** Long enough that the many batches of a first sync lead to few requests. */
const gatherMs = 300
const arrivedTexts = new Set<string>()

/** Texts of messages came: rows that stand without a preview for want of them are asked for again. */
export const notePreviews = (messageIds: string[]): void => {
  if (arrivedTexts.size === 0) setTimeout(fillPreviews, gatherMs)
  for (const id of messageIds) arrivedTexts.add(id)
}

const fillPreviews = (): void => {
  const arrived = new Set(arrivedTexts)
  arrivedTexts.clear()
  for (const [key, { rows }] of Object.entries(app.get().lists)) {
    const bare = rows.flatMap((row, index) =>
      row && row.preview === '' && arrived.has(row.latestMessageId) ? [Math.floor(index / pageSize)] : [],
    )
    if (bare.length === 0) continue
    const [mailboxId = '', filter] = key.split(':')
    noteChange(mailboxId)
    // A key is made of a mailbox and a filter.
    for (const page of new Set(bare)) void loadRows(mailboxId, filter as Filter, page * pageSize, { isStale: true })
  }
}

/** Lists are asked for again where they are in view; others are simply forgotten. */
export const refreshMailbox = (
  mailboxId: string,
  visible: { mailboxId: string; filter: Filter; position: number } | null,
): void => {
  noteChange(mailboxId)
  app.set((state) => ({
    lists: Object.fromEntries(
      Object.entries(state.lists).filter(
        ([key]) => !key.startsWith(`${mailboxId}:`) || (visible && key === listKey(visible.mailboxId, visible.filter)),
      ),
    ),
  }))
  if (visible?.mailboxId !== mailboxId) return
  const key = listKey(mailboxId, visible.filter)
  const first = Math.floor(visible.position / pageSize) * pageSize
  const inSight = (index: number) => index >= first && index < first + 2 * pageSize
  // Further up and down other rows stand now: they are asked for when somebody looks there.
  app.set(({ lists }) => {
    const list = lists[key]
    const rows = list?.rows.map((row, index) => (inSight(index) ? row : undefined))
    return list && rows ? { lists: { ...lists, [key]: { ...list, rows } } } : {}
  })
  void loadRows(mailboxId, visible.filter, first, { isFresh: true })
  const isNextHere = app.get().lists[key]?.rows[first + pageSize] !== undefined
  if (first > 0 && isNextHere) void loadRows(mailboxId, visible.filter, first + pageSize, { isFresh: true })
}

/** Too much was missed: only what is in view stays, until its answer is here. */
export const refreshAll = (visible: Parameters<typeof refreshMailbox>[1]): void => {
  const kept = visible && listKey(visible.mailboxId, visible.filter)
  app.set(({ lists }) => ({
    lists: Object.fromEntries(Object.entries(lists).filter(([key]) => key === kept)),
    threads: {},
  }))
  if (visible) refreshMailbox(visible.mailboxId, visible)
}
