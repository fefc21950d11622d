/**
 * Which elements of a page are open for a browser, tag by tag: as much of the construction of trees (HTML 13.2.6) as decides what an
 * end tag ends. It holds for pages without what `enclosePage` leaves out (forms, templates, objects, drawings), and for tags that are
 * written as it says. Elements within a line are not followed: whatever becomes of them, they end no block. Of those that go on
 * behind the end of what they stand in, the most that there can be are counted.
 */
export class OpenElements {
  readonly #open: string[] = []
  /** Of those at most so many may be open; no block is open in one. */
  #rubies = 0
  /** How many of each may go on behind the page. */
  readonly #looks = new Map<string, number>()

  /** What to write before this start tag, so that it is known what ends there; null: it counts for nothing, and is not to be written. */
  enter(name: string): string | null {
    if (name === 'ruby') this.#rubies++
    if (looks.test(name) && !this.#open.some(isBox)) this.#looks.set(name, (this.#looks.get(name) ?? 0) + 1)
    const isFollowed = blocks.test(name) || name === 'table' || rows.test(name)
    if (!isFollowed && name !== 'p') return ''
    if (rows.test(name) && !this.#open.includes('table')) return null
    if (isFollowed && this.#open.length >= maxDepth) return null
    // What is said above a word would end an item that stands around that word, and in it.
    let before = '</ruby>'.repeat(this.#rubies)
    this.#rubies = 0
    const last = this.#open.at(-1) ?? ''
    if (heading.test(name) && heading.test(last)) {
      // A browser ends it where nothing else is open in it.
      before += `</${last}>`
      this.#open.pop()
    }
    if (rows.test(name)) this.#enterRow(name)
    else if (isFollowed) this.#enterBlock(name)
    return before
  }

  /** Whether this end tag ends something within the page; else it is not to be written. */
  leave(name: string): boolean {
    if (name === 'ruby') this.#rubies = Math.max(0, this.#rubies - 1)
    if (looks.test(name) && !this.#open.some(isBarrier))
      this.#looks.set(name, Math.max(0, (this.#looks.get(name) ?? 0) - 1))
    if (/^col(?:group)?$/.test(name)) return this.#open.includes('table')
    if (name === 'table' || rows.test(name)) return this.#cut((one) => one === name, isTable)
    if (!blocks.test(name)) return true
    if (heading.test(name)) return this.#cut((one) => heading.test(one), isBarrier)
    if (name === 'li') return this.#cut(isItem, (one) => isBarrier(one) || /^[uo]l$/.test(one))
    return this.#cut((one) => one === name, isBarrier)
  }

  /** The end tags of all that is open at the end of the page. */
  end(): string {
    const ends = this.#open.splice(0).map((name) => `</${name}>`)
    return ends.reverse().join('')
  }

  /** Behind the element that the page stands in: the end tags of what would go on there. */
  endLooks(): string {
    return [...this.#looks].map(([name, count]) => `</${name}>`.repeat(count)).join('')
  }

  #enterBlock(name: string): void {
    if (name === 'table') {
      // Where no cell is open it ends the table that it stands in.
      const around = this.#open.findLast(isBarrier)
      if (around === 'table') this.#cut(isTable, () => false)
    }
    if (name === 'li') this.#cut(isItem, isNoWrapper)
    if (name === 'dd' || name === 'dt') this.#cut((one) => one === 'dd' || one === 'dt', isNoWrapper)
    if (name === 'button') this.#cut((one) => one === name, isBarrier)
    this.#open.push(name)
  }

  #enterRow(name: string): void {
    const isCell = name === 'td' || name === 'th'
    const holds = (one: string) =>
      one === 'table' || ((isCell || name === 'tr') && section.test(one)) || (isCell && one === 'tr')
    this.#open.length = this.#open.findLastIndex(holds) + 1
    if ((isCell || name === 'tr') && this.#open.at(-1) === 'table') this.#open.push('tbody')
    if (isCell && this.#open.at(-1) !== 'tr') this.#open.push('tr')
    if (!/^col(?:group)?$/.test(name)) this.#open.push(name)
  }

  /** Ends the innermost one, and all in it, unless it stands outside of what stops the search. */
  #cut(isIt: (name: string) => boolean, stops: (name: string) => boolean): boolean {
    const at = this.#open.findLastIndex((one) => isIt(one) || stops(one))
    const isFound = isIt(this.#open[at] ?? '')
    if (isFound) this.#open.length = at
    return isFound
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
/** What an end tag ends only as far as the next one of these. */
const isBarrier = (name: string): boolean => name === 'table' || isBox(name)
const isTable = (name: string): boolean => name === 'table'
const isItem = (name: string): boolean => name === 'li'
/** An item ends another one that stands around these alone. */
const isNoWrapper = (name: string): boolean => name !== 'div' && name !== 'address'
