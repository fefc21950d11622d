import { signatureMark } from './written-lines.ts'

/**
 * The plain text of HTML that a person wrote, as they would have written it without: paragraphs apart, lists with their marks, links
 * with where they lead, quotes behind `>`, tables a line each row. It is told what a parser finds, in its order, names in lower case.
 */
export class TextWriter {
  /** What is being written: the whole, or a cell of a table; deeper ones are written as what they stand in. */
  readonly #written: [Written, ...Written[]] = [new Written()]
  readonly #isCell: boolean[] = []

  open(name: string, attributes: Record<string, string>): void {
    if (isCell(name)) this.#isCell.push(!this.#innermost.isSilent && this.#written.length <= deepest)
    if (isCell(name) && this.#isCell.at(-1)) this.#written.push(new Written())
    else this.#innermost.open(name, attributes)
  }

  text(text: string): void {
    this.#innermost.text(text)
  }

  close(name: string): void {
    const cell = isCell(name) && this.#isCell.pop() ? this.#written.pop()?.end() : undefined
    if (cell === undefined) this.#innermost.close(name)
    else this.#innermost.cell(cell)
  }

  end(): string {
    return this.#written[0].end()
  }

  get #innermost(): Written {
    return this.#written.at(-1) ?? this.#written[0]
  }
}

const isCell = (name: string): boolean => name === 'td' || name === 'th'

/** What stands apart from what is above and below it, by one empty line. */
const paragraphs = new Set(['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'blockquote', 'pre', 'table', 'dl'])
const lines = new Set(['div', 'li', 'tr', 'section', 'article', 'header', 'footer', 'figure', 'figcaption', 'dt', 'dd'])
const silent = new Set(['head', 'style', 'script', 'title', 'template', 'noscript', 'svg', 'math'])

/** Deeper ones look the same: what nests without end would grow with its square. */
const deepest = 20

const inOneLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ')

type Link = { href: string | null; line: string[]; from: number }

class Written {
  readonly #out: string[] = []
  /** In pieces: whoever looks into a line that grows reads it anew for each. */
  #line: string[] = []
  /** Behind a space that nothing follows yet. */
  #hasSpace = false
  /** An empty line comes before the next one, quoted so deep. */
  #gapQuotes: number | null = null
  /** Nothing is above it. */
  #isFirst = true
  #quotes = 0
  #silent = 0
  #pre = 0
  /** Null: no numbers. */
  readonly #lists: (number | null)[] = []
  /** What the next line begins with: the mark of an item. */
  #mark = ''
  /** How far its other lines stand to the right. */
  #indent = 0
  readonly #links: Link[] = []
  /** A signature has begun, and nothing of it has been seen yet. */
  #signs = false
  #row: string[] = []

  get isSilent(): boolean {
    return this.#silent > 0
  }

  cell(text: string): void {
    this.#row.push(text)
  }

  open(name: string, attributes: Record<string, string>): void {
    if (silent.has(name)) this.#silent++
    if (this.#silent > 0) return
    if (name === 'br') {
      this.#break(true)
      return
    }
    if (name === 'hr') {
      this.#paragraph()
      this.#line = ['--------']
      this.#paragraph()
      return
    }
    // A list within an item is one with it.
    if (paragraphs.has(name) && !(/^[uo]l$/.test(name) && this.#lists.length > 0)) this.#paragraph()
    else if (paragraphs.has(name) || lines.has(name)) this.#break(false)
    if (attributes['data-signature'] !== undefined) {
      this.#paragraph()
      this.#signs = true
    }
    if (name === 'blockquote') this.#quotes++
    if (name === 'pre') this.#pre++
    if (name === 'ul') this.#lists.push(null)
    if (name === 'ol') this.#lists.push(Number.parseInt(attributes.start ?? '1', 10) || 1)
    if (name === 'li') this.#item()
    if (name === 'a') {
      const href = this.#links.length < deepest ? (attributes.href ?? null) : null
      this.#links.push({ href, line: this.#line, from: this.#line.length })
    }
    if (name === 'img' && attributes.alt) this.text(`[${attributes.alt}]`)
  }

  close(name: string): void {
    if (silent.has(name)) {
      this.#silent--
      return
    }
    if (this.#silent > 0) return
    if (name === 'a') this.#leadTo(this.#links.pop())
    if (name === 'tr' || name === 'table') this.#endRow()
    if (lines.has(name)) this.#break(false)
    // An item that shows nothing leaves no mark for what stands behind it.
    if (name === 'li') this.#mark = ''
    if (paragraphs.has(name)) {
      this.#break(false)
      if (/^[uo]l$/.test(name)) this.#lists.pop()
      this.#indent = 2 * Math.min(deepest, this.#lists.length)
      if (this.#lists.length === 0) this.#paragraph()
    }
    if (name === 'blockquote') {
      this.#quotes = Math.max(0, this.#quotes - 1)
      this.#paragraph()
    }
    if (name === 'pre') this.#pre = Math.max(0, this.#pre - 1)
  }

  text(text: string): void {
    if (this.#silent > 0) return
    if (this.#pre > 0) {
      const [first = '', ...others] = text.replace(/\r\n?/g, '\n').split('\n')
      if (first !== '') this.#line.push(first)
      for (const one of others) {
        this.#break(true)
        this.#line = [one]
      }
      return
    }
    const folded = text.replace(/[ \t\r\n\f]+/g, ' ')
    if (folded.startsWith(' ') && this.#line.length > 0) this.#hasSpace = true
    const words = folded.trim() === '' && !folded.includes('\u00a0') ? '' : folded.replace(/^ | $/g, '')
    if (words === '') return
    if (this.#signs) {
      this.#signs = false
      // One empty line is enough.
      if (this.#out.at(-1) === '') this.#gapQuotes = null
      if (words.trim() !== signatureMark.trim()) this.#push(signatureMark)
    }
    if (this.#hasSpace && !this.#line.at(-1)?.endsWith(' ')) this.#line.push(' ')
    this.#line.push(words)
    this.#hasSpace = folded.endsWith(' ')
  }

  end(): string {
    this.#break(false)
    while (this.#out.at(-1)?.trim() === '') this.#out.pop()
    return this.#out.join('\n')
  }

  /** One that stands alone only arranges what is in it. */
  #endRow(): void {
    const [only = '', ...others] = this.#row.splice(0)
    const rows = others.length === 0 ? only.split('\n') : [[only, ...others].map(inOneLine).join(' | ')]
    if (only === '' && others.length === 0) return
    for (const row of rows) {
      this.#line = [row]
      this.#break(true)
    }
  }

  #item(): void {
    const n = this.#lists.at(-1)
    const depth = Math.min(deepest, Math.max(0, this.#lists.length - 1))
    this.#mark = `${'  '.repeat(depth)}${typeof n === 'number' ? `${n}. ` : '- '}`
    if (typeof n === 'number') this.#lists[this.#lists.length - 1] = n + 1
    this.#indent = this.#mark.length
  }

  /** Only where the words do not say it themselves. */
  #leadTo(link: Link | undefined): void {
    const href = link?.href?.trim().replace(/^(?:mailto|tel):/i, '')
    if (!link || !href || href.startsWith('#')) return
    const words = this.#line
      .slice(link.line === this.#line ? link.from : 0)
      .join('')
      .trim()
    const bare = (text: string) => text.replace(/^(?:https?:\/\/)?(?:www\.)?|\/$/gi, '').toLowerCase()
    if (bare(words) !== bare(href)) this.text(words === '' ? href : ` <${href}>`)
  }

  /** `isWanted`: also one that is empty. */
  #break(isWanted: boolean): void {
    // Spaces that do not break are seen, also alone.
    const written = this.#line.join('')
    const isSeen = isWanted || written.includes('\u00a0')
    const line = written.replaceAll('\u00a0', ' ')
    this.#line = []
    this.#hasSpace = false
    const isEmpty = line.trim() === ''
    if (isEmpty && !isSeen) return
    const start = this.#mark === '' ? ' '.repeat(this.#indent) : this.#mark
    this.#mark = ''
    // The mark of a signature keeps its space.
    const whole = line.trim() === signatureMark.trim() ? signatureMark : line.trimEnd()
    this.#push(isEmpty ? '' : `${start}${whole}`)
  }

  #paragraph(): void {
    this.#break(false)
    if (this.#mark === '') this.#gapQuotes = Math.min(this.#gapQuotes ?? this.#quotes, this.#quotes)
  }

  #push(line: string): void {
    // An empty line of its own is that gap.
    if (this.#gapQuotes !== null && !this.#isFirst && line !== '')
      this.#out.push('>'.repeat(Math.min(this.#gapQuotes, this.#quotes, deepest)))
    this.#gapQuotes = null
    this.#isFirst = false
    const marks = '>'.repeat(Math.min(this.#quotes, deepest))
    this.#out.push(marks === '' ? line : line === '' || line.startsWith('>') ? marks + line : `${marks} ${line}`)
  }
}
