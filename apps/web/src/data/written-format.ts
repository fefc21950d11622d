import type { DraftAttachment } from '@postern/shared/drafts.ts'
import { t } from '#lib/composer-text.ts'
import { withChips, withoutTokens } from '#lib/placeholders.ts'
import { picturesIn, plainOf } from '#lib/signature.ts'
import { explain } from './api.ts'
import { app, loadBody, saveSetting } from './app-state.ts'
import { attachAgain, attachFiles, attachFromMail, cancelUpload, takeOut, uploadsOf } from './attachments.ts'
import { findDraft, patchDraft, whenDraftsChange } from './draft-state.ts'
import { changeDraft } from './save-drafts.ts'
import { showToast } from './toasts.ts'
import { tellDone, withdraw } from './undo-list.ts'

/** Rich text as it was, of what is plain now; as long as nobody has written on, it comes back whole. */
type Before = {
  html: string
  plain: string
  puttingBack: (() => Promise<void>)[]
  added: string[]
  /** When all of it has gone or come. */
  done: Promise<void>
}
const richBefore = new Map<string, Before>()

/** Changes that are under way; what did not go through is kept, too, until somebody asks. */
const changing = new Map<string, Promise<boolean>>()

/** Comes back when all pictures have gone or come. False, once: not all of them did. */
export const whenFormatted = async (key: string): Promise<boolean> => {
  const isWhole = (await changing.get(key)) ?? true
  changing.delete(key)
  return isWhole
}

/** What goes wrong with it is told. */
const begin = async (key: string, work: () => Promise<void>): Promise<void> => {
  const earlier = changing.get(key)
  const change = work().then(
    () => true,
    (error: unknown) => {
      showToast({ kind: 'problem', text: explain(error) })
      return false
    },
  )
  const whole = Promise.all([change, earlier]).then(([isDone]) => isDone)
  changing.set(key, whole)
  if ((await whole) && changing.get(key) === whole) changing.delete(key)
}

/** What plain text would not show: pictures in what is written, and in a mail that is passed on below it. */
export const countPictures = async (key: string): Promise<number> => {
  const { cids, data } = picturesIn(findDraft(key)?.content.html ?? '')
  return cids.length + data.length + (await quotedParts(key)).length
}

const quotedParts = async (key: string): Promise<{ messageId: string; partId: string }[]> => {
  const { about, quotes } = findDraft(key)?.content ?? {}
  if (about?.kind !== 'forward' || !quotes) return []
  const { messageId } = about
  await loadBody(messageId)
  const body = app.get().bodies[messageId]
  if (!body || 'failed' in body || body.html === null) return []
  const { html } = body
  return body.parts.flatMap(({ id, contentId, preview }) =>
    contentId && preview === 'image' && html.includes(contentId) ? [{ messageId, partId: id }] : [],
  )
}

/** `along`: pictures become attachments. What was there before comes back by undo, or by the way it went. */
export const writePlain = (key: string, pictures: 'along' | 'out'): Promise<void> =>
  begin(key, async () => {
    // What is written while it is looked up counts.
    const quoted = pictures === 'along' ? await quotedParts(key) : []
    const draft = findDraft(key)
    if (!draft || draft.content.html === null) return
    for (const known of richBefore.keys()) if (!findDraft(known)) richBefore.delete(known)
    const { html } = draft.content
    // What the rich text leaves as it is, the plain one does.
    const plain = plainOf(withoutTokens(html))
    const { cids, data } = picturesIn(html)
    const stays = (contentId: string | null) => contentId === null || (pictures === 'along' && cids.includes(contentId))
    show(key, { html: null, text: plain })
    void saveSetting('writesPlain', true)
    const before: Before = { html, plain, puttingBack: [], added: [], done: Promise.resolve() }
    richBefore.set(key, before)
    offerBack(key, plain)
    for (const one of uploadsOf(key)) {
      if (stays(one.contentId)) continue
      cancelUpload(one.id)
      before.puttingBack.push(async () => attachAgain(key, one))
    }
    if (pictures === 'along') before.added.push(...attachFiles(key, data.flatMap(fileOf)))
    // Those that were taken out of the text before, too: they would be files now.
    const leaving = draft.attachments.filter(({ contentId }) => !stays(contentId))
    const moved = movePictures(key, before, { leaving, quoted })
    before.done = moved.catch(() => undefined) // told by whoever began it
    await moved
  })

const movePictures = async (
  key: string,
  before: Before,
  { leaving, quoted }: { leaving: DraftAttachment[]; quoted: { messageId: string; partId: string }[] },
): Promise<void> => {
  const isTakenBack = () => richBefore.get(key) !== before
  for (const one of leaving) {
    if (isTakenBack()) return
    before.puttingBack.push(await takeOut(key, one))
  }
  for (const part of quoted) {
    if (isTakenBack()) return
    before.added.push((await attachFromMail(key, part)).id)
  }
}

export const writeRich = (key: string): Promise<void> =>
  begin(key, async () => {
    const draft = findDraft(key)
    if (!draft || draft.content.html !== null) return
    const before = richBefore.get(key)
    richBefore.delete(key)
    void saveSetting('writesPlain', false)
    const { text, about, quotes } = draft.content
    const isAsItWas = before?.plain === text
    const own = draft.attachments.filter(({ contentId }) => contentId !== null)
    const isQuoted = ({ source }: DraftAttachment) => quotes && source?.messageId === about?.messageId
    const shown = own
      .filter((one) => !isQuoted(one))
      .map(({ contentId, filename }) => pictureOf(`${contentId}`, filename))
    show(key, { html: isAsItWas ? before.html : withChips(text) + shown.join('') })
    if (isAsItWas) {
      await before.done
      for (const id of before.added) cancelUpload(id)
      for (const putBack of before.puttingBack) await putBack()
    }
    const goes = isAsItWas
      ? findDraft(key)?.attachments.filter(({ id }) => before.added.includes(id))
      : own.filter(isQuoted)
    for (const one of goes ?? []) await takeOut(key, one)
  })

const show = (key: string, change: { html: string | null; text?: string }): void => {
  changeDraft(key, change)
  patchDraft(key, { revision: (findDraft(key)?.revision ?? 0) + 1 })
}

/** Until somebody writes on: what was written since would be lost by it. */
const offerBack = (key: string, plain: string): void => {
  const told = tellDone(t('compose.isPlain'), () => void writeRich(key))
  const stop = whenDraftsChange(() => {
    const { content, isSending } = findDraft(key) ?? {}
    if (content?.html === null && content.text === plain && !isSending) return
    stop()
    withdraw(told)
  })
}

const pictureOf = (contentId: string, name: string): string => {
  const image = document.implementation.createHTMLDocument().createElement('img')
  image.setAttribute('src', `cid:${contentId}`)
  image.setAttribute('alt', name)
  return `<div>${image.outerHTML}</div>`
}

/** A picture that stands in the text itself. */
const fileOf = (source: string, index: number): File[] => {
  const [, type = '', encoded = ''] = /^data:(image\/[\w.+-]+);base64,([\s\S]*)$/i.exec(source) ?? []
  try {
    const octets = Uint8Array.from(atob(encoded.replace(/\s/g, '')), (char) => char.charCodeAt(0))
    return octets.length === 0 ? [] : [new File([octets], `picture-${index + 1}.${type.slice(6)}`, { type })]
  } catch {
    // It showed nothing either.
    return []
  }
}
