import { type FormEvent, useEffect, useRef, useState } from 'react'
import { findDraft } from '#data/draft-state.ts'
import { saveTemplate } from '#data/templates.ts'
import { showToast } from '#data/toasts.ts'
import { tellDone } from '#data/undo-list.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { templateOf } from '#data/use-template.ts'
import { t } from '#lib/composer-text.ts'
import { newId } from '#lib/new-id.ts'
import { Dialog } from '#ui/dialog.tsx'
import { Field, focusInvalid } from '#ui/field.tsx'
import { FormFoot } from '#ui/form-foot.tsx'
import { Problem } from '#ui/problem.tsx'

/** Makes a template of what is written. */
export const SaveTemplate = ({ draftKey, onClose }: { draftKey: string; onClose: () => void }) => {
  const [name, setName] = useState(() => findDraft(draftKey)?.content.subject.slice(0, 200) ?? '')
  const [hasTried, setTried] = useState(false)
  // The same one, however often it is tried.
  const [id, setId] = useState(newId)
  const isLeft = useRef(false)
  useEffect(
    () => () => {
      isLeft.current = true
    },
    [],
  )
  const { isBusy, problem, attempt } = useAttempt()
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (name.trim() === '') return focusInvalid(event.currentTarget, () => setTried(true))
    setTried(true)
    // An answer that was lost: that one is kept as it was saved, and this becomes another.
    const own = problem?.code === 'request.conflict' ? newId() : id
    setId(own)
    return void attempt(async () => {
      const { leftOut, notFetched, ...content } = await templateOf(draftKey)
      if (isLeft.current) return
      await saveTemplate({ id: own, baseVersion: 0, content: { name: name.trim(), ...content } })
      onClose()
      if (notFetched > 0) showToast({ kind: 'problem', text: t('templates.notTaken', { name: name.trim() }) })
      else if (leftOut > 0) showToast({ kind: 'problem', text: t('templates.leftOut', { name: name.trim() }) })
      else tellDone(t('templates.saved', { name: name.trim() }))
    })
  }
  return (
    <Dialog title={t('templates.saveTitle')} onClose={onClose}>
      <form onSubmit={save} noValidate>
        <p>{t('templates.saveText')}</p>
        <Field
          label={t('templates.name')}
          value={name}
          maxLength={200}
          autoFocus
          error={hasTried && name.trim() === '' ? t('templates.nameMissing') : undefined}
          onChange={({ target }) => setName(target.value)}
        />
        <Problem problem={problem} />
        <FormFoot
          {...(problem?.code === 'request.conflict' ? { action: t('templates.saveCopy') } : {})}
          isBusy={isBusy}
          onCancel={onClose}
        />
      </form>
    </Dialog>
  )
}
