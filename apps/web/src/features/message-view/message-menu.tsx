import { EllipsisVertical } from 'lucide-react'
import { askCompose } from '#data/compose-wish.ts'
import { download } from '#data/download.ts'
import { t } from '#lib/text.ts'
import { Menu } from '#ui/menu.tsx'

type Props = {
  messageId: string
  /** Tells this menu from those of the other messages of a conversation. */
  label: string
  hasHtml: boolean
  /** False while only the header is here: there is no source to show or save. */
  isWhole: boolean
  isPlain: boolean
  onPlain: () => void
  onWhite: () => void
  onHeaders: () => void
  onSource: () => void
  onPrint: () => void
  /** Whose remote images are always loaded; null: of nobody here. */
  trusted: string | null
  onDistrust: () => void
}

export const MessageMenu = ({ messageId, label, hasHtml, isWhole, isPlain, onPlain, ...on }: Props) => (
  <Menu
    label={label}
    title={t('view.more')}
    icon={<EllipsisVertical size={17} aria-hidden />}
    items={[
      ...(isWhole
        ? (['forwardAttached', 'editAsNew', 'redirect'] as const).map((kind) => ({
            label: t(`view.${kind}`),
            onSelect: () => askCompose({ kind, messageId }),
          }))
        : []),
      ...(hasHtml
        ? [
            { label: t(isPlain ? 'view.html' : 'view.plain'), onSelect: onPlain },
            { label: t('view.light'), onSelect: on.onWhite },
          ]
        : []),
      ...(on.trusted === null
        ? []
        : [{ label: t('view.remoteAsk', { address: on.trusted }), onSelect: on.onDistrust }]),
      { label: t('view.headers'), onSelect: on.onHeaders },
      ...(isWhole
        ? [
            { label: t('view.source'), onSelect: on.onSource },
            { label: t('view.download'), onSelect: () => download(`/v1/messages/${messageId}/source`) },
          ]
        : []),
      { label: t('view.print'), onSelect: on.onPrint },
    ]}
  />
)
