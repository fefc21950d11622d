import type { Account } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { ThreadRow } from '@postern/shared/messages.ts'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { app, blank } from './app-state.ts'
import { inView } from './apply-change.ts'
import { settleCommand } from './command-results.ts'
import { act } from './commands.ts'
import { emptyList, withPage } from './thread-list.ts'
import { toastsShown } from './toasts.ts'
import { tellDone, undoLast } from './undo-list.ts'

const row = { threadId: '1', messages: 1, latestMessageId: '2' } as ThreadRow // what is looked at here
const shown = () => app.get().lists['7:all']?.rows.map((one) => one?.threadId)
const said = () => toastsShown().map(({ kind, text }) => `${kind}: ${text}`)
let asked: string[]
/** The id of the newest command. */
let given: string
let refusal: Response | undefined
let inverse: { state: string; messages: number; missed: number }

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  refusal = undefined
  vi.stubGlobal('fetch', async (path: string, { method, body }: { method: string; body?: string }) => {
    asked.push(`${method} ${path.replace(/\?.*|[\da-f-]{36}/g, '')}`)
    if (method === 'POST') given = JSON.parse(body ?? '').id
    if (refusal) return refusal
    if (path.endsWith('/undo')) return Response.json({ id: JSON.parse(body ?? '').id, ...inverse })
    return Response.json(method === 'GET' ? { rows: [], total: 0 } : { state: 'pending' })
  })
  app.set({ ...blank, phase: 'ready', lists: { '7:all': withPage(emptyList, 0, [row], 1) } })
  inView.current = { mailboxId: '7', filter: 'all', position: 0 }
})
afterEach(async () => {
  await vi.runAllTimersAsync()
  app.set(blank)
  inView.current = null
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const archiveAndUndo = async () => {
  await act('archive', '7', { kind: 'threads', mailboxId: '7', threadIds: ['1'] })
  expect([shown(), said()]).toEqual([[], ['done: Archived']])
  undoLast()
  expect([shown(), said()]).toEqual([['1'], ['done: Taken back']])
  await vi.advanceTimersByTimeAsync(1)
}

it('what was taken back is left as it was shown at once', async () => {
  inverse = { state: 'done', messages: 0, missed: 0 }
  await archiveAndUndo()
  expect([shown(), said()]).toEqual([['1'], ['done: Taken back']])
  expect(asked).toEqual(['POST /v1/commands', 'POST /v1/commands//undo'])
})

it('what could not be taken back is said, and the list is asked for anew', async () => {
  inverse = { state: 'done', messages: 0, missed: 1 }
  await archiveAndUndo()
  const reason = 'It had been moved or deleted meanwhile: it could not be taken back.'
  expect([shown(), said()]).toEqual([[], [`problem: ${reason}`]])
})

it('what was done last is taken back first, whatever it was, and once', async () => {
  inverse = { state: 'done', messages: 1, missed: 0 }
  const back: string[] = []
  await act('archive', '7', { kind: 'threads', mailboxId: '7', threadIds: ['1'] })
  tellDone('A mailbox is gone', () => void back.push('mailbox'))
  tellDone('There is no way back')
  undoLast()
  expect([back, shown()]).toEqual([['mailbox'], []])
  undoLast()
  undoLast()
  expect([back, shown()]).toEqual([['mailbox'], ['1']])
})

it('what the screen did by itself is told to nobody: neither a refusal nor that it came too late', async () => {
  const target = { kind: 'threads', mailboxId: '7', threadIds: ['1'] } as const
  const end = {
    accountId: '5',
    kind: 'setFlags',
    messages: 1,
    settled: 1,
    missed: 1,
    canUndo: true,
    createdAt: '2026-11-26T10:00:00.000Z',
    error: null,
  } as const
  await act('read', '7', { ...target, threadIds: ['1'] }, { isQuiet: true })
  settleCommand({ ...end, id: given, state: 'done' })
  settleCommand({ ...end, id: given, state: 'failed' })
  refusal = Response.json({ error: { code: 'message.gone', message: 'Gone.' } }, { status: 410 })
  await act('read', '7', { ...target, threadIds: ['1'] }, { isQuiet: true }).catch(() => undefined)
  expect(said()).toEqual([])
  // The same by a person's hand.
  refusal = undefined
  await act('read', '7', { ...target, threadIds: ['1'] })
  settleCommand({ ...end, id: given, state: 'done' })
  expect(said()).toEqual(['problem: It had been moved or deleted meanwhile: nothing was done to it.'])
})

it('that it came too late is said on the page it was done on, whose own notice and undo go where it was for nothing', async () => {
  const target = { kind: 'threads' as const, mailboxId: '7', threadIds: ['1', '2'] }
  const end = {
    ...{ accountId: '5', kind: 'moveToRole' as const, state: 'done' as const, messages: 2, settled: 2 },
    ...{ canUndo: true, createdAt: '2026-11-26T10:00:00.000Z', error: null },
  }
  await act('archive', '7', target)
  // Given in another window.
  settleCommand({ ...end, id: 'other', missed: 2 })
  expect(said()).toEqual(['done: 2 conversations archived'])
  settleCommand({ ...end, id: given, missed: 1 })
  expect(said()).toEqual([
    'done: 2 conversations archived',
    'problem: It had been moved or deleted meanwhile: nothing was done to it.',
  ])
  await act('trash', '7', target)
  settleCommand({ ...end, id: given, missed: 2 })
  expect(said()).toEqual(['problem: 2 had been moved or deleted meanwhile: nothing was done to them.'])
  // The first one can be taken back still, the second one never happened.
  asked = []
  undoLast()
  undoLast()
  await vi.advanceTimersByTimeAsync(1)
  expect(asked.filter((one) => one.endsWith('undo'))).toHaveLength(1)
})

it('what is deleted for good says whether it goes at the provider too, and when', async () => {
  const expunge = async (policy: string, isOnHold: boolean, threadIds = ['1']) => {
    const account = { id: '5', retrieval: { policy: { kind: policy }, isOnHold } } as Account // what is looked at here
    const mailbox = { id: '7', accountId: '5' } as Mailbox // the same
    app.set({ accounts: [account], mailboxes: { '7': mailbox } })
    await act('expunge', '7', { kind: 'threads', mailboxId: '7', threadIds })
    return said()
  }
  const both = 'eleted for good here; what is still at the provider goes with the next look'
  expect(await expunge('whenDeletedHere', false)).toEqual([`done: D${both}`])
  expect(await expunge('whenDeletedHere', false, ['1', '2'])).toEqual([`done: 2 conversations d${both}`])
  for (const [policy, isOnHold] of [
    ['whenDeletedHere', true],
    ['keep', false],
  ] as const)
    expect(await expunge(policy, isOnHold)).toEqual(['done: Deleted for good'])
})
