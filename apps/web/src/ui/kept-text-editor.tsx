import { lazy, type RefObject, Suspense, useState } from 'react'
import { t } from '#lib/composer-text.ts'
import { readPicture } from '#lib/read-picture.ts'
import type { RichEditorHandle } from './rich-editor.tsx'

const RichEditor = lazy(() => import('./rich-editor.tsx').then((module) => ({ default: module.RichEditor })))

/** For a text that is kept apart from any mail, such as a signature: its pictures are a part of it. */
export const KeptTextEditor = ({
  html,
  label,
  placeholder,
  handle,
  onChange,
}: {
  html: string
  label: string
  placeholder: string
  handle?: RefObject<RichEditorHandle | null>
  onChange: (html: string) => void
}) => {
  const [refused, setRefused] = useState('')
  const onFiles = (files: File[], insert: (source: string, name: string) => void) => {
    setRefused('')
    for (const file of files)
      readPicture(file).then(
        (source) => insert(source, file.name),
        () => setRefused(t('pictureTooLarge', { name: file.name })),
      )
  }
  return (
    <>
      <Suspense fallback={null}>
        <RichEditor
          html={html}
          revision={0}
          label={label}
          placeholder={placeholder}
          {...(handle ? { handle } : {})}
          pictures={{ addressOf: (source) => source, onFiles }}
          onChange={onChange}
        />
      </Suspense>
      {refused && (
        <p className="field-error" role="alert">
          {refused}
        </p>
      )}
    </>
  )
}
