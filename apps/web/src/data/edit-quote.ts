import type { Message } from '@postern/shared/messages.ts'
import { emptyLine, htmlOfLines } from '@postern/shared/written-lines.ts'
import { writeRecipient } from '#lib/address-list.ts'
import { t } from '#lib/composer-text.ts'
import { knownHtml } from '#lib/foreign-html.ts'
import { fullDate, personName } from '#lib/format.ts'
import { withoutTokens } from '#lib/placeholders.ts'
import { type AppState, app, loadBody } from './app-state.ts'
import { attachFromMail } from './attachments.ts'
import { findDraft, patchDraft } from './draft-state.ts'
import { changeDraft } from './save-drafts.ts'

/** The mail a draft is about, if its conversation is here. */
export const findMessage = (messageId: string): Message | undefined => messageIn(app.get().threads, messageId)

export const messageIn = (threads: AppState['threads'], messageId: string): Message | undefined =>
  Object.values(threads)
    .flat()
    .find(({ id }) => id === messageId)

/** Takes the quoted original into what is written: the editor makes of it what its schema knows. Throws ApiError. */
export const takeInQuote = async (key: string): Promise<void> => {
  const messageId = findDraft(key)?.content.about?.messageId
  if (!messageId) return
  await loadBody(messageId)
  const body = app.get().bodies[messageId]
  if (!body || 'failed' in body) throw new Error(t('quote.failed'))
  const message = findMessage(messageId)
  const kind = findDraft(key)?.content.about?.kind
  const pictures =
    findDraft(key)?.content.html === null || body.html === null ? new Map() : await takePictures(key, messageId)
  // What was written meanwhile counts.
  const draft = findDraft(key)
  if (!draft) return
  const { content, revision } = draft
  const head = message ? headOf(message, kind === 'forward') : t('quote.original')
  if (content.html === null) {
    const quoted = kind === 'forward' ? body.text : body.text.replace(/^/gm, '> ').replace(/^> >/gm, '>>')
    changeDraft(key, { text: `${content.text}\n\n${withoutTokens(`${head}\n${quoted}`)}`, quotes: false })
  } else {
    const original = body.html === null ? htmlOfLines(body.text) : withPictures(knownHtml(body.html), pictures)
    const quoted = kind === 'forward' ? original : `<blockquote>${original}</blockquote>`
    changeDraft(key, { html: `${content.html || emptyLine}${emptyLine}${htmlOfLines(head)}${quoted}`, quotes: false })
  }
  patchDraft(key, { revision: revision + 1 })
}

const headOf = ({ from, to, date, receivedAt, subject }: Message, isForward: boolean): string => {
  const sender = from[0]
  const when = fullDate(date ?? receivedAt)
  if (!isForward) return t('quote.wrote', { date: when, name: sender ? personName(sender) : '' })
  return [
    t('quote.forwarded'),
    t('quote.from', { people: from.map(writeRecipient).join(', ') }),
    t('quote.to', { people: to.map(writeRecipient).join(', ') }),
    t('quote.date', { date: when }),
    t('quote.subject', { subject }),
  ].join('\n')
}

/** Pictures within the original become pictures of the draft. By the content id they had, the one they have now. */
const takePictures = async (key: string, messageId: string): Promise<Map<string, string>> => {
  const body = app.get().bodies[messageId]
  const taken = new Map<string, string>()
  if (!body || 'failed' in body || body.html === null) return taken
  for (const part of body.parts) {
    if (!part.contentId || part.preview !== 'image' || !body.html.includes(part.contentId)) continue
    const attachment = await attachFromMail(key, { messageId, partId: part.id })
    if (attachment.contentId) taken.set(part.contentId, attachment.contentId)
  }
  return taken
}

const withPictures = (html: string, pictures: Map<string, string>): string => {
  const page = new DOMParser().parseFromString(html, 'text/html')
  for (const other of page.querySelectorAll('style, script, title, [data-signature]')) other.remove()
  const unseen = page.createNodeIterator(page.body, NodeFilter.SHOW_COMMENT)
  for (let one = unseen.nextNode(); one; one = unseen.nextNode()) one.parentNode?.removeChild(one)
  // Nobody else's text is filled in.
  for (const chip of page.querySelectorAll('[data-placeholder]')) chip.removeAttribute('data-placeholder')
  for (const image of page.querySelectorAll('img')) {
    const now = pictures.get((image.getAttribute('src') ?? '').replace(/^cid:/i, ''))
    if (now) image.setAttribute('src', `cid:${now}`)
    else image.remove()
  }
  return page.body.innerHTML
}
