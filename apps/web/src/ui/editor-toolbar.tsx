import { type Editor, useEditorState } from '@tiptap/react'
import {
  Bold,
  Code,
  Italic,
  Link2,
  List,
  ListOrdered,
  type LucideIcon,
  Quote,
  Redo2,
  RemoveFormatting,
  Strikethrough,
  Table,
  Underline,
  Undo2,
} from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'
import { t } from '#lib/composer-text.ts'
import { insertTable, isWithinTable, runTable, tableActions } from './editor-table.ts'
import { focusedChain } from './focused-chain.ts'

type Tool = {
  id:
    | 'bold'
    | 'italic'
    | 'underline'
    | 'strike'
    | 'bulletList'
    | 'orderedList'
    | 'blockquote'
    | 'code'
    | 'link'
    | 'table'
    | 'clear'
    | 'undo'
    | 'redo'
  icon: LucideIcon
  keys?: string
}
const tools: Tool[] = [
  { id: 'bold', icon: Bold, keys: 'Ctrl B' },
  { id: 'italic', icon: Italic, keys: 'Ctrl I' },
  { id: 'underline', icon: Underline, keys: 'Ctrl U' },
  { id: 'strike', icon: Strikethrough },
  { id: 'bulletList', icon: List },
  { id: 'orderedList', icon: ListOrdered },
  { id: 'blockquote', icon: Quote },
  { id: 'link', icon: Link2 },
  { id: 'table', icon: Table },
  { id: 'code', icon: Code },
  { id: 'clear', icon: RemoveFormatting },
  { id: 'undo', icon: Undo2, keys: 'Ctrl Z' },
  { id: 'redo', icon: Redo2 },
]
const states = [
  'bold',
  'italic',
  'underline',
  'strike',
  'bulletList',
  'orderedList',
  'blockquote',
  'code',
  'link',
] as const

/** One stop of the Tab key; arrows move within. */
export const EditorToolbar = ({ editor }: { editor: Editor }) => {
  const [isLinking, setLinking] = useState(false)
  const [stop, setStop] = useState(0)
  const active = useEditorState({
    editor,
    selector: ({ editor: now }) => states.filter((name) => now.isActive(name)).join(' '),
  }).split(' ')
  const isInTable = useEditorState({ editor, selector: ({ editor: now }) => isWithinTable(now) })
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (!step) return
    event.preventDefault()
    const next = (stop + step + tools.length) % tools.length
    setStop(next)
    event.currentTarget.querySelectorAll('button')[next]?.focus()
  }
  return (
    <>
      <div className="editor-toolbar" role="toolbar" aria-label={t('editor.format')} onKeyDown={onKeyDown}>
        {tools.map(({ id, icon: Icon, keys }, index) => (
          <button
            key={id}
            type="button"
            className="icon-button"
            tabIndex={index === stop ? 0 : -1}
            aria-label={t(`editor.${id}`)}
            title={keys ? `${t(`editor.${id}`)} (${keys})` : t(`editor.${id}`)}
            aria-pressed={states.some((one) => one === id) ? active.includes(id) : undefined}
            // The selection stays where it is.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => {
              setStop(index)
              if (id === 'link') setLinking(!isLinking)
              else if (id === 'table') insertTable(editor)
              else runTool(editor, id)
            }}
          >
            <Icon size={16} aria-hidden />
          </button>
        ))}
      </div>
      {isInTable && (
        <div className="link-row" role="group" aria-label={t('editor.table')}>
          {tableActions.map((action) => (
            <button
              key={action}
              type="button"
              className="link-button"
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => runTable(editor, action)}
            >
              {t(`editor.${action}`)}
            </button>
          ))}
        </div>
      )}
      {isLinking && <LinkRow editor={editor} onClose={() => setLinking(false)} />}
    </>
  )
}

const runTool = (editor: Editor, id: Exclude<Tool['id'], 'link' | 'table'>): void => {
  const chain = focusedChain(editor)
  const done = {
    bold: () => chain.toggleBold(),
    italic: () => chain.toggleItalic(),
    underline: () => chain.toggleUnderline(),
    strike: () => chain.toggleStrike(),
    bulletList: () => chain.toggleBulletList(),
    orderedList: () => chain.toggleOrderedList(),
    blockquote: () => chain.toggleBlockquote(),
    code: () => chain.toggleCode(),
    clear: () => chain.unsetAllMarks().clearNodes(),
    undo: () => chain.undo(),
    redo: () => chain.redo(),
  }
  done[id]().run()
}

const LinkRow = ({ editor, onClose }: { editor: Editor; onClose: () => void }) => {
  const [address, setAddress] = useState(() => String(editor.getAttributes('link').href ?? ''))
  const apply = () => {
    const typed = address.trim()
    const href = /^[a-z][a-z0-9+.-]*:/i.test(typed)
      ? typed
      : typed.includes('@')
        ? `mailto:${typed}`
        : `https://${typed}`
    const chain = focusedChain(editor).extendMarkRange('link')
    if (typed === '') chain.unsetLink().run()
    else if (editor.state.selection.empty && !editor.isActive('link'))
      chain.insertContent({ type: 'text', text: typed, marks: [{ type: 'link', attrs: { href } }] }).run()
    else chain.setLink({ href }).run()
    onClose()
  }
  return (
    <div className="link-row">
      <input
        className="input"
        type="url"
        aria-label={t('editor.linkTo')}
        placeholder={t('editor.linkTo')}
        value={address}
        // biome-ignore lint/a11y/noAutofocus: it was asked for by the button above
        autoFocus
        onChange={(event) => setAddress(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            event.preventDefault()
            apply()
          }
          if (event.key !== 'Escape') return
          event.stopPropagation()
          focusedChain(editor).run()
          onClose()
        }}
      />
      <button type="button" className="button" onClick={apply}>
        {t('editor.linkDo')}
      </button>
    </div>
  )
}
