import { type RefObject, useEffect, useState } from 'react'
import { t } from '#lib/composer-text.ts'
import { readPicture } from '#lib/read-picture.ts'
import { untilHere } from '#lib/until-here.ts'
import type { RichEditorHandle } from './rich-editor.tsx'

type EditorModule = typeof import('./rich-editor.tsx')
let loaded: EditorModule | null = null
/** However many wait for it. */
let coming: Promise<EditorModule> | null = null
const load = () => import('./rich-editor.tsx')

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
  const [module, setModule] = useState(loaded)
  const [isMissing, setMissing] = useState(false)
  useEffect(() => {
    if (module) return
    // What was typed beside it stays meanwhile.
    const wait = async () => {
      const here = await load().catch(() => {
        setMissing(true)
        coming ??= untilHere(load)
        return coming
      })
      loaded = here
      setModule(here)
    }
    void wait()
  }, [module])
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
      {module ? (
        <module.RichEditor
          html={html}
          revision={0}
          label={label}
          placeholder={placeholder}
          {...(handle ? { handle } : {})}
          pictures={{ addressOf: (source) => source, onFiles }}
          onChange={onChange}
        />
      ) : (
        isMissing && (
          <p className="field-error" role="alert">
            {t('broken.text')}
          </p>
        )
      )}
      {refused && (
        <p className="field-error" role="alert">
          {refused}
        </p>
      )}
    </>
  )
}
