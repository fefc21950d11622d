/**
 * Which elements of a page are open for a browser, tag by tag: as much of the construction of trees (HTML 13.2.6) as decides what an
 * end tag ends. It holds for pages without what `enclosePage` leaves out (forms, templates, objects, drawings), and for tags that are
 * written as it says. Elements within a line are not followed: whatever becomes of them, they end no block. Of those that go on
 * behind the end of what they stand in, the most that there can be are counted. No tag is compared with what it stands in: pages may
 * be long and deep at once.
 */
export class OpenElements {
  readonly #open = new Stack()
  /** Of those at most so many may be open; no block is open in one. */
  #rubies = 0
  /** How many of each may go on behind the page. */
  readonly #looks = new Map<string, number>()

  /** What to write before this start tag, so that it is known what ends there; null: it counts for nothing, and is not to be written. */
  enter(name: string): string | null {
    if (name === 'ruby') this.#rubies++
    if (looks.test(name) && this.#open.last('*box') < 0) this.#looks.set(name, (this.#looks.get(name) ?? 0) + 1)
    const isFollowed = blocks.test(name) || name === 'table' || rows.test(name)
    if (!isFollowed && name !== 'p') return ''
    if (rows.test(name) && this.#open.last('table') < 0) return null
    if (isFollowed && this.#open.depth >= maxDepth) return null
    // What is said above a word would end an item that stands around that word, and in it.
    let before = '</ruby>'.repeat(this.#rubies)
    this.#rubies = 0
    const last = this.#open.top
    if (heading.test(name) && heading.test(last)) {
      // A browser ends it where nothing else is open in it.
      before += `</${last}>`
      this.#open.cut(this.#open.depth - 1)
    }
    if (rows.test(name)) this.#enterRow(name)
    else if (isFollowed) this.#enterBlock(name)
    return before
  }

  /** Whether this end tag ends something within the page; else it is not to be written. */
  leave(name: string): boolean {
    if (name === 'ruby') this.#rubies = Math.max(0, this.#rubies - 1)
    if (looks.test(name) && this.#open.last('*barrier') < 0)
      this.#looks.set(name, Math.max(0, (this.#looks.get(name) ?? 0) - 1))
    if (/^col(?:group)?$/.test(name)) return this.#open.last('table') >= 0
    if (name === 'table' || rows.test(name)) return this.#cut([name], ['table'])
    if (!blocks.test(name)) return true
    if (heading.test(name)) return this.#cut(['*heading'], ['*barrier'])
    if (name === 'li') return this.#cut(['li'], ['*barrier', 'ul', 'ol'])
    return this.#cut([name], ['*barrier'])
  }

  /** The end tags of all that is open at the end of the page. */
  end(): string {
    const ends: string[] = []
    for (; this.#open.depth > 0; this.#open.cut(this.#open.depth - 1)) ends.push(`</${this.#open.top}>`)
    return ends.join('')
  }

  /** Behind the element that the page stands in: the end tags of what would go on there. */
  endLooks(): string {
    return [...this.#looks].map(([name, count]) => `</${name}>`.repeat(count)).join('')
  }

  #enterBlock(name: string): void {
    if (name === 'table') {
      // Where no cell is open it ends the table that it stands in.
      const around = this.#open.last('table')
      if (around >= 0 && around === this.#open.last('*barrier')) this.#open.cut(around)
    }
    // An item ends another one that stands around wrappers alone.
    if (name === 'li') this.#cut(['li'], ['*noWrapper'])
    if (name === 'dd' || name === 'dt') this.#cut(['dd', 'dt'], ['*noWrapper'])
    if (name === 'button') this.#cut(['button'], ['*barrier'])
    this.#open.push(name)
  }

  #enterRow(name: string): void {
    const isCell = name === 'td' || name === 'th'
    const holds = ['table', ...(isCell || name === 'tr' ? ['*section'] : []), ...(isCell ? ['tr'] : [])]
    this.#open.cut(this.#open.last(...holds) + 1)
    if ((isCell || name === 'tr') && this.#open.top === 'table') this.#open.push('tbody')
    if (isCell && this.#open.top !== 'tr') this.#open.push('tr')
    if (!/^col(?:group)?$/.test(name)) this.#open.push(name)
  }

  /** Ends the innermost one of these, and all in it, unless it stands outside of what stops the search. */
  #cut(these: string[], stops: string[]): boolean {
    const at = this.#open.last(...these)
    const isFound = at >= 0 && at >= this.#open.last(...stops)
    if (isFound) this.#open.cut(at)
    return isFound
  }
}

/** Names from the outermost to the innermost. Where the last one of a name or of a kind is, it knows without looking through them. */
class Stack {
  readonly #names: string[] = []
  readonly #places = new Map<string, number[]>()

  get depth(): number {
    return this.#names.length
  }

  /** Empty: there is none. */
  get top(): string {
    return this.#names.at(-1) ?? ''
  }

  /** -1: there is none. */
  last(...wanted: string[]): number {
    let last = -1
    for (const one of wanted) last = Math.max(last, this.#places.get(one)?.at(-1) ?? -1)
    return last
  }

  push(name: string): void {
    for (const one of kindsOf(name)) {
      const places = this.#places.get(one)
      if (places) places.push(this.#names.length)
      else this.#places.set(one, [this.#names.length])
    }
    this.#names.push(name)
  }

  /** Down to this depth. */
  cut(depth: number): void {
    while (this.#names.length > depth) {
      const name = this.#names.pop() ?? ''
      for (const one of kindsOf(name)) this.#places.get(one)?.pop()
    }
  }
}

const blocks =
  /^(?:address|article|aside|blockquote|button|center|details|dir|div|dl|dd|dt|fieldset|fig(?:ure|caption)|footer|h[1-6]|header|hgroup|li|listing|main|menu|nav|ol|pre|section|summary|ul)$/
export const isBlock = (name: string): boolean => blocks.test(name)
const heading = /^h[1-6]$/
const rows = /^(?:td|th|tr|tbody|thead|tfoot|caption|col|colgroup)$/
const section = /^t(?:body|head|foot)$/
const looks = /^(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)$/
/** As browsers: what nests deeper is flat. */
const maxDepth = 512

/** What holds what stands in a table, and its looks. */
const isBox = (name: string): boolean => name === 'td' || name === 'th' || name === 'caption'

/** A name, and what it is one of. */
const kindsOf = (name: string): string[] => {
  const known = kinds.get(name)
  if (known) return known
  const found = [
    name,
    ...(isBox(name) ? ['*box'] : []),
    // What an end tag ends only as far as the next one of these.
    ...(isBox(name) || name === 'table' ? ['*barrier'] : []),
    ...(heading.test(name) ? ['*heading'] : []),
    ...(section.test(name) ? ['*section'] : []),
    ...(name === 'div' || name === 'address' ? [] : ['*noWrapper']),
  ]
  kinds.set(name, found)
  return found
}
/** Only names of blocks and of what tables are made of come here. */
const kinds = new Map<string, string[]>()
