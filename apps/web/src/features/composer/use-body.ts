import type { DraftContent } from '@postern/shared/drafts.ts'
import type { Template } from '@postern/shared/templates.ts'
import { type RefObject, useEffect, useImperativeHandle, useRef } from 'react'
import { findDraft, type OpenDraft } from '#data/draft-state.ts'
import { identityOf } from '#data/identities.ts'
import { changeDraft } from '#data/save-drafts.ts'
import { valuesOf } from '#data/use-template.ts'
import { fillText, fillWithCursor, openPlaceholders, type PlaceholderValues, placesToFill } from '#lib/placeholders.ts'
import { plainOf, signatureIn } from '#lib/signature.ts'
import type { RichEditorHandle } from '#ui/rich-editor.tsx'

/** What is put into the text from beside it. */
export type BodyHandle = { insert: (template: Template) => void }

/** What an insertion made of the text; taken back and done again, the subject goes with it. */
type Inserted = { before: string; after: string; subject: string }

/** Drafts whose subject came out of a template here: whose it is otherwise nobody knows. */
const withOwnSubject = new Set<string>()

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
  useFilling(key, content, { rich, area })
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
          : area.current && insertPlain(area.current, plainOf(template.content.html), { values, content: now })
        const subject = now.subject.trim() === '' ? fillText(template.content.subject, values) : ''
        if (!done || subject === '') return
        withOwnSubject.add(key)
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

const useFilling = (
  key: string,
  content: DraftContent,
  { rich, area }: { rich: RefObject<RichEditorHandle | null>; area: RefObject<HTMLTextAreaElement | null> },
): void => {
  const isOpen = openPlaceholders(content).length > 0
  const known = isOpen ? JSON.stringify(valuesOf(content)) : ''
  useEffect(() => {
    const now = findDraft(key)?.content
    if (known === '' || !now) return
    const values = valuesOf(now)
    rich.current?.fillChips(values)
    const subject = withOwnSubject.has(key) ? fillText(now.subject, values) : now.subject
    if (subject !== now.subject) changeDraft(key, { subject })
    // Within an effect the page would put the field back to what it drew last.
    queueMicrotask(() => area.current && fillPlain(area.current, values))
  }, [key, known, rich, area])
}

/** By the browser's own way to type, old as it is: no other one can be taken back in a text field. */
const insertPlain = (
  area: HTMLTextAreaElement,
  template: string,
  { values, content }: { values: PlaceholderValues; content: DraftContent },
): { before: string; after: string } => {
  const before = area.value
  const isApart = goAboveSignature(area, content)
  const { text, cursor } = fillWithCursor(`${isApart ? '\n' : ''}${template}`, values)
  area.focus()
  const start = area.selectionStart
  document.execCommand('insertText', false, text)
  area.setSelectionRange(start + cursor, start + cursor)
  return { before, after: area.value }
}

/** To the end of what is written above it. Answers whether something is, from which a template stands apart. */
const goAboveSignature = (area: HTMLTextAreaElement, { identityId }: DraftContent): boolean => {
  const own = signatureIn(area.value, identityOf(identityId))
  if (!own || area.selectionStart <= own.from || area.selectionStart > own.to) return false
  const written = area.value.slice(0, own.from).trimEnd().length
  area.setSelectionRange(written, written)
  return written > 0
}

/** Where one writes meanwhile, in this field or another, one goes on. */
const fillPlain = (area: HTMLTextAreaElement, values: PlaceholderValues): void => {
  const places = placesToFill(area.value, values)
  if (places.length === 0) return
  const { selectionStart, selectionEnd, selectionDirection, scrollTop } = area
  const there = document.activeElement
  area.focus({ preventScroll: true })
  // Something lies above it, and has the keys.
  if (document.activeElement !== area) return
  // From the end: the places of the others stay as they are.
  for (const { from, to, value } of [...places].reverse()) {
    area.setSelectionRange(from, to)
    document.execCommand('insertText', false, value)
  }
  const moved = (at: number) =>
    places.reduce(
      (sum, { from, to, value }) => sum + (to <= at ? value.length - (to - from) : Math.min(0, from - at)),
      at,
    )
  area.setSelectionRange(moved(selectionStart), moved(selectionEnd), selectionDirection)
  area.scrollTop = scrollTop
  if (there === document.body) area.blur()
  else if (there !== area && there instanceof HTMLElement) there.focus({ preventScroll: true })
}
