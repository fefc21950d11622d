import { emptyLine } from '@postern/shared/written-lines.ts'
import { filledCells, maxTableCells } from './table-size.ts'
import { takeOffStyles } from './take-off-styles.ts'
import { listsOfWord } from './word-lists.ts'

/**
 * HTML of other programs in the words the editor knows: what they say by styles becomes elements, lists of Word become lists, headings
 * bold paragraphs, paragraphs that stand close together lines. Tables that only arrange what is in them come apart. In a document of
 * its own, where nothing runs or loads.
 */
export const foreignHtml = (html: string): string => {
  const { html: bare, css } = takeOffStyles(html)
  // Of a copy of the editor's own, its marks are to stay as they are.
  if (bare.includes('data-pm-slice')) return boundTables(bare)
  const body = parse(bare)
  spreadSheet(body, css)
  listsOfWord(body)
  for (const element of [...body.querySelectorAll('*')]) rewrite(element)
  takeApart(body, isLayout)
  // Below a table there is a line to write on.
  if (body.lastElementChild?.localName === 'table') body.insertAdjacentHTML('beforeend', emptyLine)
  return body.innerHTML
}

/** What was written here or elsewhere, as the editor reads it: other programs say by styles what it says by elements. */
export const knownHtml = (html: string): string => (isForeign(html) ? foreignHtml(html) : boundTables(html))

/** HTML that is in the words of the editor: as it is, but for tables that are too much for it, or none of its own. */
const boundTables = (html: string): string => {
  if (!/<(?:table|t[dhr])\b/i.test(html)) return html
  const body = parse(html)
  return takeApart(body, isNested) ? body.innerHTML : html
}

/** Cells and rows may come without their table. */
const parse = (html: string): HTMLElement => {
  const cells = /^\s*(?:<meta[^>]*>\s*)*<(?:td|th|tr|tbody|thead|col)[\s>]/i.test(html)
  return new DOMParser().parseFromString(cells ? `<table>${html}</table>` : html, 'text/html').body
}

/** Tables of which `goes` says so, and those that are too many cells, all together. Answers whether there was one. */
const takeApart = (body: HTMLElement, goes: (table: HTMLTableElement) => boolean): boolean => {
  let left = maxTableCells
  let isChanged = false
  // From the innermost.
  for (const table of [...body.querySelectorAll('table')].reverse()) {
    // In the order of the text, in which the editor reads them, whatever part of the table they are in.
    const cells = goes(table) ? Number.POSITIVE_INFINITY : filledCells([...table.querySelectorAll('tr')])
    if (cells <= left) left -= cells
    else {
      comeApart(table)
      isChanged = true
    }
  }
  return isChanged
}

/** What has styles, or none that matter. */
export const isForeign = (html: string): boolean => /<[^<>]*\sstyle\s*=|<style|<h[1-6][\s>]/i.test(html)

const maxRules = 500
/** Elements times the rules that are for them; more are no sheet of an ordinary mail. */
const maxMatches = 100_000
/** All that is asked of a style below. */
const readProperties = [
  'display',
  'font-weight',
  'font-style',
  'text-decoration-line',
  'vertical-align',
  'text-align',
  'margin-top',
  'margin-bottom',
]

/** Spreadsheets say in a sheet what is bold. It is read, and applied to nothing but this. The first rule for an element stands. */
const spreadSheet = (body: HTMLElement, css: string): void => {
  if (css === '') return
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  const said = new Map<Element, Map<string, string>>()
  let matches = 0
  read: for (const rule of [...sheet.cssRules].slice(0, maxRules)) {
    if (!(rule instanceof CSSStyleRule) || !/font-weight|font-style|text-decoration|margin/.test(rule.cssText)) continue
    const declared = declaredIn(rule.style)
    if (declared.length === 0) continue
    for (const element of body.querySelectorAll(rule.selectorText)) {
      if (matches++ >= maxMatches) break read
      const known = said.get(element) ?? new Map<string, string>()
      said.set(element, known)
      for (const [name, value] of declared)
        if (!known.has(name) || (value.endsWith(important) && !known.get(name)?.endsWith(important)))
          known.set(name, value)
    }
  }
  writeStyles(said)
}

const important = '!important'

const declaredIn = (style: CSSStyleDeclaration): [string, string][] =>
  readProperties.flatMap((name) => {
    const value = style.getPropertyValue(name)
    return value === '' ? [] : [[name, value + (style.getPropertyPriority(name) === '' ? '' : important)]]
  })

/** Before what an element says itself. */
const writeStyles = (said: Map<Element, Map<string, string>>): void => {
  for (const [element, declared] of said) {
    const sheet = [...declared].map(([name, value]) => `${name}:${value}`).join(';')
    element.setAttribute('data-style', `${sheet};${element.getAttribute('data-style') ?? ''}`)
  }
}

const rewrite = (element: Element): void => {
  const name = element.localName
  const style = document.createElement('i').style
  style.cssText = element.getAttribute('data-style') ?? ''
  element.removeAttribute('data-style')
  if (style.display === 'none') {
    element.remove()
    return
  }
  if (name === 'o:p') element.replaceWith(...(element.textContent?.trim() ? element.childNodes : []))
  else if (name === 'a' && !/^[a-z][a-z0-9+.-]*:/i.test(element.getAttribute('href')?.trim() ?? ''))
    // Where it leads from is not here.
    element.replaceWith(...element.childNodes)
  else if (/^h[1-6]$/.test(name)) mark(renamed(element, 'p'), ['strong'])
  else applyStyle(name === 'p' && standsClose(style) ? renamed(element, 'div') : element, style)
}

const applyStyle = (element: Element, style: CSSStyleDeclaration): void => {
  const name = element.localName
  const { fontWeight, fontStyle, textDecorationLine, verticalAlign, textAlign } = style
  const isPlain = /^(?:normal|lighter|[1-4]00)$/.test(fontWeight)
  const isInline = /^(?:span|font|a|b|strong|i|em|u|s)$/.test(name)
  const marks = [
    ...(/^(?:bold|bolder|[5-9]00)$/.test(fontWeight) ? ['strong'] : []),
    ...(/italic|oblique/.test(fontStyle) ? ['em'] : []),
    // Links have it of themselves.
    ...(textDecorationLine.includes('underline') && !element.closest('a') && !element.querySelector('a') ? ['u'] : []),
    ...(textDecorationLine.includes('line-through') ? ['s'] : []),
    ...(isInline && /^(?:super|sub)$/.test(verticalAlign) ? [verticalAlign.slice(0, 3)] : []),
  ]
  const isUnsaid =
    (/^(?:b|strong)$/.test(name) && isPlain) || (/^(?:i|em)$/.test(name) && fontStyle === 'normal') || name === 'font'
  if (/^t[dh]$/.test(name) && /^(?:left|right|center)$/.test(textAlign)) element.setAttribute('align', textAlign)
  mark(isUnsaid ? renamed(element, 'span') : element, marks)
}

const mark = (element: Element, marks: string[]): void => {
  if (element.firstChild === null || /^(?:table|tbody|thead|tfoot|tr|ul|ol|img)$/.test(element.localName)) return
  for (const name of marks) {
    const inner = element.ownerDocument.createElement(name.replace('super', 'sup'))
    inner.append(...element.childNodes)
    element.append(inner)
  }
}

const renamed = (element: Element, name: string): Element => {
  const other = element.ownerDocument.createElement(name)
  const align = element.getAttribute('align')
  if (align) other.setAttribute('align', align)
  other.append(...element.childNodes)
  element.replaceWith(other)
  return other
}

/** Word writes .0001pt for nothing. */
const standsClose = ({ marginTop, marginBottom }: CSSStyleDeclaration): boolean =>
  Number.parseFloat(marginTop) < 0.1 && Number.parseFloat(marginBottom) < 0.1

const isNested = (table: HTMLTableElement): boolean => table.querySelector('table') !== null

const isLayout = (table: HTMLTableElement): boolean =>
  table.getAttribute('role') === 'presentation' ||
  isNested(table) ||
  table.rows.length === 0 ||
  [...table.rows].every(({ cells }) => cells.length < 2)

const comeApart = (table: HTMLTableElement): void => {
  const parts = table.ownerDocument.createDocumentFragment()
  for (const cell of table.querySelectorAll('td, th, caption')) {
    const part = table.ownerDocument.createElement('div')
    part.append(...cell.childNodes)
    parts.append(part)
  }
  table.replaceWith(parts)
}
