import type { DraftContent } from '@postern/shared/drafts.ts'
import type { Identity } from '@postern/shared/identities.ts'
import { TextWriter } from '@postern/shared/text-writer.ts'
import { emptyLine, signatureMark } from '@postern/shared/written-lines.ts'

/**
 * The signature within what is written: in rich text an element that says whose it is, in plain text what follows its mark. It is
 * exchanged with the identity as long as nobody has changed it.
 */
type Signed = Pick<Identity, 'id' | 'signature'>

const mark = `\n${signatureMark}\n`

export const withSignature = (content: DraftContent, identity: Signed): DraftContent =>
  content.html === null
    ? { ...content, text: `${content.text}${textBlock(identity)}` }
    : { ...content, html: signed(content.html || emptyLine, identity) }

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
  if (!own) return isEmpty(from) ? { ...content, html: signed(html || emptyLine, to) } : content
  if (from && looks(own) !== looks(parse(from.signature).body)) return content
  own.outerHTML = htmlBlock(to)
  return { ...content, html: page.body.innerHTML }
}

export const withoutSignature = (content: DraftContent): DraftContent => {
  const { html, text } = content
  if (html === null) return { ...content, text: unsigned(text) }
  const page = parse(html)
  for (const own of page.querySelectorAll('[data-signature]')) {
    while (isEmptyLine(own.previousElementSibling)) own.previousElementSibling?.remove()
    own.remove()
  }
  return { ...content, html: page.body.innerHTML }
}

/** Where the signature of this identity stands in a plain text, its line above included; null: nowhere, or changed. */
export const signatureIn = (text: string, identity: Signed | undefined): { from: number; to: number } | null => {
  const block = identity ? textBlock(identity) : ''
  const from = block === '' ? -1 : text.indexOf(block)
  return from < 0 ? null : { from, to: from + block.length }
}

const isEmptyLine = (line: Element | null): boolean =>
  line !== null && /^(?:p|div)$/.test(line.localName) && line.textContent === '' && !line.querySelector('img')

const unsigned = (text: string): string =>
  text.includes(mark) ? text.slice(0, text.lastIndexOf(mark)).trimEnd() : text

/** What was written, as text and without the signature. */
export const writtenText = ({ text, html }: DraftContent): string => {
  if (html === null) return unsigned(text)
  const { body } = parse(html)
  for (const other of body.querySelectorAll('[data-signature], blockquote, img')) other.remove()
  for (const link of body.querySelectorAll('a')) link.removeAttribute('href')
  return textOf(body)
}

/** Of rich text, the words of its text alternative, but for pictures: the mail goes without. */
export const plainOf = (html: string): string => {
  const { body } = parse(html)
  for (const picture of body.querySelectorAll('img')) picture.remove()
  return textOf(body)
}

const textOf = (root: Element): string => {
  const writer = new TextWriter()
  const read = (node: Node): void => {
    if (node instanceof Text) writer.text(node.data)
    if (!(node instanceof Element)) return
    const attributes = [...node.attributes].map(({ name, value }): [string, string] => [name, value])
    writer.open(node.localName, Object.fromEntries(attributes))
    for (const child of node.childNodes) read(child)
    writer.close(node.localName)
  }
  for (const child of root.childNodes) read(child)
  return writer.end()
}

/** Pictures of what was written, without those of the signature: content ids, and such as stand in the text itself. */
export const picturesIn = (html: string): { cids: string[]; data: string[] } => {
  const sources = [...parse(html).querySelectorAll('img')].flatMap((image) =>
    image.closest('[data-signature]') ? [] : [image.getAttribute('src') ?? ''],
  )
  const begins = (start: string) => [...new Set(sources.filter((source) => source.startsWith(start)))]
  return { cids: begins('cid:').map((source) => source.slice(4)), data: begins('data:image/') }
}

/** In a document of its own, where nothing runs or loads. */
const parse = (html: string): Document => new DOMParser().parseFromString(html, 'text/html')

const isEmpty = (identity: Signed | undefined): boolean => !identity || identity.signature.trim() === ''

const htmlBlock = (identity: Signed): string =>
  isEmpty(identity) ? '' : `<div data-signature="${identity.id}">${identity.signature}</div>`
/** With one empty line above, if there is none. */
const signed = (html: string, identity: Signed): string => {
  if (isEmpty(identity)) return html
  const isApart = html.endsWith(emptyLine) && html !== emptyLine
  return `${html}${isApart ? '' : emptyLine}${htmlBlock(identity)}`
}
const textBlock = (identity: Signed): string => (isEmpty(identity) ? '' : `\n${mark}${plainOf(identity.signature)}`)

/** The editor writes the same signature with other tags: what it looks like counts. */
const looks = (element: Element): string =>
  `${(element.textContent ?? '').replace(/\s+/g, ' ').trim()} ${element.querySelectorAll('img').length}`
