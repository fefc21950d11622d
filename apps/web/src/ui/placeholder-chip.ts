import { type Editor, Node } from '@tiptap/core'
import { closeHistory } from '@tiptap/pm/history'
import { type Node as ProseNode, DOMParser as ProseParser } from '@tiptap/pm/model'
import { TextSelection, type Transaction } from '@tiptap/pm/state'
import { t } from '#lib/composer-text.ts'
import {
  type ChipName,
  cursorName,
  isChipName,
  type PlaceholderName,
  type PlaceholderValues,
  writeToken,
} from '#lib/placeholders.ts'
import { outOfSignature } from './editor-signature.ts'

/** A place of a template within what is written: shown by its name, kept as a token that people can read. */
export const PlaceholderChip = Node.create({
  name: 'placeholderChip',
  group: 'inline',
  inline: true,
  atom: true,
  addAttributes: () => ({
    name: { default: '', parseHTML: (element: HTMLElement) => element.getAttribute('data-placeholder') },
  }),
  // Others are the text that stands in them.
  parseHTML: () => [
    {
      tag: 'span[data-placeholder]',
      getAttrs: (element) => isChipName(element.getAttribute('data-placeholder')) && null,
    },
  ],
  renderHTML: ({ node }) => ['span', { 'data-placeholder': nameOf(node) }, writeToken(nameOf(node))],
  renderText: ({ node }) => writeToken(nameOf(node)),
  addNodeView:
    () =>
    ({ node }) => {
      const dom = document.createElement('span')
      dom.className = 'placeholder-chip'
      dom.dataset.placeholder = nameOf(node)
      dom.textContent = t(`placeholder.${nameOf(node)}`)
      return { dom }
    },
})

const nameOf = (node: ProseNode): ChipName => node.attrs.name as ChipName // no other one is parsed

const chipsIn = (tr: Transaction): { at: number; node: ProseNode }[] => {
  const found: { at: number; node: ProseNode }[] = []
  tr.doc.descendants((node, at) => {
    if (node.type.name === PlaceholderChip.name) found.push({ at, node })
  })
  // From the end: the places of the others stay as they are.
  return found.reverse()
}

/** As text with the looks of the chip. What is not known stays. */
const fillIn = (tr: Transaction, values: PlaceholderValues): void => {
  for (const { at, node } of chipsIn(tr)) {
    const value = values[nameOf(node) as PlaceholderName] // the cursor has none
    if (value) tr.replaceWith(at, at + 1, node.type.schema.text(value, node.marks))
  }
}

const putCursor = (tr: Transaction): void => {
  const places = chipsIn(tr).filter(({ node }) => nameOf(node) === cursorName)
  for (const { at } of places) tr.delete(at, at + 1)
  const first = places.at(-1)
  if (first) tr.setSelection(TextSelection.near(tr.doc.resolve(first.at)))
}

/** In place of what is selected, as far as it is known, in one step that is taken back as one. */
export const insertTemplate = ({ state, view }: Editor, html: string, values: PlaceholderValues): void => {
  // In a document of its own, where nothing runs or loads.
  const { body } = new DOMParser().parseFromString(html, 'text/html')
  const tr = outOfSignature(state.tr).replaceSelection(ProseParser.fromSchema(state.schema).parseSlice(body))
  fillIn(tr, values)
  putCursor(tr)
  view.dispatch(closeHistory(tr).scrollIntoView())
  // What is typed next is a step of its own, too.
  view.dispatch(closeHistory(view.state.tr))
  view.focus()
}

/** What has become known; not a step of its own, so that nobody has to take it back. */
export const fillChips = ({ state, view }: Editor, values: PlaceholderValues): void => {
  const { tr } = state
  fillIn(tr, values)
  if (tr.docChanged) view.dispatch(tr.setMeta('addToHistory', false))
}

export const insertChip = (editor: Editor, name: ChipName): void => {
  editor.commands.insertContent({ type: PlaceholderChip.name, attrs: { name } })
  // At once: the next key is for the text.
  editor.view.focus()
}
