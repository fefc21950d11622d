import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { app } from './app-state.ts'
import { writing } from './apply-change.ts'
import { content, DraftServer, draftOf, fileOf, signIn, storage } from './draft-fixture.ts'
import { addDraft, draftsHere, findDraft, forgetDrafts, patchDraft } from './draft-state.ts'
import { changeDraft, saveNow } from './save-drafts.ts'
import { startWriting } from './writing.ts'

let server: DraftServer
beforeAll(() => {
  vi.stubGlobal('addEventListener', () => undefined)
  vi.stubGlobal('document', { addEventListener: () => undefined })
  vi.stubGlobal('BroadcastChannel', class {})
  startWriting({ isWindow: true })
})
beforeEach(() => {
  vi.useFakeTimers()
  server = new DraftServer()
  vi.stubGlobal('fetch', server.fetch)
  vi.stubGlobal('localStorage', storage())
  signIn('7')
  app.set({ phase: 'ready' })
})
afterEach(() => {
  forgetDrafts()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const open = () => {
  server.put(draftOf('a', 1, content, [fileOf('old')]))
  return addDraft({ id: 'a', version: 1, content, stored: content, attachments: [fileOf('old')] }).key
}
const files = (key: string) => findDraft(key)?.attachments.map(({ id }) => id)
const hold = (held: string) => {
  let letGo: (_: unknown) => void = () => undefined
  server.waitsFor = (asked) =>
    asked === held
      ? new Promise((done) => {
          letGo = done
        })
      : undefined
  return () => letGo(undefined)
}
const cutLine = async () => {
  app.set({ isOnline: false })
  app.set({ isOnline: true })
  await vi.advanceTimersByTimeAsync(100)
}

it('the answer of a save brings back no file that was taken out meanwhile, and takes none that came', async () => {
  const key = open()
  const letGo = hold('PUT drafts a')
  changeDraft(key, { text: 'more' })
  const saving = saveNow(key)
  patchDraft(key, { attachments: [fileOf('new')] })
  letGo()
  await saving
  expect([findDraft(key)?.version, files(key)]).toEqual([2, ['new']])
})

it('a text that became a draft of its own has the files of that one', async () => {
  const key = open()
  server.write('a', 'from the phone')
  patchDraft(key, { attachments: [] })
  changeDraft(key, { text: 'more' })
  await saveNow(key)
  expect([findDraft(key)?.otherId, files(key)]).toEqual(['a', ['old']])
})

it('files that came or went elsewhere while the line was cut show, but not over what came or went here since', async () => {
  const key = open()
  server.put(draftOf('a', 1, content, [fileOf('elsewhere')]))
  await cutLine()
  expect(files(key)).toEqual(['elsewhere'])
  const letGo = hold('GET drafts a')
  await cutLine()
  patchDraft(key, { attachments: [fileOf('here')] })
  letGo()
  await vi.advanceTimersByTimeAsync(100)
  expect(files(key)).toEqual(['here'])
})

it('an answer that is older than what was told meanwhile does not take its place', async () => {
  const key = open()
  changeDraft(key, { text: 'more' })
  await saveNow(key)
  patchDraft(key, { isFocused: true })
  server.write('a', 'from the phone')
  const letGo = hold('GET drafts a')
  await cutLine()
  writing.listener({ kind: 'draft', draft: draftOf('a', 4, { ...content, text: 'from the phone, later' }) })
  letGo()
  await vi.advanceTimersByTimeAsync(5000)
  expect(findDraft(key)).toMatchObject({ version: 4, content: { text: 'from the phone, later' } })
})

it('a draft that was sent or discarded elsewhere while the line was cut goes', async () => {
  open()
  server.rows.clear()
  await cutLine()
  expect(draftsHere()).toEqual([])
})
