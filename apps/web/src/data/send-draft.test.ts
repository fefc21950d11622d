import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { app } from './app-state.ts'
import { content, DraftServer, draftOf, fileOf, signIn, storage } from './draft-fixture.ts'
import { addDraft, draftsHere, findDraft, forgetDrafts, patchDraft } from './draft-state.ts'
import { readLocally } from './local-drafts.ts'
import { learnWhetherSent } from './lost-answer.ts'
import { takeBack } from './outbox.ts'
import { changeDraft, saveNow } from './save-drafts.ts'
import { sendDraft } from './send-draft.ts'
import { dismiss, toastsShown } from './toasts.ts'

let server: DraftServer
beforeEach(() => {
  vi.useFakeTimers()
  server = new DraftServer()
  vi.stubGlobal('fetch', server.fetch)
  vi.stubGlobal('localStorage', storage())
  for (const { id } of toastsShown()) dismiss(id)
  signIn('7')
})
afterEach(() => {
  forgetDrafts()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const open = (text = content.text) => {
  server.put(draftOf('a', 1, content))
  return addDraft({ id: 'a', version: 1, content: { ...content, text }, stored: content }).key
}
const send = async (key: string, forMs = 100) => {
  const sending = sendDraft(key, null)
  await vi.advanceTimersByTimeAsync(forMs)
  await sending
}
/** It is taken, and no answer to it gets through. */
const sendUnanswered = async (key: string) => {
  server.losesAnswer = (asked) => asked === 'POST submissions'
  await send(key, 10_000)
  server.losesAnswer = () => false
}
const said = () => toastsShown().map(({ text }) => text)
const states = () => [...server.submissions.values()].map(({ state }) => state)

it('a mail that was taken back in the outbox is sent anew when it is sent again', async () => {
  const key = open()
  await sendUnanswered(key)
  expect(findDraft(key)).toMatchObject({ isClosed: false, attempt: { version: 1 } })
  server.cancel([...server.submissions.keys()][0] ?? '')
  await send(key)
  expect([states(), draftsHere()]).toEqual([['cancelled', 'queued'], []])
})

it('what was written since a mail was taken back is saved in its draft', async () => {
  const key = open()
  await sendUnanswered(key)
  server.cancel([...server.submissions.keys()][0] ?? '')
  changeDraft(key, { text: 'better' })
  expect(await learnWhetherSent(key)).toBe(false)
  await vi.advanceTimersByTimeAsync(2000)
  expect(findDraft(key)).toMatchObject({ id: 'a', version: 2, attempt: null, problem: null })
})

it('a mail that is taken back elsewhere while its answers are lost is not sent anew, and comes back', async () => {
  const key = open()
  let tries = 0
  server.losesAnswer = (asked) => asked === 'POST submissions' && tries++ === 0
  const sending = sendDraft(key, null)
  await vi.advanceTimersByTimeAsync(500)
  server.cancel([...server.submissions.keys()][0] ?? '')
  await vi.advanceTimersByTimeAsync(2000)
  await sending
  expect(states()).toEqual(['cancelled'])
  expect(findDraft(key)).toMatchObject({ isClosed: false, isSending: false, attempt: null })
  expect(findDraft(key)?.problem).toContain('taken back')
})

it('a mail that is taken back comes to the panel that is still open, with what was written there', async () => {
  const key = open()
  await sendUnanswered(key)
  const [id = ''] = server.submissions.keys()
  await takeBack(id)
  expect(draftsHere()).toMatchObject([{ key, id: 'a', attempt: null, problem: null }])
  forgetDrafts()
  const other = open('one, and more')
  server.send('a', 's')
  await takeBack('s')
  expect(draftsHere()).toMatchObject([{ key: other, content: { text: 'one, and more' }, version: 1 }])
})

it('of a mail that failed, or of which nobody knows, it is never said that it was sent', async () => {
  for (const state of ['failed', 'in_doubt'] as const) {
    for (const ask of [(key: string) => send(key), learnWhetherSent]) {
      const key = open()
      await sendUnanswered(key)
      server.send('a', [...server.submissions.keys()].at(-1) ?? '', state)
      await ask(key)
      expect(draftsHere()).toEqual([])
      expect(said().join()).toMatch(state === 'failed' ? /could not be sent/ : /not certain/)
      expect(said().join()).not.toMatch(/\bSent\b/)
      app.set({ outbox: [] })
      server.submissions.clear()
    }
  }
})

it('what is written on a draft that was sent elsewhere is a draft of its own, which is said, and can be sent', async () => {
  const key = open()
  patchDraft(key, { attachments: [fileOf('f')] })
  server.send('a', 's')
  changeDraft(key, { text: 'unsaved' })
  await send(key)
  expect(findDraft(key)).toMatchObject({ isClosed: false, isSending: false, content: { text: 'unsaved' } })
  expect(findDraft(key)?.problem).toMatch(/sent elsewhere.*a draft of its own.*attached to it anew/)
  await send(key)
  expect([states(), draftsHere(), readLocally()]).toEqual([['queued', 'queued'], [], []])
})

it('written on without a line after it was sent without an answer, it goes once as it was, and stays as it is', async () => {
  const key = open()
  await sendUnanswered(key)
  server.isAway = true
  changeDraft(key, { text: 'more' })
  await send(key)
  server.isAway = false
  await send(key)
  expect(states()).toEqual(['queued'])
  expect(findDraft(key)?.problem).toContain('had gone already')
  expect(server.texts()).toEqual(['one', 'more'])
})

it('a draft that is gone is begun anew, and closed says so; one whose sender is gone waits for another', async () => {
  const key = open('kept by this browser')
  server.rows.clear()
  patchDraft(key, { isClosed: true })
  await saveNow(key)
  expect([server.texts(), draftsHere()]).toEqual([['kept by this browser'], []])
  expect(said().join()).toContain('deleted elsewhere')
  const other = open('of nobody')
  const refused = Response.json({ error: { code: 'not_found', message: 'No such identity.' } }, { status: 404 })
  vi.stubGlobal('fetch', (address: string, init: RequestInit) =>
    init.method === 'PUT' ? Promise.resolve(refused.clone()) : server.fetch(address, init),
  )
  await saveNow(other)
  expect(findDraft(other)).toMatchObject({ id: 'a', version: 1, save: { kind: 'failed' } })
})

it('a draft that another device is sending goes with a word when it is sent here, too', async () => {
  const key = open()
  server.send('a', 's')
  await send(key)
  expect([states(), draftsHere(), said()]).toEqual([['queued'], [], [expect.stringContaining('elsewhere')]])
})

it('asked for at another time after it was taken without an answer, it goes once', async () => {
  const key = open()
  await sendUnanswered(key)
  const refused = Response.json({ error: { code: 'request.conflict', message: 'Another one.' } }, { status: 409 })
  vi.stubGlobal('fetch', (address: string, init: RequestInit) =>
    init.method === 'POST' ? Promise.resolve(refused.clone()) : server.fetch(address, init),
  )
  await send(key)
  expect([states(), draftsHere(), said()]).toEqual([['queued'], [], ['Sending …']])
})
