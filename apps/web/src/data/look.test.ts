import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { lookNow } from './look.ts'

const open = {
  id: '9',
  state: 'running',
  arrived: null,
  completed: null,
  removed: null,
  waitsUntil: null,
  problem: null,
}
let ends: object[]
let asked: string[]
beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  vi.stubGlobal('fetch', async (path: string, { method, signal }: RequestInit) => {
    signal?.throwIfAborted()
    asked.push(`${method} ${path}`)
    if (path === '/v1/accounts/7') return Response.json({ id: '7' })
    return Response.json({ ...open, ...(method === 'GET' ? ends.shift() : {}) })
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** What is said of a look whose state is asked for once for each of these. */
const told = async (...answers: object[]): Promise<string> => {
  ends = answers
  const said = lookNow('7').catch((error: Error & { detail?: { hint?: string } }) => error)
  await vi.runAllTimersAsync()
  const end = await said
  return typeof end === 'string' ? end : `${end.message} ${end.detail?.hint}`
}

it('a look that was asked for is followed to its end, and its end is said in words', async () => {
  expect(await told({}, {}, { state: 'done', arrived: 1200 })).toBe(`${(1200).toLocaleString()} new mails`)
  const look = 'GET /v1/accounts/7/syncs/9'
  expect(asked).toEqual(['POST /v1/accounts/7/sync', look, look, look, 'GET /v1/accounts/7'])
  expect(await told({ state: 'done', arrived: 1 })).toBe('1 new mail')
  expect(await told({ state: 'done', arrived: 0, completed: 0 })).toBe('Nothing new')
  expect(await told({ state: 'done', arrived: 0, completed: 1 })).toBe('Came: the rest of 1 mail')
  expect(await told({ state: 'done', arrived: 2, completed: 3 })).toBe('Came: 2 new mails, the rest of 3 mails')
  expect(await told({ state: 'done', arrived: 0, removed: 12 })).toBe('Removed at the provider: 12 mails')
  expect(await told({ state: 'done', arrived: 1, removed: 1 })).toBe('1 new mail. Removed at the provider: 1 mail')
  expect(await told({ state: 'done', waitsUntil: '2026-11-26T10:00:00.000Z' })).toMatch(
    /^The server allows the next look at .+\. It comes by itself\.$/,
  )
  const problem = { code: 'connect.refused', message: 'Nothing answers.', hint: 'Check the port.' }
  expect(await told({ state: 'failed', problem })).toBe('Nothing answers. Check the port.')
})

it('a look that goes on for longer than a minute is said to go on, and is followed no more', async () => {
  const running = Array.from({ length: 100 }, () => ({}))
  expect(await told(...running)).toBe('The look takes longer: it goes on, and what comes shows by itself.')
  expect(asked.length).toBeLessThan(40)
})
