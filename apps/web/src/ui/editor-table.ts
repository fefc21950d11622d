import { type Editor, Extension, mergeAttributes, Node } from '@tiptap/core'
import { Selection } from '@tiptap/pm/state'
import {
  addColumnAfter,
  addRowAfter,
  CellSelection,
  deleteColumn,
  deleteRow,
  deleteTable,
  goToNextCell,
  isInTable,
  tableEditing,
} from '@tiptap/pm/tables'
import { maxSpan } from '#lib/table-size.ts'
import { focusedChain } from './focused-chain.ts'

/**
 * Tables as mails can have them: all of their look stands in attributes, since neither the page's policy nor every reader takes styles.
 * Tables within tables are none of ours.
 */
const Table = Node.create({
  name: 'table',
  group: 'block',
  content: 'tableRow+',
  isolating: true,
  parseHTML: () => [{ tag: 'table' }],
  renderHTML: () => [
    'table',
    { border: '1', rules: 'all', cellspacing: '0', cellpadding: '5', bordercolor: '#b0b0b0' },
    ['tbody', 0],
  ],
})

const TableRow = Node.create({
  name: 'tableRow',
  content: '(tableCell | tableHeader)*',
  parseHTML: () => [{ tag: 'tr' }],
  renderHTML: () => ['tr', 0],
})

const span = (name: 'colspan' | 'rowspan') => ({
  default: 1,
  parseHTML: (cell: HTMLElement) =>
    Math.min(maxSpan, Math.max(1, Number.parseInt(cell.getAttribute(name) ?? '', 10) || 1)),
  renderHTML: ({ [name]: value }: Record<string, unknown>) => (value === 1 ? {} : { [name]: value }),
})

const cellOf = (name: string, tag: 'td' | 'th') =>
  Node.create({
    name,
    content: '(paragraph | bulletList | orderedList | blockquote | codeBlock)+',
    isolating: true,
    addAttributes: () => ({
      colspan: span('colspan'),
      rowspan: span('rowspan'),
      // The package wants to know of it; no mail has it.
      colwidth: { default: null, rendered: false },
      align: {
        default: null,
        parseHTML: (cell: HTMLElement) =>
          [cell, cell.querySelector('p, div')]
            .map((one) => one?.getAttribute('align')?.toLowerCase())
            .find((align) => align === 'right' || align === 'center') ?? null,
      },
    }),
    parseHTML: () => [{ tag }],
    renderHTML: ({ HTMLAttributes }) => [tag, mergeAttributes(HTMLAttributes, { valign: 'top' }), 0],
  })

const roles: Record<string, string> = { table: 'table', tableRow: 'row', tableCell: 'cell', tableHeader: 'header_cell' }

const TableKeys = Extension.create({
  name: 'tableKeys',
  extendNodeSchema: ({ name }) => (roles[name] ? { tableRole: roles[name] } : {}),
  addKeyboardShortcuts() {
    const removeWhole = () => isWhole(this.editor) && runTable(this.editor, 'deleteTable')
    return {
      Tab: () => {
        if (!isInTable(this.editor.state)) return false
        return next(this.editor, 1) || (runTable(this.editor, 'addRow') && next(this.editor, 1))
      },
      'Shift-Tab': () => next(this.editor, -1),
      Backspace: removeWhole,
      Delete: removeWhole,
    }
  },
  addProseMirrorPlugins: () => [tableEditing()],
})

export const tableExtensions = [Table, TableRow, cellOf('tableCell', 'td'), cellOf('tableHeader', 'th'), TableKeys]

const actions = { addRow: addRowAfter, addColumn: addColumnAfter, deleteRow, deleteColumn, deleteTable }
export type TableAction = keyof typeof actions
export const tableActions: TableAction[] = ['addRow', 'addColumn', 'deleteRow', 'deleteColumn', 'deleteTable']

export const runTable = ({ state, view }: Editor, action: TableAction): boolean => actions[action](state, view.dispatch)

export const isWithinTable = ({ state }: Editor): boolean => isInTable(state)

const next = ({ state, view }: Editor, direction: 1 | -1): boolean => goToNextCell(direction)(state, view.dispatch)

const isWhole = ({ state: { selection } }: Editor): boolean =>
  selection instanceof CellSelection && selection.isColSelection() && selection.isRowSelection()

/** An empty one, with a line below to go on at. */
export const insertTable = (editor: Editor): void => {
  const cell = (type: string) => ({ type, content: [{ type: 'paragraph' }] })
  const row = (type: string) => ({ type: 'tableRow', content: [cell(type), cell(type), cell(type)] })
  const { from } = editor.state.selection
  focusedChain(editor)
    .insertContent([
      { type: 'table', content: [row('tableHeader'), row('tableCell'), row('tableCell')] },
      { type: 'paragraph' },
    ])
    .command(({ tr }) => {
      tr.setSelection(Selection.near(tr.doc.resolve(Math.min(from + 2, tr.doc.content.size))))
      return true
    })
    .run()
}
