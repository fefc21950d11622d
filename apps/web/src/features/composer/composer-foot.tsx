import type { WallTime } from '@postern/shared/submissions.ts'
import type { Template } from '@postern/shared/templates.ts'
import { Clock, EllipsisVertical, MailPlus, Paperclip, Send, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'
import { attachFiles } from '#data/attachments.ts'
import type { OpenDraft } from '#data/draft-state.ts'
import { changeDraft } from '#data/save-drafts.ts'
import { countPictures, writePlain, writeRich } from '#data/written-format.ts'
import { t } from '#lib/composer-text.ts'
import { laterChoices, ownZone, writeWallTime } from '#lib/later-choices.ts'
import { Menu } from '#ui/menu.tsx'
import { PickTime } from '#ui/pick-time.tsx'
import { AttachMail } from './attach-mail.tsx'
import { PlainDialog } from './plain-dialog.tsx'
import { TemplateMenu } from './template-menu.tsx'

/** What can be done with the whole of it. */
export const ComposerFoot = ({
  draft: { key, content },
  onSend,
  onTemplate,
  onDiscard,
}: {
  draft: OpenDraft
  onSend: (sendAt: WallTime | null) => void
  onTemplate: (template: Template) => void
  onDiscard: () => void
}) => {
  const [asks, setAsks] = useState<'time' | 'mail' | 'plain' | null>(null)
  const input = useRef<HTMLInputElement>(null)
  /** It goes on unchanged: nothing is attached to it or written into it. */
  const isRedirect = content.about?.kind === 'redirect'
  const isPlain = content.html === null
  const toggleFormat = async () => {
    if (isPlain) await writeRich(key)
    else if ((await countPictures(key)) > 0) setAsks('plain')
    else await writePlain(key, 'out')
  }
  const zone = ownZone()
  return (
    <footer className="composer-foot">
      <button
        type="button"
        className="button primary"
        title={`${t('compose.send')} (Ctrl Enter)`}
        onClick={() => onSend(null)}
      >
        <Send size={15} className="turns" aria-hidden />
        {t('compose.send')}
      </button>
      <Menu
        label={t('later.title')}
        icon={<Clock size={16} aria-hidden />}
        items={[
          ...laterChoices(new Date(), zone).map(({ kind, wallTime }) => ({
            label: `${t(`later.${kind}`)} · ${writeWallTime(wallTime)}`,
            onSelect: () => onSend({ wallTime, zone }),
          })),
          { label: t('later.pick'), onSelect: () => setAsks('time') },
        ]}
      />
      {!isRedirect && (
        <>
          <button
            type="button"
            className="icon-button"
            aria-label={t('attach.files')}
            title={t('attach.files')}
            onClick={() => input.current?.click()}
          >
            <Paperclip size={17} aria-hidden />
          </button>
          <input
            hidden
            type="file"
            multiple
            ref={input}
            onChange={({ target }) => {
              attachFiles(key, [...(target.files ?? [])])
              target.value = ''
            }}
          />
          <button
            type="button"
            className="icon-button"
            aria-label={t('attach.mail')}
            title={t('attach.mail')}
            onClick={() => setAsks('mail')}
          >
            <MailPlus size={17} aria-hidden />
          </button>
          <TemplateMenu draftKey={key} onPick={onTemplate} />
        </>
      )}
      <Menu
        label={t('compose.more')}
        icon={<EllipsisVertical size={17} aria-hidden />}
        items={[
          ...(isRedirect
            ? []
            : [
                {
                  label: t(isPlain ? 'compose.rich' : 'compose.plain'),
                  onSelect: () => void toggleFormat(),
                },
                {
                  label: t(content.wantsReceipt ? 'compose.noReceipt' : 'compose.receipt'),
                  onSelect: () => changeDraft(key, { wantsReceipt: !content.wantsReceipt }),
                },
              ]),
          {
            label: t(content.wantsReport ? 'compose.noReport' : 'compose.report'),
            onSelect: () => changeDraft(key, { wantsReport: !content.wantsReport }),
          },
        ]}
      />
      <span className="grow" />
      <button
        type="button"
        className="icon-button"
        aria-label={t('compose.discard')}
        title={t('compose.discard')}
        onClick={onDiscard}
      >
        <Trash2 size={16} aria-hidden />
      </button>
      {asks === 'time' && (
        <PickTime
          action={t('later.send')}
          onClose={() => setAsks(null)}
          onPick={(sendAt) => {
            setAsks(null)
            onSend(sendAt)
          }}
        />
      )}
      {asks === 'plain' && (
        <PlainDialog
          onClose={() => setAsks(null)}
          onChoose={(pictures) => {
            setAsks(null)
            void writePlain(key, pictures)
          }}
        />
      )}
      {asks === 'mail' && <AttachMail draftKey={key} onClose={() => setAsks(null)} />}
    </footer>
  )
}
