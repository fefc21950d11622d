import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { attachPicture, uploadsOf } from './attachments.ts'
import { content, DraftServer, draftOf, fileOf, signIn, storage } from './draft-fixture.ts'
import { addDraft, draftsHere, findDraft, forgetDrafts, patchDraft } from './draft-state.ts'
import { sendWhole } from './send-whole.ts'
import { dismiss, toastsShown } from './toasts.ts'
import { undoLast } from './undo-list.ts'
import { writePlain } from './written-format.ts'

/** As far as pictures are looked for in what is written. */
class Reader {
  parseFromString = (html: string) => {
    const images = [...html.matchAll(/src="([^"]*)"/g)].map(([, src]) => ({
      closest: () => null,
      getAttribute: () => src,
    }))
    const body = { textContent: 'written', childNodes: [], querySelectorAll: () => [], cloneNode: () => body }
    return { body, querySelectorAll: () => images }
  }
}
/** A line on which nothing arrives. */
class SlowWire {
  upload = {}
  open = () => undefined
  setRequestHeader = () => undefined
  send = () => undefined
  abort = () => undefined
}

let server: DraftServer
beforeEach(() => {
  vi.useFakeTimers()
  server = new DraftServer()
  vi.stubGlobal('fetch', server.fetch)
  vi.stubGlobal('localStorage', storage())
  vi.stubGlobal('DOMParser', Reader)
  const createElement = () => ({ setAttribute: () => undefined, outerHTML: '' })
  const implementation = { createHTMLDocument: () => ({ createElement }) }
  vi.stubGlobal('document', { implementation, querySelector: () => null })
  vi.stubGlobal('XMLHttpRequest', SlowWire)
  for (const { id } of toastsShown()) dismiss(id)
  signIn('7')
})
afterEach(() => {
  forgetDrafts()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const open = (ids: string[] = []) => {
  const html = ids.map((id) => `<img src="cid:${id}@postern">`).join('')
  const attachments = ids.map((id) => ({ ...fileOf(id), contentId: `${id}@postern` }))
  const draft = draftOf('a', 1, { ...content, html }, attachments)
  server.put(draft)
  return addDraft({ id: 'a', version: 1, content: draft.content, stored: draft.content, attachments }).key
}
const send = (key: string) => sendWhole(key, { seen: findDraft(key)?.revision, sendAt: null })
const settled = () => vi.advanceTimersByTimeAsync(500)

it('nothing goes that nobody has seen: what came from elsewhere while a question was open is shown first', async () => {
  const key = open()
  const seen = findDraft(key)?.revision
  patchDraft(key, { revision: 1 })
  await sendWhole(key, { seen, sendAt: null })
  expect(findDraft(key)).toMatchObject({
    isClosed: false,
    isSending: false,
    problem: expect.stringContaining('elsewhere'),
  })
  expect(server.asked).toEqual([])
})

it('its panel is shut before anything is done that may show what came from elsewhere in it', async () => {
  const key = open()
  const shut: (boolean | undefined)[] = []
  const note = () => {
    shut.push(findDraft(key)?.isClosed)
    return null
  }
  vi.stubGlobal('document', { ...document, querySelector: note })
  void send(key)
  await settled()
  expect(findDraft(key)?.isClosed ?? true).toBe(true)
  expect(shut).not.toContain(false)
})

it('a mail that becomes plain goes when all of its pictures have gone', async () => {
  const key = open(['one', 'two'])
  let letGo: (_: unknown) => void = () => undefined
  server.waitsFor = (asked) =>
    asked === 'DELETE drafts a attachments'
      ? new Promise((done) => {
          letGo = done
        })
      : undefined
  void writePlain(key, 'out')
  void send(key)
  await settled()
  letGo(undefined)
  await settled()
  // No way back is offered out of a mail that is being sent.
  undoLast()
  await settled()
  expect(findDraft(key)).toMatchObject({ isSending: true, content: { html: null } })
  expect(server.asked).not.toContain('POST submissions')
  letGo(undefined)
  await settled()
  expect([draftsHere(), server.asked.at(-1)]).toEqual([[], 'POST submissions'])
})

it('where pictures did not go it is said, and the mail comes back, once', async () => {
  const key = open(['one', 'two'])
  server.losesAnswer = (asked) => asked === 'DELETE drafts a attachments'
  void writePlain(key, 'out')
  await settled()
  expect(toastsShown().map(({ kind }) => kind)).toContain('problem')
  await send(key)
  expect(findDraft(key)).toMatchObject({
    isClosed: false,
    isSending: false,
    problem: expect.stringContaining('pictures'),
  })
  void send(key)
  await settled()
  expect([draftsHere(), server.asked.at(-1)]).toEqual([[], 'POST submissions'])
})

it('pictures that were still on their way go on their way again when the change is taken back', async () => {
  const key = open()
  const source = attachPicture(key, new File(['dot'], 'dot.png', { type: 'image/png' }))
  patchDraft(key, { content: { ...content, html: `<img src="${source}">` } })
  await settled()
  await writePlain(key, 'out')
  expect(uploadsOf(key)).toEqual([])
  undoLast()
  await settled()
  expect(findDraft(key)?.content.html).toContain(source)
  expect(uploadsOf(key)).toMatchObject([
    { contentId: source.slice(4), file: { name: 'dot.png' }, state: { kind: 'sending' } },
  ])
})
