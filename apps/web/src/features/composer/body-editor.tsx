import type { DraftContent } from '@postern/shared/drafts.ts'
import { type RefObject, useLayoutEffect, useMemo, useRef } from 'react'
import { useApp } from '#data/app-state.ts'
import { attachFiles, attachPicture, pictureAddress } from '#data/attachments.ts'
import { isAddressed, type OpenDraft } from '#data/draft-state.ts'
import { identityOf } from '#data/identities.ts'
import { t } from '#lib/composer-text.ts'
import { signatureIn } from '#lib/signature.ts'
import { writtenLanguage } from '#lib/written-language.ts'
import { RichEditor } from '#ui/rich-editor.tsx'
import { type BodyHandle, useBody } from './use-body.ts'

/** Where one wrote last, by the draft's id: a panel that comes back is written on from there. */
const carets = new Map<string, number>()

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
  const caretAtFirst = takesFocus && isAddressed(content) ? (carets.get(draft.id) ?? 'start') : null
  const onCaret = (at: number) => carets.set(draft.id, at)
  const answered = content.about?.kind === 'reply' ? content.about.messageId : ''
  const body = useApp(({ bodies }) => bodies[answered])
  const answeredHtml = body && !('failed' in body) ? body.html : null
  // It reads the whole of a mail, and this is drawn at every key.
  const language = useMemo(() => writtenLanguage(answeredHtml, navigator.languages), [answeredHtml])
  if (content.html === null)
    return (
      <PlainEditor
        area={area}
        language={language}
        text={content.text}
        identityId={content.identityId}
        revision={revision}
        caretAtFirst={caretAtFirst}
        onCaret={onCaret}
        onFiles={(files) => attachFiles(key, files)}
        onChange={onWritten}
      />
    )
  return (
    <RichEditor
      html={content.html}
      language={language}
      revision={revision}
      label={t('field.body')}
      placeholder={t('field.bodyHint')}
      caretAtFirst={caretAtFirst}
      onCaret={onCaret}
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
  language,
  text,
  identityId,
  revision,
  caretAtFirst,
  onCaret,
  onFiles,
  onChange,
}: {
  area: RefObject<HTMLTextAreaElement | null>
  language: string
  text: string
  identityId: DraftContent['identityId']
  revision: number
  caretAtFirst: number | 'start' | null
  onCaret: (at: number) => void
  onFiles: (files: File[]) => void
  onChange: (text: string) => void
}) => {
  const takesFocus = useRef(caretAtFirst !== null)
  const caret = useRef(typeof caretAtFirst === 'number' ? caretAtFirst : 0)
  const wasHere = useRef(false)
  // Of a text that comes from elsewhere browsers put it at the end, which is the end of the signature.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the other text that moves it
  useLayoutEffect(() => area.current?.setSelectionRange(caret.current, caret.current), [area, revision])
  useLayoutEffect(() => {
    if (takesFocus.current) area.current?.focus()
  }, [area])
  return (
    <textarea
      ref={area}
      className="plain-editor"
      aria-label={t('field.body')}
      placeholder={t('field.bodyHint')}
      dir="auto"
      lang={language}
      spellCheck
      value={text}
      onChange={({ target }) => onChange(target.value)}
      onSelect={({ currentTarget }) => {
        caret.current = currentTarget.selectionStart
        onCaret(caret.current)
      }}
      onMouseDown={({ currentTarget }) => {
        wasHere.current = document.activeElement === currentTarget
      }}
      onClick={({ currentTarget, clientY }) =>
        leaveSignature(currentTarget, { identityId, clientY, wasHere: wasHere.current })
      }
      onPaste={(event) => {
        if (event.clipboardData.files.length === 0) return
        event.preventDefault()
        onFiles([...event.clipboardData.files])
      }}
    />
  )
}

/**
 * Pressed into the free room, it is for the mail, and goes above: to the reader all that stands below its mark is the signature. Who
 * writes already and presses on the signature wants to change it.
 */
const leaveSignature = (
  area: HTMLTextAreaElement,
  { identityId, clientY, wasHere }: { identityId: DraftContent['identityId']; clientY: number; wasHere: boolean },
): void => {
  const { value, selectionStart, selectionEnd } = area
  const own = signatureIn(value, identityOf(identityId))
  if (!own || selectionStart !== selectionEnd || selectionStart <= own.from || selectionStart > own.to) return
  const written = value.slice(0, own.from).trimEnd().length
  if ((written === 0 && !wasHere) || isBelowText(area, clientY)) area.setSelectionRange(written, written)
}

/** Where the text ends only a copy of the field tells that is no higher than that. */
const isBelowText = (area: HTMLTextAreaElement, clientY: number): boolean => {
  const copy = area.cloneNode() as HTMLTextAreaElement // of one
  copy.value = area.value
  Object.assign(copy.style, { position: 'fixed', visibility: 'hidden', minHeight: '0', height: '0' })
  copy.style.width = `${area.offsetWidth}px`
  area.after(copy)
  const textHeight = copy.scrollHeight - Number.parseFloat(getComputedStyle(copy).paddingBottom)
  copy.remove()
  return clientY - area.getBoundingClientRect().top + area.scrollTop > textHeight
}
