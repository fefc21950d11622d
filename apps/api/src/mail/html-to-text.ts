import { Parser } from 'htmlparser2'
import { storableText } from './storable-text.ts'

/** The readable text of an HTML mail, for previews and the search index; never shown as the mail itself. */
const blocks = new Set([
  'p',
  'div',
  'br',
  'tr',
  'table',
  'li',
  'ul',
  'ol',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'blockquote',
  'section',
  'article',
  'header',
  'footer',
  'hr',
  'pre',
  'td',
  'th',
  'dt',
  'dd',
  'center',
])
const silent = new Set([
  'style',
  'script',
  'head',
  'title',
  'template',
  'noscript',
  'svg',
  'math',
  'select',
  'textarea',
])
const hiddenStyle =
  /display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|max-height\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])/i
/** The parser's own stack gets slow with its depth; what nests deeper is read without looking at its elements. */
const maxDepth = 2000

/** At most `maxLength` characters; text that the mail hides (preheader tricks) is left out when other text remains. */
export const htmlToText = (html: string, maxLength = 1_000_000): string => {
  const visible = extract(html, maxLength, true)
  return visible === '' ? extract(html, maxLength, false) : visible
}

const extract = (html: string, maxLength: number, skipHidden: boolean): string => {
  const out: string[] = []
  let length = 0
  let depth = 0
  let silentFrom = 0
  let isTooDeep = false
  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        depth++
        if (
          silentFrom === 0 &&
          (silent.has(name) ||
            (skipHidden && (attributes.hidden !== undefined || hiddenStyle.test(attributes.style ?? ''))))
        )
          silentFrom = depth
        if (silentFrom === 0 && blocks.has(name)) out.push('\n')
        if (silentFrom === 0 && name === 'img' && attributes.alt) out.push(` ${attributes.alt} `)
        if (depth <= maxDepth || isTooDeep) return
        isTooDeep = true
        parser.pause()
      },
      ontext: (text) => {
        if (silentFrom > 0 || length > maxLength) return
        out.push(text)
        length += text.length
      },
      onclosetag: (name) => {
        if (silentFrom === depth) silentFrom = 0
        else if (silentFrom === 0 && blocks.has(name) && name !== 'br') out.push('\n')
        depth--
      },
    },
    { decodeEntities: true, lowerCaseTags: true },
  )
  parser.end(html)
  return storableText(isTooDeep ? withoutTags(html, maxLength) : out.join(''))
    .replace(/\u00ad|[\u200b-\u200d]|\u2060|\u034f|\ufeff/g, '')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
    .slice(0, maxLength)
}

/** In one pass, whatever is opened and never closed. */
const withoutTags = (html: string, maxLength: number): string => {
  const out: string[] = []
  let length = 0
  for (let at = 0; at < html.length && length <= maxLength; ) {
    const open = html.indexOf('<', at)
    const text = html.slice(at, open === -1 ? undefined : open)
    out.push(text)
    length += text.length
    const close = open === -1 ? -1 : html.indexOf('>', open)
    if (close === -1) break
    at = close + 1
  }
  return out.join(' ')
}
