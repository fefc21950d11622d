import { Node } from '@tiptap/core'
import { Fragment, type ResolvedPos, Slice } from '@tiptap/pm/model'
import type { EditorState } from '@tiptap/pm/state'
import { isEmptyLine, isLine, isLineEnd } from '#lib/line-ends.ts'

/**
 * A line, which is what Enter makes: a `div`. A `p` comes from elsewhere, and stands apart here as it does wherever it goes; so does
 * what Enter makes of it.
 */
export const Line = Node.create({
  name: 'paragraph',
  priority: 1000,
  group: 'block',
  content: 'inline*',
  addAttributes: () => ({
    isApart: { default: false, rendered: false, parseHTML: ({ localName }: HTMLElement) => localName === 'p' },
  }),
  parseHTML: () => [
    { tag: 'p' },
    { tag: 'div:not([data-signature])', getAttrs: (division) => isLine(division) && null },
    { tag: 'br', getAttrs: (end) => isEmptyLine(end) && null },
    { tag: 'br', ignore: true, getAttrs: (end) => isLineEnd(end) && null },
  ],
  renderHTML: ({ node }) => [node.attrs.isApart ? 'p' : 'div', 0],
})

/** Plain text line for line, also those with nothing in them. */
export const pastedLines = (text: string, at: ResolvedPos): Slice => {
  const { schema } = at.doc.type
  const lines = text
    .split(/\r\n?|\n/)
    .map((line) => schema.node(Line.name, null, line === '' ? [] : [schema.text(line, at.marks())]))
  return new Slice(Fragment.from(lines), 1, 1)
}

/** Of several paragraphs put into an empty line, the first stays one, too. */
export const startApart = (slice: Slice, { state }: { state: EditorState }): Slice => {
  const { content, openStart, openEnd } = slice
  const { parent } = state.selection.$from
  const isInEmptyLine = parent.type.name === Line.name && parent.content.size === 0
  const begins = openStart === 1 && content.childCount > 1 && content.firstChild?.attrs.isApart === true
  return begins && isInEmptyLine ? new Slice(content, 0, openEnd) : slice
}

/** Alone in a cell or an item, or above the list within one: it needs no element of its own there. */
const lone = ':is(td, th, li) > :is(p, div):only-child, li > :is(p, div):first-child:not(:has(~ :not(ul, ol)))'

/**
 * As it is seen: the last `br` of a line is seen nowhere, so that empty lines, and those that end with one, need one more; of spaces
 * only one is, and none where a line begins.
 */
export const finishLines = (page: Document): void => {
  for (const line of page.querySelectorAll('p, div:not([data-signature])')) {
    keepSpaces(line)
    let end: globalThis.Node = line
    while (end.lastChild) end = end.lastChild
    if (end === line || end.nodeName === 'BR') line.append(page.createElement('br'))
  }
  for (const line of page.querySelectorAll(lone)) line.replaceWith(...line.childNodes)
}

const keepSpaces = (line: Element): void => {
  const texts = line.ownerDocument.createNodeIterator(line, NodeFilter.SHOW_TEXT)
  let isFirst = true
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const begins = isFirst || text.previousSibling?.nodeName === 'BR'
    text.nodeValue = text.nodeValue?.replace(begins ? /^ | (?= )/g : / (?= )/g, '\u00a0') ?? null
    isFirst = false
  }
}
