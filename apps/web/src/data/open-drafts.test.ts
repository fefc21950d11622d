import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { content, DraftServer, draftOf, signIn, storage } from './draft-fixture.ts'
import { addDraft, draftsHere, findDraft, forgetDrafts, patchDraft } from './draft-state.ts'
import { readLocally, rememberPanels } from './local-drafts.ts'
import { closeDraft, discardDraft, openDraft, restoreDrafts } from './open-drafts.ts'
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

it('comes back with no file on its way that has arrived since', async () => {
  const key = begin()
  patchDraft(key, { uploading: 1 })
  server.write('a', 'from the phone')
  discardDraft(key)
  await settled()
  expect(draftsHere()).toMatchObject([{ uploading: 0, version: 2, content: { text: 'from the phone' } }])
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

const reply = { kind: 'reply', messageId: '1' } as const
/** The tab is loaded again. */
const reload = async () => {
  rememberPanels(draftsHere())
  forgetDrafts()
  void restoreDrafts()
  await vi.advanceTimersByTimeAsync(1000)
  return draftsHere()
}

it('what begins as somebody wrote it is saved, and stays when it is closed without a change', async () => {
  const submissionId = '0b7c3f0e-7f0a-4c55-9d7e-2f6f3f1c9a10'
  for (const start of [{ kind: 'writeAgain', submissionId } as const, { kind: 'editAsNew', messageId: '1' } as const]) {
    await openDraft(start)
    const [draft] = draftsHere()
    expect(draft?.save.kind).toBe('saved')
    const before = server.texts()
    closeDraft(draft?.key ?? '')
    await settled()
    expect([server.texts(), draftsHere()]).toEqual([before, []])
  }
  expect(server.texts()).toHaveLength(2)
})

it('an answer that goes when it is closed is not said to be saved, also after the tab is loaded again', async () => {
  await openDraft(reply)
  expect(draftsHere()[0]?.save.kind).toBe('new')
  const [again] = await reload()
  expect(again?.save.kind).toBe('new')
})

it('a reply that nothing was written into comes back signed, and goes when it is closed', async () => {
  await openDraft(reply)
  const [begun] = draftsHere()
  expect(begun?.content.html).toContain('Robin')
  await reload()
  const [again] = await reload()
  expect(again).toMatchObject({ content: { html: begun?.content.html }, version: 1 })
  closeDraft(again?.key ?? '')
  await settled()
  expect([server.texts(), draftsHere()]).toEqual([[], []])
})

it('a browser that remembers no panels keeps nobody from writing', () => {
  const key = begin()
  vi.stubGlobal('sessionStorage', {
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError')
    },
  })
  expect(() => rememberPanels(draftsHere())).not.toThrow()
  expect(findDraft(key)?.content.text).toContain('one')
})

it('what was written into a reply elsewhere comes back as it is there, and stays when it is closed', async () => {
  await openDraft(reply)
  server.write([...server.rows.keys()][0] ?? '', 'from the phone')
  const [again] = await reload()
  expect(again).toMatchObject({ version: 2, content: { text: 'from the phone', html: '<p>one</p>' } })
  closeDraft(again?.key ?? '')
  await settled()
  expect(server.texts()).toEqual(['from the phone'])
})

it('loaded again while a save was on its way, it is one draft, and nobody else wrote', async () => {
  const key = begin()
  server.losesAnswer = (asked) => asked === 'PUT drafts a'
  changeDraft(key, { text: 'taken' })
  const keptBefore = localStorage.getItem('draft:a') ?? ''
  await vi.advanceTimersByTimeAsync(1100)
  server.losesAnswer = () => false
  // As it was before the answer that nobody waited for.
  localStorage.setItem('draft:a', keptBefore)
  const [again] = await reload()
  expect(again).toMatchObject({
    id: 'a',
    version: 2,
    otherId: null,
    save: { kind: 'saved' },
    content: { text: 'taken' },
  })
  expect([server.texts(), readLocally()]).toEqual([['taken'], []])
  expect(server.asked.filter((asked) => asked === 'PUT drafts a')).toHaveLength(1)
})
