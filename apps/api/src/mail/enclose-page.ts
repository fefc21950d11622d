import { createHash } from 'node:crypto'
import { Parser, Tokenizer } from 'htmlparser2'
import { isFontSheet, scopeName, scopeSheet } from './scope-sheet.ts'

/** A page as a part of another one. */
export type Enclosed = {
  /** The class of the element around `content`, which holds nothing else: what its sheets are about. */
  scope: string
  /** For the head of the page around it. */
  head: string
  content: string
}

/**
 * Makes of a page what can stand within another one and look as it did: its body becomes a `div`, its style sheets are about that
 * alone, and no end tag of it ends anything outside. The rest stays as it came, octet for octet. Programs that show mail take away the
 * tags of a page within a page: what those said would then be about all of it.
 */
export const enclosePage = (html: string): Enclosed => {
  const scope = scopeName(createHash('sha256').update(html).digest('hex'))
  const page = new Page(html, scope)
  const { head, content, attributes } = page.read()
  return { scope, head: linkRule(attributes, scope) + head, content: `<div${standIn(attributes)}>${content}</div>` }
}

/** They have nothing to say here, or say it of the whole page. */
const dropped = new Set(['html', 'head', 'body', 'meta', 'base', 'frameset', 'select', 'svg', 'math'])
/** They go with what is in them: text for some programs, tags for others. */
const raw = new Set(['style', 'script', 'title', 'xmp', 'iframe', 'noembed', 'noframes', 'textarea', 'plaintext'])
/** What an end tag ends only as far as the next one of these. */
const barriers = new Set(['table', 'td', 'th', 'caption', 'template', 'object', 'marquee', 'applet'])
const blocks =
  /^(?:address|article|aside|blockquote|button|center|details|dialog|dir|div|dl|dd|dt|fieldset|fig(?:ure|caption)|footer|form|h[1-6]|header|hgroup|li|listing|main|menu|nav|ol|pre|search|section|summary|ul)$/
const rows = /^(?:td|th|tr|tbody|thead|tfoot)$/
/** As browsers: what nests deeper is flat. */
const maxDepth = 512

type Attributes = Record<string, string>

/** Reads the tags of one page, as far as they matter, and copies the rest. */
class Page {
  readonly #html: string
  readonly #scope: string
  readonly #content: string[] = []
  readonly #head: string[] = []
  readonly #attributes: Attributes = {}
  readonly #open: string[] = []
  /** Nothing of the body was there yet, or a head was begun since. */
  #isInHead = true
  /** Up to here it is copied or dropped. */
  #done = 0
  #tag = { name: '', from: 0 }
  /** Of the element whose text is no HTML. */
  #raw: { name: string; from: number; textFrom: number } | null = null

  constructor(html: string, scope: string) {
    this.#html = html
    this.#scope = scope
  }

  read(): { head: string; content: string; attributes: Attributes } {
    const nothing = () => undefined
    const tokenizer = new Tokenizer(
      { decodeEntities: false },
      {
        onattribdata: nothing,
        onattribentity: nothing,
        onattribend: nothing,
        onattribname: nothing,
        // Text for this reader, a comment that ends with the first `>` for browsers.
        oncdata: (start, end) => this.#replace(this.#html.lastIndexOf('<![', start), end + 1),
        onprocessinginstruction: nothing,
        ontext: (start, end) => {
          if (this.#isInHead && !this.#raw && /\S/.test(this.#html.slice(start, end))) this.#isInHead = false
        },
        ontextentity: nothing,
        onopentagname: (start, end) => {
          this.#tag = { name: this.#html.slice(start, end).toLowerCase(), from: start - 1 }
        },
        onopentagend: (end) => this.#opened(end + 1),
        onselfclosingtag: (end) => this.#opened(end + 1),
        onclosetag: (start, end) => this.#closed(this.#html.slice(start, end).toLowerCase(), start - 2, end),
        oncomment: (start, end, offset) => {
          if (this.#html.startsWith('<!--', start - 4)) this.#comment(start - 4, end - offset, end + 1)
          else if (this.#isInHead) this.#replace(this.#html.lastIndexOf('<', start - 1), end + 1)
        },
        ondeclaration: (start, end) => {
          if (/^!?doctype/i.test(this.#html.slice(start, end)))
            this.#replace(this.#html.lastIndexOf('<', start), end + 1)
        },
        onend: nothing,
      },
    )
    tokenizer.write(this.#html)
    tokenizer.end()
    if (this.#raw) this.#endRaw(this.#html.length, this.#html.length)
    this.#replace(this.#html.length, this.#html.length)
    return { head: this.#head.join('\n'), content: this.#content.join(''), attributes: this.#attributes }
  }

  /** What is before stays, what is from here to there becomes something else. */
  #replace(from: number, to: number, by = ''): void {
    if (from > this.#done) this.#content.push(this.#html.slice(this.#done, from))
    if (by !== '') this.#content.push(by)
    this.#done = Math.max(this.#done, to)
  }

  #opened(to: number): void {
    if (this.#raw) return
    const { name, from } = this.#tag
    if (name === 'head') this.#isInHead = true
    else if (name !== 'html' && !isOfHead.has(name)) this.#isInHead = false
    if (name === 'html' || name === 'body') this.#take(name, this.#html.slice(from, to))
    if (raw.has(name)) this.#raw = { name, from, textFrom: to }
    else if (dropped.has(name)) this.#replace(from, to)
    else if (name === 'link') {
      const { rel = '', href = '' } = attributesOf(this.#html.slice(from, to))
      if (/\bstylesheet\b/i.test(rel) && isFontSheet(href))
        this.#head.push(`<link rel="stylesheet" href="${escaped(href)}">`)
      this.#replace(from, to)
    } else if (this.#open.length < maxDepth) this.#enter(name)
  }

  #enter(name: string): void {
    if (rows.test(name) || name === 'caption') {
      // Nothing to a browser: an end tag behind it must not count as if it were held within.
      if (!this.#open.includes('table')) return
      this.#leaveUntil((one) => one === 'table')
    }
    if (blocks.test(name) || barriers.has(name)) this.#open.push(name)
  }

  #closed(name: string, from: number, nameEnd: number): void {
    const end = this.#html.indexOf('>', nameEnd)
    const to = end < 0 ? this.#html.length : end + 1
    if (this.#raw && name !== this.#raw.name) return
    if (name === 'head') this.#isInHead = false
    if (name === this.#raw?.name) this.#endRaw(from, to)
    else if (dropped.has(name)) this.#replace(from, to)
    else if (rows.test(name) || name === 'table') {
      this.#leaveUntil((one) => one === 'table')
      if (name === 'table' && this.#open.at(-1) === 'table') this.#open.pop()
    } else if (blocks.test(name) || barriers.has(name)) this.#leave(name, from, to)
  }

  #leave(name: string, from: number, to: number): void {
    const at = this.#open.findLastIndex((one) => one === name || barriers.has(one))
    if (this.#open[at] === name) this.#open.length = at
    // It would end what is around this page.
    else if (at < 0) this.#replace(from, to)
  }

  #leaveUntil(isIt: (name: string) => boolean): void {
    const at = this.#open.findLastIndex(isIt)
    if (at >= 0) this.#open.length = at + 1
  }

  #endRaw(textEnd: number, to: number): void {
    if (!this.#raw) return
    const { name, from, textFrom } = this.#raw
    this.#raw = null
    if (name !== 'style') {
      this.#replace(from, to)
      return
    }
    const sheet = `${this.#html.slice(from, textFrom)}${scopeSheet(this.#html.slice(textFrom, textEnd), this.#scope)}</style>`
    if (this.#isInHead) this.#head.push(sheet)
    this.#replace(from, to, this.#isInHead ? '' : sheet)
  }

  /** Outlook reads what others take for a comment: of one in the head its sheets alone, for the rest would stand above the answer. */
  #comment(from: number, textEnd: number, to: number): void {
    const text = this.#html.slice(from, textEnd)
    const isRead = /^<!--(?:\[if|<!\[endif)/i.test(text)
    if (!this.#isInHead && !isRead) return
    const whole = isRead ? readByOutlook(this.#html.slice(from, to), this.#scope) : ''
    const sheets = this.#isInHead ? withoutWords(whole) : ''
    if (sheets !== '') this.#head.push(sheets)
    this.#replace(from, to, this.#isInHead || endsMore(whole) ? '' : whole)
  }

  /** The first tag of each counts; a later one adds what that did not say, as in browsers. */
  #take(name: 'html' | 'body', tag: string): void {
    for (const [key, value] of Object.entries(attributesOf(tag)))
      if (name === 'body' || key === 'lang' || key === 'dir') this.#attributes[key] ??= value
  }
}
const isOfHead = new Set(['head', 'meta', 'base', 'link', 'style', 'script', 'title', 'noscript'])

const attributesOf = (tag: string): Attributes => {
  let attributes: Attributes = {}
  const parser = new Parser({
    onopentag: (_, found) => {
      attributes = found
    },
  })
  parser.end(tag)
  return attributes
}

type Piece = { open: string; css: string | null }

/** Text, and the sheets between; one that does not end goes, with all that follows. In one pass, whatever is in there. */
function* piecesOf(text: string): Generator<Piece> {
  const [opening, closing] = [/<style\b/gi, /<\/style/gi]
  for (let at = 0; ; ) {
    opening.lastIndex = at
    const start = opening.exec(text)?.index ?? text.length
    yield { open: text.slice(at, start), css: null }
    const from = text.indexOf('>', start) + 1
    closing.lastIndex = from
    const to = from === 0 ? undefined : closing.exec(text)?.index
    const end = to === undefined ? 0 : text.indexOf('>', to) + 1
    if (to === undefined || end === 0) return
    yield { open: text.slice(start, from), css: text.slice(from, to) }
    at = end
  }
}

const readByOutlook = (comment: string, scope: string): string => {
  const read = [...piecesOf(comment)]
    .map(({ open, css }) => (css === null ? open : `${open}${scopeSheet(css, scope)}</style>`))
    .join('')
  return read.endsWith('-->') ? read : `${read}<![endif]-->`
}

const withoutWords = (comment: string): string => {
  const sheets = [...piecesOf(comment)].flatMap(({ open, css }) => (css === null ? [] : [`${open}${css}</style>`]))
  const [begins] = /^<!--\[if[^\]]*\]>/i.exec(comment) ?? []
  return begins === undefined || sheets.length === 0 ? '' : `${begins}${sheets.join('')}<![endif]-->`
}

/** Something that it did not begin. */
const endsMore = (comment: string): boolean => {
  const open = new Map<string, number>()
  for (const [, slash, tag = ''] of comment.matchAll(/<(\/?)([a-z][a-z0-9]*)/gi)) {
    const name = tag.toLowerCase()
    if (!blocks.test(name) && name !== 'body' && name !== 'html') continue
    const depth = (open.get(name) ?? 0) + (slash === '' ? 1 : -1)
    if (depth < 0) return true
    open.set(name, depth)
  }
  return false
}

/** What a `body` says of its looks, where a `div` can say it. */
const standIn = (attributes: Attributes): string => {
  const { bgcolor, background, text, style = '' } = attributes
  const styles = [
    ...(isColor(bgcolor) ? [`background-color:${bgcolor}`] : []),
    ...(background && !/[\s"'()\\]/.test(background) ? [`background-image:url(${background})`] : []),
    ...(isColor(text) ? [`color:${text}`] : []),
    ...(style.trim() === '' ? [] : [style]),
  ].join(';')
  const said = { class: attributes.class, id: attributes.id, lang: attributes.lang, dir: attributes.dir, style: styles }
  return Object.entries(said)
    .map(([name, value]) => (value ? ` ${name}="${escaped(value)}"` : ''))
    .join('')
}

const linkRule = ({ link }: Attributes, scope: string): string =>
  isColor(link) ? `<style>.${scope} a {color:${link}}</style>\n` : ''

const isColor = (value: string | undefined): value is string => value !== undefined && /^#?[\w]+$/.test(value)

const escaped = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
