import type { DraftContent, DraftRecipient } from '@postern/shared/drafts.ts'
import type { WallTime } from '@postern/shared/submissions.ts'
import { type DragEvent, type FocusEvent, type KeyboardEvent, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { answeredPeople } from '#data/answered-people.ts'
import { attachFiles, uploadsOf, useUploads } from '#data/attachments.ts'
import { askCompose } from '#data/compose-wish.ts'
import { findDraft, isAddressed, type OpenDraft, type Place, patchDraft } from '#data/draft-state.ts'
import { identityOf } from '#data/identities.ts'
import { closeDraft, discardDraft, giveFocusBack } from '#data/open-drafts.ts'
import { changeDraft, saveNow, settle } from '#data/save-drafts.ts'
import { sendWhole } from '#data/send-whole.ts'
import { isAddress } from '#lib/address-list.ts'
import { listWarnings, type Warning } from '#lib/compose-warnings.ts'
import { t } from '#lib/composer-text.ts'
import { writtenText } from '#lib/signature.ts'
import { AttachmentStrip } from './attachment-strip.tsx'
import { BodyEditor } from './body-editor.tsx'
import { ComposerFields } from './composer-fields.tsx'
import { ComposerFoot } from './composer-foot.tsx'
import { ComposerHead } from './composer-head.tsx'
import type { ComposerParts } from './composers.tsx'
import { QuotedOriginal } from './quoted-original.tsx'
import { RedirectedMail } from './redirected-mail.tsx'
import type { BodyHandle } from './use-body.ts'
import { WarningsDialog } from './warnings-dialog.tsx'

export type FieldErrors = Partial<Record<'to' | 'cc' | 'bcc', string>>

/** One draft: its head is always in sight, the rest as long as it is not minimised. */
export const Composer = ({
  draft,
  place,
  parts: { SealedMail },
  isWindow = false,
}: {
  draft: OpenDraft
  place: Place
  parts: ComposerParts
  isWindow?: boolean
}) => {
  const { key, content } = draft
  const [errors, setErrors] = useState<FieldErrors>({})
  const [asked, setAsked] = useState<Asked | null>(null)
  const [isOver, setOver] = useState(false)
  const root = useRef<HTMLElement>(null)
  const body = useRef<BodyHandle>(null)
  /** The text that was in sight when the pointer was pressed: by the click another one may be. */
  const pressed = useRef<number | undefined>(undefined)
  const uploads = useUploads(key)
  const change = (changed: Partial<DraftContent>) => {
    setErrors({})
    changeDraft(key, changed)
  }
  const send = async (sendAt: WallTime | null) => {
    // Without the focus, what came from elsewhere meanwhile shows: nobody has read that yet.
    const seen = pressed.current ?? findDraft(key)?.revision
    pressed.current = undefined
    takeTyped()
    if (findDraft(key)?.revision !== seen) return patchDraft(key, { problem: t('compose.changedElsewhere') })
    const found = fieldErrors(key)
    // Drawn first: the field that is not right is looked for on the screen.
    flushSync(() => setErrors(found))
    if (Object.keys(found).length > 0) {
      const field = root.current?.querySelector('.recipients.invalid')
      // Its chip may be one of many, and out of sight.
      return (field?.querySelector<HTMLElement>('.chip.invalid > .chip-text') ?? field?.querySelector('input'))?.focus()
    }
    const refused = uploadsOf(key).find(({ state }) => state.kind !== 'sending')
    if (refused) return patchDraft(key, { problem: t('attach.notAll', { name: refused.file.name }) })
    const warnings = await warningsOf(key)
    if (warnings.length > 0) setAsked({ warnings, seen, sendAt })
    else sendNow(key, { seen, sendAt })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    pressed.current = undefined
    const isCommand = event.ctrlKey || event.metaKey
    // A question over the panel has keys of its own.
    if (event.target instanceof Element && event.target.closest('dialog')) return event.stopPropagation()
    if (isCommand && event.key === 'Enter') {
      event.preventDefault()
      void send(null)
    } else if (event.key === 'Escape') {
      event.preventDefault()
      takeTyped()
      closeDraft(key)
    }
    // Letters are no commands for the list while the focus is here.
    if (!isCommand) event.stopPropagation()
  }
  const onBlur = ({ relatedTarget, currentTarget }: FocusEvent) => {
    if (relatedTarget instanceof Node && currentTarget.contains(relatedTarget)) return
    patchDraft(key, { isFocused: false })
    if (findDraft(key)?.save.kind === 'changed') void saveNow(key)
    settle(key)
  }
  const onDrop = (event: DragEvent) => {
    setOver(false)
    // The editor takes pictures to the place they are dropped on.
    if (event.defaultPrevented || event.dataTransfer.files.length === 0) return
    event.preventDefault()
    attachFiles(key, [...event.dataTransfer.files])
  }
  // A redirected mail goes on unchanged: it takes nothing along.
  const isRedirect = content.about?.kind === 'redirect'
  const title = content.subject.trim() || t('compose.new')
  return (
    <section
      className={`composer ${place}`}
      data-composer={key}
      aria-label={t('compose.label', { title })}
      ref={root}
      onPointerDownCapture={() => {
        pressed.current = findDraft(key)?.revision
      }}
      onKeyDown={onKeyDown}
      onFocus={() => !findDraft(key)?.isFocused && patchDraft(key, { isFocused: true })}
      onBlur={onBlur}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes('Files')) return
        event.preventDefault()
        if (isRedirect) event.dataTransfer.dropEffect = 'none'
        else setOver(true)
      }}
      onDragLeave={({ relatedTarget, currentTarget }) =>
        !(relatedTarget instanceof Node && currentTarget.contains(relatedTarget)) && setOver(false)
      }
      onDrop={onDrop}
    >
      <ComposerHead draft={draft} place={place} title={title} isWindow={isWindow} />
      {place !== 'minimized' && (
        <>
          <div className="composer-body">
            {draft.problem && (
              <div className="notice bad" role="alert">
                {t('compose.notSent')} {draft.problem}
              </div>
            )}
            {draft.otherId && (
              <div className="notice warn row" role="status">
                <span className="notice-text">{t('compose.conflict')}</span>
                <button
                  type="button"
                  className="button"
                  onClick={() => askCompose({ kind: 'draft', draftId: draft.otherId ?? '' })}
                >
                  {t('compose.openOther')}
                </button>
              </div>
            )}
            <ComposerFields draft={draft} errors={errors} onChange={change} />
            {isRedirect && content.about ? (
              <RedirectedMail messageId={content.about.messageId} subject={content.subject} SealedMail={SealedMail} />
            ) : (
              <BodyEditor draft={draft} handle={body} onChange={change} />
            )}
            {content.quotes && content.about && (
              <QuotedOriginal draftKey={key} messageId={content.about.messageId} SealedMail={SealedMail} />
            )}
          </div>
          <AttachmentStrip draft={draft} uploads={uploads} />
          <ComposerFoot
            draft={draft}
            onSend={(sendAt) => void send(sendAt)}
            onTemplate={(template) => body.current?.insert(template)}
            onDiscard={() => discardDraft(key)}
          />
          {isOver && <div className="drop-target">{t('attach.drop')}</div>}
          {asked && (
            <WarningsDialog
              warnings={asked.warnings}
              onClose={() => setAsked(null)}
              onSend={() => {
                // First of all: under it nothing else can have the focus.
                flushSync(() => setAsked(null))
                sendNow(key, asked)
              }}
            />
          )}
        </>
      )}
    </section>
  )
}

/** As long as its panel is there, so that the focus does not go with it. */
const sendNow = (key: string, wanted: Omit<Asked, 'warnings'>): void => {
  void sendWhole(key, wanted)
  if (findDraft(key)?.isClosed) giveFocusBack(key)
}

/** The question before it goes, and what it is about. */
type Asked = { warnings: Warning[]; seen: number | undefined; sendAt: WallTime | null }

/** What stands in an input and is no chip yet becomes one. */
export const takeTyped = (): void => {
  const { activeElement } = document
  if (!(activeElement instanceof HTMLInputElement)) return
  activeElement.blur()
  activeElement.focus()
}

const fieldErrors = (key: string): FieldErrors => {
  const content = findDraft(key)?.content
  if (!content) return {}
  const errors: FieldErrors = {}
  for (const field of ['to', 'cc', 'bcc'] as const) {
    const wrong = content[field].filter(({ address }) => !isAddress(address))
    const [first] = wrong
    if (first) errors[field] = invalidText(first, wrong.length, content[field].length)
  }
  if (!isAddressed(content)) errors.to = t('recipients.none')
  return errors
}

/** The first one is named; where it is one of many, how many there are. */
const invalidText = ({ name, address }: DraftRecipient, wrong: number, all: number): string =>
  [
    t('recipients.invalid', { address: address || name }),
    ...(all > 1 ? [t('recipients.invalidOf', { n: wrong, all: all.toLocaleString() })] : []),
  ].join(' ')

const warningsOf = async (key: string): Promise<Warning[]> => {
  const about = findDraft(key)?.content.about
  const conversation = about?.kind === 'reply' ? await answeredPeople(about.messageId) : null
  const draft = findDraft(key)
  if (!draft) return []
  const { content, attachments } = draft
  return listWarnings({
    content,
    written: writtenText(content),
    attachments: [...attachments, ...uploadsOf(key)].filter(
      ({ contentId }) => contentId === null || content.html === null,
    ).length,
    ownAddress: identityOf(content.identityId)?.address ?? '',
    conversation,
  })
}
