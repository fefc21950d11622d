import type { DraftContent } from '@postern/shared/drafts.ts'
import type { Template } from '@postern/shared/templates.ts'
import { type RefObject, useEffect, useImperativeHandle, useRef } from 'react'
import { findDraft, type OpenDraft } from '#data/draft-state.ts'
import { changeDraft } from '#data/save-drafts.ts'
import { valuesOf } from '#data/use-template.ts'
import { fillOwnLines, fillText, fillWithCursor, openPlaceholders, type PlaceholderValues } from '#lib/placeholders.ts'
import { plainOf } from '#lib/signature.ts'
import type { RichEditorHandle } from '#ui/rich-editor.tsx'

/** What is put into the text from beside it. */
export type BodyHandle = { insert: (template: Template) => void }

/** What an insertion made of the text; taken back and done again, the subject goes with it. */
type Inserted = { before: string; after: string; subject: string }

/**
 * Templates in what is written. What a template leaves open is filled in as soon as it is known: whom the mail goes to, as whom it
 * is written.
 */
export const useBody = (
  { key, content }: OpenDraft,
  handle: RefObject<BodyHandle | null>,
  onChange: (change: Partial<DraftContent>) => void,
) => {
  const rich = useRef<RichEditorHandle>(null)
  const area = useRef<HTMLTextAreaElement>(null)
  const inserted = useRef<Inserted>(null)
  useFilling(key, content, rich)
  useImperativeHandle(
    handle,
    () => ({
      insert: (template) => {
        const now = findDraft(key)?.content
        if (!now) return
        const values = valuesOf(now)
        inserted.current = null
        const done = rich.current
          ? rich.current.insertTemplate(template.content.html, values)
          : area.current && insertPlain(area.current, plainOf(template.content.html), values)
        const subject = now.subject.trim() === '' ? fillText(template.content.subject, values) : ''
        if (!done || subject === '') return
        changeDraft(key, { subject })
        inserted.current = { ...done, subject }
      },
    }),
    [key],
  )
  const onWritten = (written: string) => {
    const subject = findDraft(key)?.content.subject ?? ''
    const last = inserted.current
    const change = findDraft(key)?.content.html === null ? { text: written } : { html: written }
    if (last && written === last.before && subject === last.subject) onChange({ ...change, subject: '' })
    else if (last && written === last.after && subject === '') onChange({ ...change, subject: last.subject })
    else onChange(change)
  }
  return { rich, area, onWritten }
}

const useFilling = (key: string, content: DraftContent, rich: RefObject<RichEditorHandle | null>): void => {
  const isOpen = openPlaceholders(content).length > 0
  const known = isOpen ? JSON.stringify(valuesOf(content)) : ''
  useEffect(() => {
    const now = findDraft(key)?.content
    if (known === '' || !now) return
    const values = valuesOf(now)
    rich.current?.fillChips(values)
    const subject = fillText(now.subject, values)
    const text = now.html === null ? fillOwnLines(now.text, values) : now.text
    if (subject !== now.subject || text !== now.text) changeDraft(key, { subject, text })
  }, [key, known, rich])
}

/** By the browser's own way to type, old as it is: no other one can be taken back in a text field. */
const insertPlain = (
  area: HTMLTextAreaElement,
  template: string,
  values: PlaceholderValues,
): { before: string; after: string } => {
  const before = area.value
  const { text, cursor } = fillWithCursor(template, values)
  area.focus()
  const start = area.selectionStart
  document.execCommand('insertText', false, text)
  area.setSelectionRange(start + cursor, start + cursor)
  return { before, after: area.value }
}
