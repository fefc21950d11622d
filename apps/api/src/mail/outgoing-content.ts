import { createHash } from 'node:crypto'
import type { OutgoingPart } from './compose-message.ts'
import { htmlPage, type Original, quotedHtml, withQuotedText } from './quote-original.ts'
import { idsShownIn } from './shown-pictures.ts'
import { writtenText } from './written-text.ts'

/** What a draft holds, and what it quotes. */
export type WrittenMail = {
  text: string
  html: string | null
  attachments: OutgoingPart[]
  /** With the pictures that its HTML shows. */
  original: (Original & { pictures: OutgoingPart[] }) | null
  /** Of whoever writes; null: nobody knows it. */
  zoneMinutes: number | null
  /** Of whoever writes. */
  domain: string
}

export type OutgoingContent = { text: string; html: string | null; inline: OutgoingPart[]; attachments: OutgoingPart[] }

/**
 * The texts of a mail and what goes along. Pictures that the HTML does not show are none of its parts: they were taken out of it
 * again. A plain mail answers an HTML one with text, and has its own pictures as files.
 */
export const outgoingContent = ({
  text,
  html,
  attachments,
  original,
  zoneMinutes,
  domain,
}: WrittenMail): OutgoingContent => {
  if (html === null) {
    const files = attachments.map((one) => ({ ...one, contentId: null }))
    return { text: original ? withQuotedText(text, original, zoneMinutes) : text, html, inline: [], attachments: files }
  }
  const files = attachments.filter(({ contentId }) => contentId === null)
  const { html: written, pictures } = takeDataPictures(html, domain)
  const plain = writtenText(written)
  const own = shownIn(written, attachments)
  if (!original) return { text: plain, html: htmlPage(written), inline: [...own, ...pictures], attachments: files }
  const taken = new Set([...own, ...pictures].map(({ contentId }) => contentId))
  const quoted = shownIn(original.html ?? '', original.pictures).filter(({ contentId }) => !taken.has(contentId))
  return {
    text: withQuotedText(plain, original, zoneMinutes),
    html: htmlPage(written, quotedHtml(original, zoneMinutes)),
    inline: [...own, ...pictures, ...quoted],
    attachments: files,
  }
}

const shownIn = (html: string, parts: OutgoingPart[]): OutgoingPart[] => {
  const shown = idsShownIn(html)
  return parts.filter(({ contentId }) => contentId !== null && shown.has(contentId))
}

const dataPicture =
  /(<img\b[^<>]*?\bsrc\s*=\s*)(["'])data:(image\/(?:png|jpeg|gif|webp|avif|bmp));base64,([A-Za-z0-9+/=\s]+)\2/gi

/** Pictures that stand in the HTML itself, as those of signatures do, become parts beside it: most readers show no others. */
const takeDataPictures = (html: string, domain: string): { html: string; pictures: OutgoingPart[] } => {
  const pictures = new Map<string, OutgoingPart>()
  const shown = html.replace(dataPicture, (_all, before: string, quote: string, type: string, data: string) => {
    const octets = Buffer.from(data, 'base64')
    const name = createHash('sha256').update(octets).digest('hex').slice(0, 24)
    const contentId = `${name}@${domain}`
    const filename = `picture-${name.slice(0, 6)}.${type.slice('image/'.length).replace('jpeg', 'jpg')}`
    const contentType = type.toLowerCase()
    pictures.set(contentId, {
      filename,
      contentType,
      contentId,
      octets: async function* () {
        yield octets
      },
    })
    return `${before}${quote}cid:${contentId}${quote}`
  })
  return { html: shown, pictures: [...pictures.values()] }
}
