import { maxAttachments } from '@postern/shared/attachment-room.ts'
import type { Draft, DraftAttachment } from '@postern/shared/drafts.ts'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { app, blank } from './app-state.ts'
import { attachedCount, attachFiles, cancelUpload, retryLost, uploadsOf, whenAttached } from './attachments.ts'
import { content } from './draft-fixture.ts'
import { addDraft, findDraft, forgetDrafts } from './draft-state.ts'

const part = (state: DraftAttachment['state']) => ({ id: 'p', state, contentId: null }) as DraftAttachment // what is looked at here
const file = new File(['the map'], 'map.txt')
let sent: number
/** A line that carries nothing. */
class DeadWire {
  upload = {}
  onerror = () => undefined
  open = () => undefined
  setRequestHeader = () => undefined
  send = () => {
    sent += 1
    queueMicrotask(() => this.onerror())
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  sent = 0
  vi.stubGlobal('XMLHttpRequest', DeadWire)
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no line')))
  vi.stubGlobal('localStorage', { setItem: () => undefined, removeItem: () => undefined })
  app.set({ ...blank, session: { user: { id: '7' } } as typeof blank.session }) // as above
})
afterEach(() => {
  forgetDrafts()
  app.set(blank)
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const open = (version = 1, attachments: DraftAttachment[] = []) =>
  addDraft({ id: 'a', version, content, stored: version > 0 ? content : null, attachments }).key
const stateOf = (key: string) => uploadsOf(key).map(({ state }) => state)

it('what the server fetches is asked after, should nobody tell that it has come', async () => {
  const key = open(1, [part('coming')])
  let asked = 0
  let now = part('coming')
  vi.stubGlobal('fetch', async () => {
    asked += 1
    return Response.json({ id: 'a', attachments: [now] } as Draft) // as above
  })
  let isAttached = false
  void whenAttached(key).then(() => {
    isAttached = true
  })
  await vi.advanceTimersByTimeAsync(11_000)
  expect([asked, isAttached]).toEqual([1, false])
  now = part('here')
  await vi.advanceTimersByTimeAsync(10_000)
  expect([asked, isAttached, findDraft(key)?.attachments]).toEqual([2, true, [part('here')]])
  await vi.advanceTimersByTimeAsync(30_000)
  expect(asked).toBe(2)
})

it('a file that the line did not carry is still on its way, and is given up in the end', async () => {
  const key = open()
  const [id = ''] = attachFiles(key, [file])
  await vi.advanceTimersByTimeAsync(500)
  expect([sent, findDraft(key)?.uploading, stateOf(key)]).toEqual([1, 1, [expect.objectContaining({ kind: 'lost' })]])
  await vi.advanceTimersByTimeAsync(60_000)
  // Counted anew from here.
  retryLost()
  sent = 0
  await vi.advanceTimersByTimeAsync(600_000)
  expect([sent, findDraft(key)?.uploading, stateOf(key)]).toEqual([
    10,
    0,
    [{ kind: 'failed', reason: 'It could not be sent to Postern.' }],
  ])
  cancelUpload(id)
})

it('a file for a draft that could not be saved without a line waits with it', async () => {
  const key = open(0)
  const [id = ''] = attachFiles(key, [file])
  await vi.advanceTimersByTimeAsync(500)
  expect([sent, findDraft(key)?.uploading, stateOf(key)]).toEqual([0, 1, [expect.objectContaining({ kind: 'lost' })]])
  cancelUpload(id)
})

it('a file that is gone from the disk is not sent for ever', async () => {
  const key = open()
  const gone = new File(['old'], 'gone.txt')
  gone.slice = () =>
    ({ arrayBuffer: () => Promise.reject(new DOMException('', 'NotReadableError')) }) as unknown as Blob // as above
  const [id = ''] = attachFiles(key, [gone])
  await vi.advanceTimersByTimeAsync(60_000)
  expect([sent, stateOf(key)]).toEqual([
    0,
    [{ kind: 'failed', reason: expect.stringContaining('cannot be read any more') }],
  ])
  cancelUpload(id)
})

it('more files than a mail takes are refused before anything of them is sent, until another one is taken out', async () => {
  const key = open(
    1,
    Array.from({ length: maxAttachments - 1 }, () => part('here')),
  )
  const [last = '', tooMany = ''] = attachFiles(key, [file, file])
  expect([attachedCount(key), stateOf(key)]).toEqual([
    maxAttachments,
    [expect.objectContaining({ kind: 'sending' }), { kind: 'refused', reason: 'A mail has at most 500 attachments.' }],
  ])
  await vi.advanceTimersByTimeAsync(500)
  expect(sent).toBe(1)
  cancelUpload(last)
  cancelUpload(tooMany)
  const [again = ''] = attachFiles(key, [file])
  expect(stateOf(key)).toEqual([expect.objectContaining({ kind: 'sending' })])
  cancelUpload(again)
})
