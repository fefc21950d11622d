import { createHash } from 'node:crypto'
import { Parser, Tokenizer } from 'htmlparser2'
import { isBlock, OpenElements } from './open-elements.ts'
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
 * alone, and no end tag of it ends anything outside. Programs that show mail take away the tags of a page within a page: what those
 * said would then be about all of it.
 *
 * It is written anew, piece by piece, so that every program reads in it what was read here: text, in which nothing begins a tag; start
 * tags as they came; end tags without anything but their name, where they end something (open-elements.ts). What has no looks goes:
 * comments, but for those that Outlook reads, and tags that browsers ignore.
 */
export const enclosePage = (html: string): Enclosed => {
  const scope = scopeName(createHash('sha256').update(html).digest('hex'))
  const page = new Page(html, scope)
  const { head, content, behind, attributes } = page.read()
  return {
    scope,
    head: linkRule(attributes, scope) + head,
    content: `<div${standIn(attributes)}>${content}</div>${behind}`,
  }
}

/** They have nothing to say here, say it of the whole page, or make programs read on in ways of their own. */
const dropped = new Set(
  'html head body meta base frameset select svg math noscript form dialog search object applet marquee'.split(' '),
)
/** They go with what is in them: text for some programs, tags for others. */
const raw = new Set(['style', 'script', 'title', 'xmp', 'iframe', 'noembed', 'noframes', 'textarea', 'plaintext'])

type Attributes = Record<string, string>

/** Reads one page, and writes it as part of another. */
class Page {
  readonly #html: string
  readonly #scope: string
  readonly #content: string[] = []
  readonly #head: string[] = []
  readonly #attributes: Attributes = {}
  readonly #open = new OpenElements()
  /** Those that it is in; nobody sees what is in one. */
  #templates = 0
  /** Nothing of the body was there yet, or a head was begun since. */
  #isInHead = true
  #tag = { name: '', from: 0 }
  /** Of the element whose text is no HTML. */
  #raw: { name: string; from: number; textFrom: number } | null = null

  constructor(html: string, scope: string) {
    this.#html = html
    this.#scope = scope
  }

  read(): { head: string; content: string; behind: string; attributes: Attributes } {
    const nothing = () => undefined
    const tokenizer = new Tokenizer(
      { decodeEntities: false },
      {
        onattribdata: nothing,
        onattribentity: nothing,
        onattribend: nothing,
        onattribname: nothing,
        // Text for this reader, a comment that ends with the first `>` for browsers.
        oncdata: nothing,
        onprocessinginstruction: nothing,
        ontext: (start, end) => this.#text(this.#html.slice(start, end)),
        ontextentity: nothing,
        onopentagname: (start, end) => {
          this.#tag = { name: lowered(this.#html.slice(start, end)), from: start - 1 }
        },
        onopentagend: (end) => this.#opened(end + 1),
        onselfclosingtag: (end) => this.#opened(end + 1),
        onclosetag: (start, end) => this.#closed(this.#html.slice(start, end), start - 2),
        oncomment: (start, end, offset) => {
          const text = this.#html.slice(start, end - offset)
          if (this.#html.startsWith('<!--', start - 4)) this.#comment(text)
          else if (this.#html.startsWith('<!', start - 2) && shown.test(text)) this.#write(`<!${text}>`)
        },
        ondeclaration: nothing,
        onend: nothing,
      },
    )
    tokenizer.write(this.#html)
    tokenizer.end()
    if (this.#raw) this.#endRaw(this.#html.length)
    const content = this.#content.join('') + this.#open.end()
    return { head: this.#head.join('\n'), content, behind: this.#open.endLooks(), attributes: this.#attributes }
  }

  #write(piece: string): void {
    if (this.#templates === 0) this.#content.push(piece)
  }

  #text(text: string): void {
    if (this.#raw) return
    if (/\S/.test(text)) this.#isInHead = false
    this.#write(text.replaceAll('<', '&lt;'))
  }

  #opened(to: number): void {
    if (this.#raw) return
    const { name, from } = this.#tag
    if (name === 'head') this.#isInHead = true
    else if (name !== 'html' && !isOfHead.has(name)) this.#isInHead = false
    const tag = this.#html.slice(from, to)
    if (name === 'html' || name === 'body') this.#take(name, tag)
    if (raw.has(name)) this.#raw = { name, from, textFrom: to }
    else if (name === 'template') this.#templates++
    else if (name === 'link') this.#link(tag)
    else if (!dropped.has(name) && this.#templates === 0) {
      const before = this.#open.enter(name)
      if (before !== null) this.#write(before + tag)
    }
  }

  #link(tag: string): void {
    const { rel = '', href = '' } = attributesOf(tag)
    if (this.#templates === 0 && /\bstylesheet\b/i.test(rel) && isFontSheet(href))
      this.#head.push(`<link rel="stylesheet" href="${escaped(href)}">`)
  }

  #closed(written: string, from: number): void {
    const name = lowered(written)
    if (this.#raw && name !== this.#raw.name) return
    if (name === 'head') this.#isInHead = false
    if (this.#raw) this.#endRaw(from)
    else if (name === 'template') this.#templates = Math.max(0, this.#templates - 1)
    else if (!dropped.has(name) && this.#templates === 0 && this.#open.leave(name)) this.#write(`</${written}>`)
  }

  #endRaw(textEnd: number): void {
    if (!this.#raw) return
    const { name, from, textFrom } = this.#raw
    this.#raw = null
    if (name !== 'style' || this.#templates > 0) return
    const sheet = `${this.#html.slice(from, textFrom)}${scopeSheet(this.#html.slice(textFrom, textEnd), this.#scope)}</style>`
    if (this.#isInHead) this.#head.push(sheet)
    else this.#write(sheet)
  }

  /** Outlook reads what others take for a comment: of one in the head its sheets alone, for the rest would stand above the answer. */
  #comment(text: string): void {
    if (this.#templates > 0 || !/^\[if|^<!\[endif/i.test(text)) return
    const whole = readByOutlook(`<!--${text}-->`, this.#scope)
    if (!this.#isInHead && !endsMore(whole)) this.#write(whole)
    const sheets = this.#isInHead ? withoutWords(whole) : ''
    if (sheets !== '') this.#head.push(sheets)
  }

  /** The first tag of each counts; a later one adds what that did not say, as in browsers. */
  #take(name: 'html' | 'body', tag: string): void {
    for (const [key, value] of Object.entries(attributesOf(tag)))
      if (name === 'body' || key === 'lang' || key === 'dir') this.#attributes[key] ??= value
  }
}
const isOfHead = new Set(['head', 'meta', 'base', 'link', 'style', 'script', 'title', 'noscript'])

/** What others than Outlook take for a comment around what they show. */
const shown = /^\[(?:if\b[^<>\]]*|endif)\]$/i

/** A letter that only looks like one of a name makes another name. */
const lowered = (name: string): string => name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

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

/** Something that it did not begin, or itself before its end. */
const endsMore = (comment: string): boolean => {
  if (/--!?>/.test(comment.slice(4, -3))) return true
  // Programs do not agree where such a tag ends.
  if (/<[a-z/][^<>]*(?:<|$)|=\s*(?:"[^"]*[<>]|'[^']*[<>])/i.test(comment)) return true
  const open = new Map<string, number>()
  for (const [, slash, tag = ''] of comment.matchAll(/<(\/?)([a-z][a-z0-9]*)/gi)) {
    const name = tag.toLowerCase()
    if (!isBlock(name) && name !== 'body' && name !== 'html') continue
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
