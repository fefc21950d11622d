import type { Template } from '@postern/shared/templates.ts'
import { type FormEvent, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { saveTemplate } from '#data/templates.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/composer-text.ts'
import { newId } from '#lib/new-id.ts'
import { cursorName, placeholderNames, writeToken } from '#lib/placeholders.ts'
import { Field, focusInvalid } from '#ui/field.tsx'
import { FormFoot } from '#ui/form-foot.tsx'
import { KeptTextEditor } from '#ui/kept-text-editor.tsx'
import { PlaceholderMenu } from '#ui/placeholder-menu.tsx'
import { Problem } from '#ui/problem.tsx'
import type { RichEditorHandle } from '#ui/rich-editor.tsx'
import { TextDialog } from '#ui/text-dialog.tsx'

/** A name, a subject and a text with placeholders, new or changed. */
export const TemplateDialog = ({
  template,
  onClose,
}: {
  /** Null: a new one. */
  template: Template | null
  onClose: () => void
}) => {
  const before = template?.content ?? { name: '', subject: '', html: '' }
  const [name, setName] = useState(before.name)
  const [subject, setSubject] = useState(before.subject)
  const [html, setHtml] = useState(before.html)
  // The same one, however often it is tried.
  const [target, setTarget] = useState(() => ({ id: template?.id ?? newId(), baseVersion: template?.version ?? 0 }))
  const [hasTried, setTried] = useState(false)
  const editor = useRef<RichEditorHandle>(null)
  const { isBusy, problem, attempt } = useAttempt()
  const isChanged = name !== before.name || subject !== before.subject || html !== before.html
  const isConflict = problem?.code === 'request.conflict'
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (name.trim() === '') return focusInvalid(event.currentTarget, () => setTried(true))
    setTried(true)
    const to = isConflict ? { id: newId(), baseVersion: 0 } : target
    setTarget(to)
    return void attempt(async () => {
      await saveTemplate({ ...to, content: { name: name.trim(), subject, html } })
      onClose()
    })
  }
  return (
    <TextDialog
      title={t(template ? 'templates.editTitle' : 'templates.addTitle')}
      isChanged={isChanged}
      onClose={onClose}
    >
      <form onSubmit={save} noValidate>
        <div className="grid-even">
          <Field
            label={t('templates.name')}
            value={name}
            maxLength={200}
            error={hasTried && name.trim() === '' ? t('templates.nameMissing') : undefined}
            onChange={(event) => setName(event.target.value)}
          />
          <SubjectField value={subject} onChange={setSubject} />
        </div>
        <fieldset className="signature-field template-field">
          <legend>{t('templates.body')}</legend>
          <div className="row placeholder-row">
            <PlaceholderMenu
              label={t('templates.placeholder')}
              isNamed
              names={[...placeholderNames, cursorName]}
              onPick={(chip) => editor.current?.insertChip(chip)}
            />
          </div>
          <KeptTextEditor
            html={before.html}
            label={t('templates.body')}
            placeholder={t('templates.bodyHint')}
            handle={editor}
            onChange={setHtml}
          />
        </fieldset>
        <Problem problem={problem} />
        <FormFoot action={t(isConflict ? 'templates.saveCopy' : 'save')} isBusy={isBusy} onCancel={onClose} />
      </form>
    </TextDialog>
  )
}

/** Placeholders come where one writes. */
const SubjectField = ({ value, onChange }: { value: string; onChange: (value: string) => void }) => {
  const root = useRef<HTMLDivElement>(null)
  const insert = (token: string) => {
    const input = root.current?.querySelector('input')
    const [start, end] = [input?.selectionStart ?? value.length, input?.selectionEnd ?? value.length]
    flushSync(() => onChange(value.slice(0, start) + token + value.slice(end)))
    input?.focus()
    input?.setSelectionRange(start + token.length, start + token.length)
  }
  return (
    <div className="subject-with-menu" ref={root}>
      <Field
        label={t('templates.subject')}
        value={value}
        maxLength={1000}
        dir="auto"
        hint={t('templates.subjectHint')}
        onChange={(event) => onChange(event.target.value)}
      />
      <PlaceholderMenu label={t('templates.subjectPlaceholder')} onPick={(name) => insert(writeToken(name))} />
    </div>
  )
}
