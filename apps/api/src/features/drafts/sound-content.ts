import type { DraftContent } from '@postern/shared/drafts.ts'
import { storableText } from '#mail/storable-text.ts'
import { writtenText } from '#mail/written-text.ts'

const maxTextLength = 5_000_000

/** As it can be kept, and with the text that belongs to its HTML. */
export const soundContent = (content: DraftContent): DraftContent => {
  const html = content.html === null ? null : storableText(content.html)
  const people = (list: DraftContent['to']) =>
    list.map(({ name, address }) => ({ name: storableText(name), address: storableText(address) }))
  return {
    ...content,
    to: people(content.to),
    cc: people(content.cc),
    bcc: people(content.bcc),
    subject: storableText(content.subject),
    text: html === null ? storableText(content.text) : writtenText(html).slice(0, maxTextLength),
    html,
  }
}
