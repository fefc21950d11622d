import { EllipsisVertical } from 'lucide-react'
import { saveAs } from '#lib/save-as.ts'
import { t } from '#lib/text.ts'
import { Menu } from '#ui/menu.tsx'

type Props = {
  messageId: string
  hasHtml: boolean
  isPlain: boolean
  onPlain: () => void
  onWhite: () => void
  onHeaders: () => void
  onSource: () => void
  onPrint: () => void
}

export const MessageMenu = ({ messageId, hasHtml, isPlain, onPlain, onWhite, onHeaders, onSource, onPrint }: Props) => (
  <Menu
    label={t('view.more')}
    icon={<EllipsisVertical size={17} aria-hidden />}
    items={[
      ...(hasHtml
        ? [
            { label: t(isPlain ? 'view.html' : 'view.plain'), onSelect: onPlain },
            { label: t('view.light'), onSelect: onWhite },
          ]
        : []),
      { label: t('view.headers'), onSelect: onHeaders },
      { label: t('view.source'), onSelect: onSource },
      { label: t('view.download'), onSelect: () => saveAs(`/v1/messages/${messageId}/source`, '') },
      { label: t('view.print'), onSelect: onPrint },
    ]}
  />
)
