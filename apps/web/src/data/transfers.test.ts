import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { Transfer } from '@postern/shared/transfers.ts'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { app, blank } from './app-state.ts'
import { toastsShown } from './toasts.ts'
import {
  askTransfer,
  cancelTransfer,
  dismissTransfers,
  forgetTransfers,
  resumeTransfers,
  startImport,
  startUpload,
  transfersShown,
} from './transfers.ts'

const mailbox = { id: '7' } as Mailbox // what is looked at here
const transfer = (id: string, state: Transfer['state'], { open = 0, refusedMails = 0, isCutOff = false } = {}) =>
  ({ id, state, open, refusedMails, isCutOff }) as Transfer // as above
const shown = () => transfersShown().map((one) => `${one.transfer.id} ${one.transfer.state} ${one.sender}`)
let asked: string[]
let answers: Record<string, Response>

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  answers = {}
  vi.stubGlobal('fetch', async (path: string, { method, body }: RequestInit) => {
    asked.push(`${method} ${path}`)
    if (path.endsWith('/finish')) asked.push(`${body}`)
    return answers[`${method} ${path}`]?.clone() ?? Response.json({ error: { code: 'not_found' } }, { status: 404 })
  })
  app.set({ ...blank, phase: 'ready' })
})
afterEach(async () => {
  app.set(blank)
  await vi.runAllTimersAsync()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const begin = async (id: string) => {
  askTransfer({ kind: 'upload', mailbox })
  answers['POST /v1/mailboxes/7/uploads'] = Response.json(transfer(id, 'working'))
  answers[`GET /v1/transfers/${id}`] = Response.json(transfer(id, 'working'))
  await startUpload(mailbox, '8')
  await vi.advanceTimersByTimeAsync(2000)
  expect(shown()).toEqual([`${id} working here`])
}

it('a transfer that went with its account is looked at no more', async () => {
  await begin('1')
  delete answers['GET /v1/transfers/1']
  await vi.advanceTimersByTimeAsync(2000)
  expect(shown()).toEqual([])
  const before = asked.length
  await vi.advanceTimersByTimeAsync(5000)
  expect(asked).toHaveLength(before)
})

it('of a cancelled one is looked until what was on its way has come to its end', async () => {
  await begin('6')
  answers['GET /v1/transfers/6'] = Response.json(transfer('6', 'cancelled', { open: 1 }))
  await vi.advanceTimersByTimeAsync(2000)
  const before = asked.length
  answers['GET /v1/transfers/6'] = Response.json(transfer('6', 'cancelled'))
  await vi.advanceTimersByTimeAsync(5000)
  expect([asked.length, shown()]).toEqual([before + 1, ['6 cancelled here']])
  answers['POST /v1/transfers/dismiss'] = new Response(null, { status: 204 })
  await dismissTransfers(['6'])
})

it('what one person brings in is not shown to the next, and waits while only the password is asked for', async () => {
  await begin('2')
  app.set({ phase: 'expired' })
  const before = asked.length
  await vi.advanceTimersByTimeAsync(5000)
  expect([asked.length, shown()]).toEqual([before, ['2 working here']])
  app.set({ ...blank, phase: 'signedOut' })
  await vi.advanceTimersByTimeAsync(2000)
  expect([asked.length, shown()]).toEqual([before, []])
})

it('what runs, was cut off or left something out, is shown by a page that comes later, and put away once it has ended', async () => {
  const leftOut = { refusedMails: 1 }
  const running = [transfer('3', 'working'), transfer('5', 'receiving'), transfer('9', 'working')]
  const cutOff = transfer('2', 'done', { isCutOff: true })
  const transfers = [...running, transfer('4', 'done', leftOut), transfer('8', 'done'), cutOff]
  answers['GET /v1/transfers'] = Response.json({ transfers })
  answers['GET /v1/transfers/3'] = Response.json(transfer('3', 'done', leftOut))
  answers['GET /v1/transfers/9'] = Response.json(transfer('9', 'done'))
  answers['GET /v1/transfers/5'] = Response.json(transfer('5', 'receiving'))
  await resumeTransfers()
  await resumeTransfers()
  const atFirst = ['3 working elsewhere', '5 receiving elsewhere', '9 working elsewhere', '4 done elsewhere']
  expect(shown()).toEqual([...atFirst, '2 done elsewhere'])
  expect(app.get().hasTransfers).toBe(true)
  await vi.advanceTimersByTimeAsync(2000)
  expect(asked).not.toContain('GET /v1/transfers/4')
  const ended = ['2 done elsewhere', '3 done elsewhere', '4 done elsewhere']
  expect(shown().toSorted()).toEqual([...ended, '5 receiving elsewhere'])
  // What could not be said is not done.
  await dismissTransfers(['2', '3', '4', '5'])
  expect(shown().toSorted()).toEqual([...ended, '5 receiving elsewhere'])
  answers['POST /v1/transfers/dismiss'] = new Response(null, { status: 204 })
  await dismissTransfers(['2', '3', '4', '5'])
  expect(shown()).toEqual(['5 receiving elsewhere'])
})

it('what a Maildir holds below goes into mailboxes of those names, made when missing, and what cannot be made is told', async () => {
  for (const name of ['addEventListener', 'removeEventListener']) vi.stubGlobal(name, () => undefined)
  const place = (id: string, name: string) => ({ id, name, accountId: '1', parentId: '7' }) as Mailbox // as above
  app.set({ hasTransfers: true, mailboxes: { '9': place('9', 'Known') } })
  for (const [into, id] of Object.entries({ 7: '3', 8: '4', 9: '5' })) {
    answers[`POST /v1/mailboxes/${into}/imports`] = Response.json(transfer(id, 'done'))
    answers[`GET /v1/transfers/${id}`] = Response.json(transfer(id, 'done'))
  }
  answers['POST /v1/accounts/1/mailboxes'] = Response.json(place('8', 'New'))
  answers['POST /v1/accounts/2/mailboxes'] = Response.json(
    { error: { code: 'internal', message: 'No.' } },
    { status: 500 },
  )
  const folders = (...names: string[]) => [[], ...names.map((name) => [name])].map((names) => ({ names, files: [] }))
  const mailbox = { ...place('7', 'Old'), parentId: null }
  const made = () => asked.splice(0).filter((line) => /^POST .*(mailboxes|imports)$/.test(line))
  await startImport(mailbox, folders('known', 'New'))
  await vi.advanceTimersByTimeAsync(0)
  const own = 'POST /v1/mailboxes/7/imports'
  const below = ['POST /v1/mailboxes/9/imports', 'POST /v1/accounts/1/mailboxes', 'POST /v1/mailboxes/8/imports']
  expect(made()).toEqual([own, ...below])
  await startImport({ ...mailbox, accountId: '2' }, folders('Refused', 'known'))
  await vi.advanceTimersByTimeAsync(0)
  expect(made()).toEqual([own, 'POST /v1/accounts/2/mailboxes', 'POST /v1/mailboxes/9/imports'])
  const told = transfersShown().find((one) => one.transfer.id === '3')?.refusedFiles
  expect(told).toEqual([{ name: 'Refused (0)', reason: 'No.' }])
})

it('what cannot be made below is told where the import itself was put away meanwhile', async () => {
  for (const name of ['addEventListener', 'removeEventListener']) vi.stubGlobal(name, () => undefined)
  app.set({ hasTransfers: true })
  answers['POST /v1/mailboxes/7/imports'] = Response.json(transfer('3', 'done'))
  answers['POST /v1/accounts/1/mailboxes'] = Response.json(
    { error: { code: 'internal', message: 'No.' } },
    { status: 500 },
  )
  const folders = [[], ['Refused']].map((names) => ({ names, files: [] }))
  await startImport({ ...mailbox, accountId: '1' }, folders)
  forgetTransfers(['3'])
  await vi.advanceTimersByTimeAsync(0)
  expect(toastsShown()).toMatchObject([{ kind: 'problem', text: 'Refused (0): No.' }])
})

/** An import whose files do not arrive. */
const hold = () => {
  for (const name of ['addEventListener', 'removeEventListener']) vi.stubGlobal(name, () => undefined)
  app.set({ hasTransfers: true })
  answers['POST /v1/mailboxes/7/imports'] = Response.json(transfer('3', 'receiving'))
  answers['GET /v1/transfers/3'] = Response.json(transfer('3', 'receiving'))
  const { fetch } = globalThis
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    if (!path.includes('/content')) return fetch(path, init)
    asked.push('content')
    return new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(new Error('aborted'))))
  })
  return [{ file: new File(['From: a'], 'a.eml'), path: 'a.eml' }]
}

it('what is cancelled while its files are sent is neither finished nor gone on with below', async () => {
  const files = hold()
  answers['DELETE /v1/transfers/3'] = new Response(null, { status: 204 })
  await startImport(
    mailbox,
    [[], ['Below']].map((names) => ({ names, files })),
  )
  await vi.waitUntil(() => asked.includes('content'))
  await cancelTransfer('3')
  await vi.advanceTimersByTimeAsync(0)
  expect(asked.filter((line) => !line.startsWith('GET'))).toEqual([
    'POST /v1/mailboxes/7/imports',
    'content',
    'DELETE /v1/transfers/3',
  ])
})

it('what could not be cancelled is broken off, and what had arrived is carried out', async () => {
  await startImport(mailbox, [{ names: [], files: hold() }])
  await vi.waitUntil(() => asked.includes('content'))
  answers['DELETE /v1/transfers/3'] = Response.json({ error: { code: 'internal' } }, { status: 500 })
  await cancelTransfer('3')
  expect(asked.filter((line) => /DELETE|finish|isCutOff/.test(line))).toEqual([
    'DELETE /v1/transfers/3',
    'POST /v1/transfers/3/finish',
    '{"isCutOff":true}',
  ])
  expect(shown()).toEqual(['3 receiving brokenOff'])
})
