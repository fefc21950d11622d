import type { DraftContent } from '@postern/shared/drafts.ts'
import type { Identity } from '@postern/shared/identities.ts'

/**
 * The signature within what is written: in rich text an element that says whose it is, in plain text what follows its mark. It is
 * exchanged with the identity as long as nobody has changed it.
 */
type Signed = Pick<Identity, 'id' | 'signature'>

const mark = '\n-- \n'

export const withSignature = (content: DraftContent, identity: Signed): DraftContent =>
  content.html === null
    ? { ...content, text: `${content.text}${textBlock(identity)}` }
    : { ...content, html: `${content.html || '<p></p>'}${htmlBlock(identity)}` }

export const exchangeSignature = (content: DraftContent, from: Signed | undefined, to: Signed): DraftContent =>
  content.html === null ? exchangeText(content, from, to) : exchangeHtml(content, content.html, from, to)

const exchangeText = (content: DraftContent, from: Signed | undefined, to: Signed): DraftContent => {
  const before = from ? textBlock(from) : ''
  if (!content.text.endsWith(before)) return content
  return { ...content, text: content.text.slice(0, content.text.length - before.length) + textBlock(to) }
}

const exchangeHtml = (content: DraftContent, html: string, from: Signed | undefined, to: Signed): DraftContent => {
  const page = parse(html)
  const own = page.querySelector('[data-signature]')
  // Whoever took it out wants none.
  if (!own) return isEmpty(from) ? { ...content, html: html + htmlBlock(to) } : content
  if (from && looks(own) !== looks(parse(from.signature).body)) return content
  own.outerHTML = htmlBlock(to)
  return { ...content, html: page.body.innerHTML }
}

export const withoutSignature = (content: DraftContent): DraftContent => {
  const { html, text } = content
  if (html === null) return { ...content, text: unsigned(text) }
  const page = parse(html)
  for (const own of page.querySelectorAll('[data-signature]')) own.remove()
  return { ...content, html: page.body.innerHTML }
}

const unsigned = (text: string): string =>
  text.includes(mark) ? text.slice(0, text.lastIndexOf(mark)).trimEnd() : text

/** What was written, as text and without the signature. */
export const writtenText = ({ text, html }: DraftContent): string => {
  if (html === null) return unsigned(text)
  const page = parse(html)
  for (const other of page.querySelectorAll('[data-signature], blockquote')) other.remove()
  return linesOf(page.body)
}

/** Of rich text, what plain text shows of it: where links lead, what is quoted, and where the signature begins. */
export const plainOf = (html: string): string => {
  const { body } = parse(html)
  for (const link of body.querySelectorAll('a[href]')) {
    const [address, text] = [link.getAttribute('href') ?? '', link.textContent?.trim() ?? '']
    if (![text, `mailto:${text}`, `tel:${text}`].includes(address)) link.append(` <${address}>`)
  }
  for (const signature of body.querySelectorAll('[data-signature]')) signature.prepend(mark)
  // From the innermost: each puts its mark before those of what it quotes.
  for (const quote of [...body.querySelectorAll('blockquote')].reverse()) {
    const block = document.createElement('div')
    block.textContent = linesOf(quote)
      .replace(/^(?=>)/gm, '>')
      .replace(/^(?!>)/gm, '> ')
    quote.replaceWith(block)
  }
  return linesOf(body)
}

/** Pictures of what was written, without those of the signature: content ids, and such as stand in the text itself. */
export const picturesIn = (html: string): { cids: string[]; data: string[] } => {
  const sources = [...parse(html).querySelectorAll('img')].flatMap((image) =>
    image.closest('[data-signature]') ? [] : [image.getAttribute('src') ?? ''],
  )
  const begins = (start: string) => [...new Set(sources.filter((source) => source.startsWith(start)))]
  return { cids: begins('cid:').map((source) => source.slice(4)), data: begins('data:image/') }
}

/** Plain text as rich text: one paragraph a line, as people write it. */
export const richOf = (text: string): string =>
  text
    .split('\n')
    .map((line) => `<p>${escaped(line)}</p>`)
    .join('')

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** In a document of its own, where nothing runs or loads. */
const parse = (html: string): Document => new DOMParser().parseFromString(html, 'text/html')

const isEmpty = (identity: Signed | undefined): boolean => !identity || identity.signature.trim() === ''

const htmlBlock = (identity: Signed): string =>
  isEmpty(identity) ? '' : `<div data-signature="${identity.id}">${identity.signature}</div>`
const textBlock = (identity: Signed): string => (isEmpty(identity) ? '' : `\n${mark}${plainOf(identity.signature)}`)

/** The editor writes the same signature with other tags: what it looks like counts. */
const looks = (element: Element): string =>
  `${(element.textContent ?? '').replace(/\s+/g, ' ').trim()} ${element.querySelectorAll('img').length}`

const breaking = 'p, div, li, blockquote, pre, h1, h2, h3, h4, h5, h6, tr'
const linesOf = (element: Element): string => {
  const own = element.cloneNode(true) as Element // a clone of an element is one
  for (const line of own.querySelectorAll('br')) line.replaceWith('\n')
  for (const cell of own.querySelectorAll(':is(td, th) + :is(td, th)')) cell.prepend(' | ')
  for (const block of own.querySelectorAll(breaking))
    if (!block.closest('td, th')) block.append('\n')
    else if (block.nextElementSibling) block.append(' ')
  return (own.textContent ?? '').replace(/\u00a0/g, ' ').replace(/\n+$/, '')
}
