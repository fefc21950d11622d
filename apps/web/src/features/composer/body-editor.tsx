import type { DraftContent } from '@postern/shared/drafts.ts'
import { type RefObject, useEffect } from 'react'
import { attachFiles, attachPicture, pictureAddress } from '#data/attachments.ts'
import type { OpenDraft } from '#data/draft-state.ts'
import { t } from '#lib/composer-text.ts'
import { RichEditor } from '#ui/rich-editor.tsx'
import { type BodyHandle, useBody } from './use-body.ts'

const shownInText = /^image\/(?:png|jpeg|gif|webp)$/

/** What is written: rich or plain, as the mail is. */
export const BodyEditor = ({
  draft,
  handle,
  onChange,
}: {
  draft: OpenDraft
  handle: RefObject<BodyHandle | null>
  onChange: (change: Partial<DraftContent>) => void
}) => {
  const { key, content, revision, takesFocus } = draft
  const { rich, area, onWritten } = useBody(draft, handle, onChange)
  const isFocusedAtFirst = takesFocus && content.to.length > 0
  if (content.html === null)
    return (
      <PlainEditor
        area={area}
        text={content.text}
        isFocusedAtFirst={isFocusedAtFirst}
        onFiles={(files) => attachFiles(key, files)}
        onChange={onWritten}
      />
    )
  return (
    <RichEditor
      html={content.html}
      revision={revision}
      label={t('field.body')}
      placeholder={t('field.bodyHint')}
      isFocusedAtFirst={isFocusedAtFirst}
      pictures={{
        addressOf: (source) => pictureAddress(key, source),
        onFiles: (files, insert) => {
          for (const file of files) {
            if (shownInText.test(file.type)) insert(attachPicture(key, file), file.name)
            else attachFiles(key, [file])
          }
        },
      }}
      handle={rich}
      onChange={onWritten}
    />
  )
}

const PlainEditor = ({
  area,
  text,
  isFocusedAtFirst,
  onFiles,
  onChange,
}: {
  area: RefObject<HTMLTextAreaElement | null>
  text: string
  isFocusedAtFirst: boolean
  onFiles: (files: File[]) => void
  onChange: (text: string) => void
}) => {
  useEffect(() => {
    if (!isFocusedAtFirst) return
    area.current?.focus()
    area.current?.setSelectionRange(0, 0)
  }, [area, isFocusedAtFirst])
  return (
    <textarea
      ref={area}
      className="plain-editor"
      aria-label={t('field.body')}
      placeholder={t('field.bodyHint')}
      dir="auto"
      lang={navigator.language}
      spellCheck
      value={text}
      onChange={({ target }) => onChange(target.value)}
      onPaste={(event) => {
        if (event.clipboardData.files.length === 0) return
        event.preventDefault()
        onFiles([...event.clipboardData.files])
      }}
    />
  )
}
