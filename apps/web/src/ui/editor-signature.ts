import { mergeAttributes, Node } from '@tiptap/core'
import type { Node as ProseNode } from '@tiptap/pm/model'
import { Plugin, Selection, type Transaction } from '@tiptap/pm/state'
import type { EditorView } from '@tiptap/pm/view'
import { Line } from './editor-lines.ts'

/**
 * Whose signature it is stands in the mail, so that it can be exchanged with the identity. What is written belongs beside it: what
 * lands in it is grey, stays when the identity changes, and reaches the reader as a part of the signature.
 */
export const Signature = Node.create({
  name: 'signature',
  group: 'block',
  content: 'block+',
  defining: true,
  addAttributes: () => ({
    identity: { default: '', parseHTML: (element: HTMLElement) => element.getAttribute('data-signature') },
  }),
  parseHTML: () => [{ tag: 'div[data-signature]' }],
  renderHTML: ({ node, HTMLAttributes: { identity: _, ...other } }) => [
    'div',
    mergeAttributes(other, { 'data-signature': String(node.attrs.identity) }),
    0,
  ],
  addProseMirrorPlugins: () => [pressesBeside()],
})

/** The nearest line to a press into the free room is one of the signature: browsers take that. */
const pressesBeside = (): Plugin => {
  let wasHere = false
  return new Plugin({
    props: {
      handleDOMEvents: {
        mousedown: (view) => {
          wasHere = view.hasFocus()
        },
        click: (view, event) => leaveSignature(view, event, wasHere),
      },
    },
  })
}

/** `wasHere`: who writes already and presses on the signature wants to change it. */
const leaveSignature = (view: EditorView, { target, clientY }: MouseEvent, wasHere: boolean): void => {
  const own = signatureIn(view.state.doc)
  const element = own && view.nodeDOM(own.from)
  if (!own || !(element instanceof Element) || !isCaretIn(element, view)) return
  const isOnIt = target instanceof globalThis.Node && element.contains(target)
  const { tr } = view.state
  if (own.isFirstWord && !(wasHere && isOnIt)) goAbove(tr)
  else if (!isOnIt && clientY > element.getBoundingClientRect().bottom) goBelow(tr)
  else return
  view.dispatch(tr.setMeta('addToHistory', false).scrollIntoView())
  // The page's selection follows, also where the editor knew of no other one yet.
  view.focus()
}

/** As the browser has it: by the time of the click the editor may not have heard of it. */
const isCaretIn = (signature: Element, view: EditorView): boolean => {
  const { focusNode, isCollapsed } = document.getSelection() ?? {}
  if (!focusNode || !isCollapsed) return false
  return focusNode === view.dom ? isWithin(view.state.selection) : signature.contains(focusNode)
}

type Found = {
  from: number
  to: number
  /** Behind the last of what is written above it. */
  writtenTo: number
  /** Nothing is written above it. */
  isFirstWord: boolean
}

const signatureIn = (doc: ProseNode): Found | null => {
  let found: Found | null = null
  let writtenTo = 0
  doc.forEach((node, from) => {
    const to = from + node.nodeSize
    if (node.type.name === Signature.name) found ??= { from, to, writtenTo, isFirstWord: writtenTo === 0 }
    else if (!node.isTextblock || node.content.size > 0) writtenTo = to
  })
  return found
}

const isWithin = ({ $head }: Selection): boolean => {
  for (let depth = $head.depth; depth > 0; depth--) if ($head.node(depth).type.name === Signature.name) return true
  return false
}

/** To the first line where nothing is written, else to a new one below what is. */
const goAbove = (tr: Transaction): void => {
  const own = signatureIn(tr.doc)
  if (!own) return
  if (own.isFirstWord && own.from > 0) tr.setSelection(Selection.atStart(tr.doc))
  else goToNewLine(tr, own.writtenTo)
}

const goBelow = (tr: Transaction): void => {
  const own = signatureIn(tr.doc)
  if (!own) return
  if (own.to < tr.doc.content.size) tr.setSelection(Selection.near(tr.doc.resolve(own.to)))
  else goToNewLine(tr, own.to)
}

const goToNewLine = (tr: Transaction, at: number): void => {
  const line = tr.doc.type.schema.nodes[Line.name]?.create()
  if (line) tr.insert(at, line).setSelection(Selection.near(tr.doc.resolve(at + 1)))
}

/** What is put in from beside the text goes above the signature, wherever the caret was left. */
export const outOfSignature = (tr: Transaction): Transaction => {
  if (isWithin(tr.selection)) goAbove(tr)
  return tr
}

/** About where the caret was, in a text that took the place of another one. */
export const keepCaret = (tr: Transaction, at: number): void => {
  tr.setSelection(Selection.near(tr.doc.resolve(Math.min(at, tr.doc.content.size))))
  const own = signatureIn(tr.doc)
  if (own?.isFirstWord && own.from > 0 && isWithin(tr.selection)) tr.setSelection(Selection.atStart(tr.doc))
}
