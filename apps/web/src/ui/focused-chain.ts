import type { ChainedCommands, Editor } from '@tiptap/core'

/**
 * What is done in the text from beside it, with the focus there at once. By its own way the editor would take it a frame later: what
 * is typed until then would be keys of the page.
 */
export const focusedChain = (editor: Editor): ChainedCommands => {
  if (editor.view.hasFocus()) return editor.chain()
  // Before the chain begins: taking the focus is a step of the editor, too.
  editor.view.focus()
  return editor.chain().scrollIntoView()
}
