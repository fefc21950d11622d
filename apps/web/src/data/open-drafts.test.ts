import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { content, DraftServer, draftOf, signIn, storage } from './draft-fixture.ts'
import { addDraft, draftsHere, findDraft, forgetDrafts } from './draft-state.ts'
import { closeDraft, discardDraft } from './open-drafts.ts'
import { changeDraft } from './save-drafts.ts'
import { dismiss, toastsShown } from './toasts.ts'
import { undoLast } from './undo-list.ts'

let server: DraftServer
beforeEach(() => {
  vi.useFakeTimers()
  server = new DraftServer()
  vi.stubGlobal('fetch', server.fetch)
  vi.stubGlobal('localStorage', storage())
  vi.stubGlobal('sessionStorage', storage())
  vi.stubGlobal('document', { querySelector: () => null, activeElement: null })
  for (const { id } of toastsShown()) dismiss(id)
  signIn('7')
})
afterEach(() => {
  forgetDrafts()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A reply that was begun here: the server has it without the signature. */
const begin = () => {
  const draft = draftOf('a', 1, content)
  server.put(draft)
  const signed = { ...content, text: 'one\n-- \nRobin' }
  return addDraft({
    id: 'a',
    version: 1,
    content: signed,
    stored: content,
    begun: { content: signed, attachments: [] },
  }).key
}
const said = () => toastsShown().map(({ text }) => text)
const settled = () => vi.advanceTimersByTimeAsync(100)

it('what nothing was written into goes when it is closed, and what another device wrote into it stays', async () => {
  closeDraft(begin())
  await settled()
  expect([server.texts(), draftsHere()]).toEqual([[], []])
  const key = begin()
  server.write('a', 'from the phone')
  closeDraft(key)
  await settled()
  expect([server.texts(), draftsHere(), server.asked]).toEqual([
    ['from the phone'],
    [],
    ['DELETE drafts a', 'DELETE drafts a'],
  ])
})

it('what another device wrote is not discarded unseen: it shows, and nothing offers to bring it back', async () => {
  const key = begin()
  server.write('a', 'from the phone')
  discardDraft(key)
  await settled()
  expect(server.texts()).toEqual(['from the phone'])
  expect(findDraft(key)).toMatchObject({ version: 2, content: { text: 'from the phone' } })
  expect(said()).toEqual([expect.stringContaining('changed elsewhere')])
  undoLast()
  await settled()
  expect(draftsHere()).toHaveLength(1)
})

it('discarded while a save is under way goes what was saved, and never the text of another device', async () => {
  const key = begin()
  server.write('a', 'from the phone')
  let letGo: (_: unknown) => void = () => undefined
  server.waitsFor = (asked) =>
    asked === 'PUT drafts a'
      ? new Promise((done) => {
          letGo = done
        })
      : undefined
  changeDraft(key, { text: 'from here' })
  await vi.advanceTimersByTimeAsync(1100)
  discardDraft(key)
  letGo(undefined)
  await settled()
  expect([server.texts(), draftsHere()]).toEqual([['from the phone'], []])
  undoLast()
  await settled()
  expect(server.texts()).toEqual(['from the phone', 'from here'])
  expect(draftsHere()).toMatchObject([{ id: 'a-beside', content: { text: 'from here' }, save: { kind: 'saved' } }])
})
