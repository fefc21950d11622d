import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { app } from './app-state.ts'
import { content, DraftServer, draftOf, signIn, storage } from './draft-fixture.ts'
import { addDraft, draftsHere, findDraft, forgetDrafts } from './draft-state.ts'
import { learnWhetherSent } from './lost-answer.ts'
import { takeBack } from './outbox.ts'
import { changeDraft } from './save-drafts.ts'
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
