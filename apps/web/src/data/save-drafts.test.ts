import type { DraftContent } from '@postern/shared/drafts.ts'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { content, draftOf, signIn, storage } from './draft-fixture.ts'
import { addDraft, draftsHere, findDraft, forgetDrafts, patchDraft } from './draft-state.ts'
import { readLocally } from './local-drafts.ts'
import { changeDraft, saveNow, settle } from './save-drafts.ts'

/** What the server has, and how it answers the next save. */
let server: { version: number; text: string }
type Save = { baseVersion: number; content: DraftContent }
let answer: (save: Save) => Promise<Response>

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('localStorage', storage())
  server = { version: 1, text: 'one' }
  answer = async (save) => {
    const isOther = save.baseVersion !== server.version
    if (!isOther) server = { version: server.version + 1, text: save.content.text }
    return Response.json({
      draft: draftOf(isOther ? 'other' : 'a', isOther ? 1 : server.version, save.content),
      isOther,
    })
  }
  vi.stubGlobal('fetch', (_path: string, { body }: RequestInit) => answer(JSON.parse(String(body))))
  signIn('7')
})
afterEach(() => {
  forgetDrafts()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const open = () => addDraft({ id: 'a', version: 1, content, stored: content }).key
const kept = () => readLocally().map((one) => `${one.id} ${one.version} ${one.content.text}`)
const shown = (key: string) => findDraft(key)

it('what is written is in this browser at once, at the server within two seconds, and then no longer here', async () => {
  const key = open()
  changeDraft(key, { text: 'one two' })
  expect(kept()).toEqual(['a 1 one two'])
  await vi.advanceTimersByTimeAsync(2000)
  expect(server).toEqual({ version: 2, text: 'one two' })
  expect([shown(key)?.save.kind, shown(key)?.version, kept()]).toEqual(['saved', 2, []])
})

it('nobody else who signs in here sees what was left', () => {
  changeDraft(open(), { text: 'mine' })
  signIn('8')
  expect(kept()).toEqual([])
  signIn('7')
  expect(kept()).toEqual(['a 1 mine'])
})

it('what is written while a save is on its way is saved after it, upon its version', async () => {
  const key = open()
  const usual = answer
  let let_go = () => undefined as unknown
  answer = async (save) => {
    answer = usual
    await new Promise((done) => {
      let_go = () => done(undefined)
    })
    return usual(save)
  }
  changeDraft(key, { text: 'first' })
  await vi.advanceTimersByTimeAsync(1500)
  changeDraft(key, { text: 'first and second' })
  let_go()
  await vi.advanceTimersByTimeAsync(100)
  expect(server).toEqual({ version: 3, text: 'first and second' })
  expect(kept()).toEqual([])
})

it('without a connection it stays in this browser, says so, and goes when there is one', async () => {
  const key = open()
  const usual = answer
  answer = async () => {
    throw new TypeError('network')
  }
  changeDraft(key, { text: 'offline' })
  await vi.advanceTimersByTimeAsync(1500)
  expect([shown(key)?.save.kind, kept()]).toEqual(['offline', ['a 1 offline']])
  answer = usual
  await vi.advanceTimersByTimeAsync(10_000)
  expect([shown(key)?.save.kind, server.text, kept()]).toEqual(['saved', 'offline', []])
})

it('where somebody else wrote meanwhile, this text goes on as a draft of its own', async () => {
  const key = open()
  server = { version: 5, text: 'theirs' }
  changeDraft(key, { text: 'mine' })
  await saveNow(key)
  expect(shown(key)).toMatchObject({ id: 'other', version: 1, otherId: 'a', content: { text: 'mine' } })
  expect([server.text, kept()]).toEqual(['theirs', []])
})

it('a newer text shows as soon as nobody writes here, and not before', async () => {
  const key = open()
  changeDraft(key, { text: 'two' })
  await saveNow(key)
  patchDraft(key, { isFocused: true, newer: draftOf('a', 3, { ...content, text: 'newer' }) })
  settle(key)
  await vi.advanceTimersByTimeAsync(1900)
  expect(shown(key)?.content.text).toBe('two')
  await vi.advanceTimersByTimeAsync(200)
  expect(shown(key)).toMatchObject({ version: 3, content: { text: 'newer' }, revision: 1, newer: null })
  // Whoever left writes no more.
  changeDraft(key, { text: 'four' })
  await saveNow(key)
  patchDraft(key, { isFocused: false, newer: draftOf('a', 5, { ...content, text: 'newest' }) })
  settle(key)
  expect(shown(key)?.content.text).toBe('newest')
})

it('one that was closed goes when it is saved, and stays until then', async () => {
  const key = open()
  changeDraft(key, { text: 'closing' })
  patchDraft(key, { isClosed: true })
  settle(key)
  expect(draftsHere()).toHaveLength(1)
  await saveNow(key)
  expect([draftsHere(), server.text]).toEqual([[], 'closing'])
})

it('one that was closed waits for the files that are on their way to it, and for its sending', async () => {
  const key = open()
  patchDraft(key, { isClosed: true, uploading: 1, isSending: true })
  await saveNow(key)
  patchDraft(key, { isSending: false })
  settle(key)
  expect(draftsHere()).toHaveLength(1)
  patchDraft(key, { uploading: 0 })
  settle(key)
  expect(draftsHere()).toEqual([])
})

it('written on after it was sent without an answer, it is another mail, and says that the first one went', async () => {
  const key = open()
  patchDraft(key, { attempt: { submissionId: 's', version: 1 } })
  const gone = { error: { code: 'not_found', message: 'There is no such draft.' } }
  vi.stubGlobal(
    'fetch',
    (path: string, { body }: RequestInit) =>
      path.endsWith('/drafts/a')
        ? Response.json(gone, { status: 404 })
        : path.endsWith('/submissions/s')
          ? Response.json({ id: 's', state: 'sent' })
          : answer({ ...(JSON.parse(String(body)) as Save), baseVersion: server.version }), // as it is sent above
  )
  changeDraft(key, { text: 'one more' })
  await saveNow(key)
  expect(shown(key)).toMatchObject({ attempt: null, save: { kind: 'saved' }, problem: expect.stringContaining('gone') })
  expect([server.text, kept()]).toEqual(['one more', []])
})

it('a save that was taken without an answer makes no second draft of what was written since', async () => {
  const key = open()
  const usual = answer
  answer = async (save) => {
    await usual(save)
    throw new TypeError('network')
  }
  changeDraft(key, { text: 'taken' })
  await saveNow(key)
  // The server answers the same content upon the same version as it did before.
  answer = async (save) =>
    save.content.text === server.text && save.baseVersion === server.version - 1
      ? Response.json({ draft: draftOf('a', server.version, save.content), isOther: false })
      : usual(save)
  changeDraft(key, { text: 'taken, and more' })
  await saveNow(key)
  expect(shown(key)).toMatchObject({ id: 'a', version: 3, otherId: null, save: { kind: 'saved' }, tried: null })
  expect([server.text, kept()]).toEqual(['taken, and more', []])
})
