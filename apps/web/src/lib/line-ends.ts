/** What begins a line of HTML, and ends the one before it. */
const blocks =
  'address, article, aside, blockquote, body, center, dd, details, dir, div, dl, dt, fieldset, figcaption, figure, footer, form, h1, h2, h3, h4, h5, h6, header, hr, li, main, menu, nav, ol, p, pre, section, table, tbody, td, tfoot, th, thead, tr, ul'

/** Of a `br`: nothing follows in its line, so that it is seen in no browser. */
export const isLineEnd = (end: Element): boolean => isEdge(besides(end, 'nextSibling'))

/** Of a `br` at the end of its line: nothing comes before it either, and what it stands in is more than this line. */
export const isEmptyLine = (end: Element): boolean => {
  const around = end.closest(blocks)
  return isLineEnd(end) && isEdge(besides(end, 'previousSibling')) && !around?.matches('p, pre') && !isLine(around)
}

/** A `div` that is a line; others only hold some. */
export const isLine = (division: Element | null): boolean =>
  division?.localName === 'div' && division.querySelector(blocks) === null && !isUnseen(division)

/** Nothing in it is drawn. */
const isUnseen = (element: Element): boolean =>
  !isWord(element.textContent ?? '') && !element.matches(seen) && !element.querySelector(seen)
const seen = 'br, hr, img, li, p, table, [data-signature], [data-placeholder]'

const isBlock = (node: Node): boolean => node instanceof Element && node.matches(blocks)

/** A space that does not break is seen. */
const isWord = (text: string): boolean => /[^ \t\r\n\f]/.test(text)

/** What is seen beside it before its block ends. */
const besides = (node: Node, side: 'nextSibling' | 'previousSibling'): Node | null => {
  for (let at: Node | null = node; at && !isBlock(at); at = at.parentNode)
    for (let next = at[side]; next; next = next[side])
      if (isBlock(next) || (next instanceof Element ? !isUnseen(next) : next instanceof Text && isWord(next.data)))
        return next
  return null
}

const isEdge = (beside: Node | null): boolean => beside === null || isBlock(beside)
