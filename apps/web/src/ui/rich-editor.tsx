import { type Editor, Mark, mergeAttributes } from '@tiptap/core'
import { Image } from '@tiptap/extension-image'
import { Placeholder } from '@tiptap/extensions/placeholder'
import { DOMSerializer, type Node as ProseNode } from '@tiptap/pm/model'
import { Selection } from '@tiptap/pm/state'
import { EditorContent, useEditor } from '@tiptap/react'
import { StarterKit } from '@tiptap/starter-kit'
import { type RefObject, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react'
import { foreignHtml, knownHtml } from '#lib/foreign-html.ts'
import type { ChipName, PlaceholderValues } from '#lib/placeholders.ts'
import { takeOffStyles } from '#lib/take-off-styles.ts'
import { finishLines, Line, pastedLines, startApart } from './editor-lines.ts'
import { keepCaret, Signature } from './editor-signature.ts'
import { tableExtensions } from './editor-table.ts'
import { EditorToolbar } from './editor-toolbar.tsx'
import { fillChips, insertChip, insertTemplate, PlaceholderChip } from './placeholder-chip.ts'

/** What becomes of pictures: where the page finds those that are named by `cid:`, and who takes the ones that are pasted. */
export type EditorPictures = {
  addressOf: (source: string) => string
  /** Answers the `src` of each, as it becomes known. */
  onFiles: (files: File[], insert: (source: string, alt: string) => void) => void
}

/** What is put in from beside it. */
export type RichEditorHandle = {
  /** Answers what was written before and is now. */
  insertTemplate: (html: string, values: PlaceholderValues) => { before: string; after: string }
  insertChip: (name: ChipName) => void
  fillChips: (values: PlaceholderValues) => void
}

/**
 * Rich text of a mail: few kinds of elements, each with a way by key. HTML that comes in becomes what this schema knows, in a
 * document where nothing runs or loads; everything else in it is left out.
 */
export const RichEditor = ({
  html,
  language = navigator.language,
  revision,
  label,
  placeholder,
  caretAtFirst = null,
  pictures,
  handle,
  onCaret,
  onChange,
}: {
  html: string
  /** By which the browser spells it. BCP 47. */
  language?: string
  /** Raised when `html` comes from elsewhere. */
  revision: number | string
  label: string
  placeholder: string
  /** Where one writes as soon as it is here; null: the focus stays where it is. */
  caretAtFirst?: number | 'start' | null
  pictures: EditorPictures
  handle?: RefObject<RichEditorHandle | null>
  onCaret?: (at: number) => void
  onChange: (html: string) => void
}) => {
  const latest = useRef({ pictures, onCaret, onChange })
  latest.current = { pictures, onCaret, onChange }
  // Read once; a table in it is parsed and counted whole.
  const [atFirst] = useState(() => knownHtml(html))
  const editor = useEditor({
    // Its styles are in screen/composer.css: the page's policy takes none that come by script.
    injectCSS: false,
    immediatelyRender: true,
    extensions: [
      StarterKit.configure({
        paragraph: false,
        heading: false,
        horizontalRule: false,
        dropcursor: false,
        // Below a table one can go on.
        trailingNode: { notAfter: ['paragraph', 'bulletList', 'orderedList', 'blockquote', 'codeBlock', 'signature'] },
        link: {
          openOnClick: false,
          autolink: true,
          defaultProtocol: 'https',
          // `notes.md` and `one.one` are words.
          shouldAutoLink: (address) => /^(?:[a-z][a-z0-9+.-]*:|www\.)|@/i.test(address),
          HTMLAttributes: { target: null, rel: null },
        },
      }),
      Line,
      Placeholder.configure({ placeholder }),
      Signature,
      PlaceholderChip,
      ...tableExtensions,
      raised('superscript', 'sup'),
      raised('subscript', 'sub'),
      picturesOf((source) => latest.current.pictures.addressOf(source)),
    ],
    content: atFirst,
    coreExtensionOptions: { clipboardTextSerializer: { blockSeparator: '\n' } },
    editorProps: {
      attributes: {
        role: 'textbox',
        'aria-multiline': 'true',
        'aria-label': label,
        dir: 'auto',
        lang: language,
        spellcheck: 'true',
      },
      // It sends; the editor would break the line.
      handleKeyDown: (_view, { key, ctrlKey, metaKey }) => key === 'Enter' && (ctrlKey || metaKey),
      transformPastedHTML: foreignHtml,
      clipboardTextParser: pastedLines,
      transformPasted: startApart,
      handlePaste: (view, { clipboardData }) => {
        const files = [...(clipboardData?.files ?? [])]
        // Programs that copy a table put a picture of it beside its text; browsers put a link beside a picture.
        const html = clipboardData?.getData('text/html') ?? ''
        if (files.length === 0 || (html !== '' && !isPicture(html))) return false
        latest.current.pictures.onFiles(files, (source, alt) => insertPicture(view, source, alt))
        return true
      },
      handleDrop: (view, event) => {
        const files = [...(event.dataTransfer?.files ?? [])]
        if (files.length === 0) return false
        event.preventDefault()
        const at = view.posAtCoords({ left: event.clientX, top: event.clientY })?.pos
        latest.current.pictures.onFiles(files, (source, alt) => insertPicture(view, source, alt, at))
        return true
      },
    },
    onUpdate: ({ editor: changed }) => latest.current.onChange(writtenIn(changed)),
    onSelectionUpdate: ({ editor: moved }) => moved.isFocused && latest.current.onCaret?.(moved.state.selection.from),
  })
  useImperativeHandle(
    handle,
    () => ({
      insertTemplate: (template, values) => {
        const before = writtenIn(editor)
        insertTemplate(editor, knownHtml(template), values)
        return { before, after: writtenIn(editor) }
      },
      insertChip: (name) => insertChip(editor, name),
      fillChips: (values) => fillChips(editor, values),
    }),
    [editor],
  )
  // By its own way it would take the focus some frames later, when somebody may already be in another field.
  const wanted = useRef(caretAtFirst)
  useLayoutEffect(() => {
    const at = wanted.current
    if (at === null) return
    editor
      .chain()
      .setTextSelection(at === 'start' ? Selection.atStart(editor.state.doc) : at)
      .scrollIntoView()
      .run()
    editor.view.focus()
  }, [editor])
  const shown = useRef(revision)
  useEffect(() => {
    if (shown.current === revision) return
    shown.current = revision
    const { from } = editor.state.selection
    editor
      .chain()
      // Not to be taken back as if it had been typed here.
      .setMeta('addToHistory', false)
      .setContent(knownHtml(html), { emitUpdate: false })
      // Left alone it is behind all of it, which is behind the signature or the quote.
      .command(({ tr }) => {
        keepCaret(tr, from)
        return true
      })
      .run()
  }, [editor, html, revision])
  return (
    <div className="rich-editor">
      <EditorToolbar editor={editor} />
      <EditorContent editor={editor} className="rich-text" />
    </div>
  )
}

/** In a document of its own, where nothing loads. */
const isPicture = (html: string): boolean => {
  const { body } = new DOMParser().parseFromString(takeOffStyles(html).html, 'text/html')
  return body.querySelectorAll('img').length === 1 && body.textContent?.trim() === ''
}

const writtenIn = ({ isEmpty, state }: Editor): string => (isEmpty ? '' : htmlOf(state.doc))

const raised = (name: string, tag: 'sup' | 'sub') =>
  Mark.create({ name, parseHTML: () => [{ tag }], renderHTML: () => [tag, 0] })

/** As it goes out: written in a document of its own, where no picture is asked for. */
const htmlOf = ({ type, content }: Pick<ProseNode, 'type' | 'content'>): string => {
  const page = document.implementation.createHTMLDocument()
  page.body.append(DOMSerializer.fromSchema(type.schema).serializeFragment(content, { document: page }))
  for (const image of page.querySelectorAll(`img[${beside}]`)) {
    image.setAttribute('src', image.getAttribute(beside) ?? '')
    image.removeAttribute(beside)
  }
  finishLines(page)
  return page.body.innerHTML
}

type View = Parameters<NonNullable<import('@tiptap/pm/view').EditorProps['handlePaste']>>[0]

const insertPicture = (view: View, source: string, alt: string, at = view.state.selection.from): void => {
  if (view.isDestroyed) return
  const node = view.state.schema.nodes.image?.create({ src: source, alt })
  if (node) view.dispatch(view.state.tr.insert(Math.min(at, view.state.doc.content.size), node))
}

/**
 * A picture keeps its `cid:` in the mail, and the page asks for it at the address that `addressOf` knows. What the editor draws by
 * itself names it beside, as `data-source`: before its own view of a picture is there, the page would ask for the `cid:`.
 */
const picturesOf = (addressOf: (source: string) => string) =>
  Image.extend({
    addAttributes() {
      const parseHTML = (element: HTMLElement) => element.getAttribute(beside) ?? element.getAttribute('src')
      return { ...this.parent?.(), src: { default: null, parseHTML } }
    },
    parseHTML: () => [{ tag: `img[${beside}]` }, { tag: 'img[src^="cid:"]' }, { tag: 'img[src^="data:image/"]' }],
    renderHTML: ({ HTMLAttributes: { src, ...other } }) => [
      'img',
      mergeAttributes(other, { [`${src}`.startsWith('cid:') ? beside : 'src']: src }),
    ],
    addNodeView:
      () =>
      ({ node }) => {
        const image = document.createElement('img')
        image.src = addressOf(String(node.attrs.src))
        image.alt = String(node.attrs.alt ?? '')
        for (const side of ['width', 'height'] as const)
          if (node.attrs[side]) image.setAttribute(side, String(node.attrs[side]))
        return { dom: image }
      },
  }).configure({ inline: true, allowBase64: true })
const beside = 'data-source'
