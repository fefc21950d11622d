import { Forward, type LucideIcon, PenLine, Reply, ReplyAll } from 'lucide-react'
import { askCompose } from '#data/compose-wish.ts'
import { t } from '#lib/text.ts'

const answers: { kind: 'reply' | 'replyAll' | 'forward'; icon: LucideIcon; key: string }[] = [
  { kind: 'reply', icon: Reply, key: 'r' },
  { kind: 'replyAll', icon: ReplyAll, key: 'a' },
  { kind: 'forward', icon: Forward, key: 'f' },
]

/** Under an open message. */
export const ReplyBar = ({ messageId, name }: { messageId: string; name: string }) => (
  <div className="reply-bar">
    {answers.map(({ kind, icon: Icon, key }) => (
      <button
        key={kind}
        type="button"
        className="button"
        title={`${t(`key.${kind}`)} (${key})`}
        aria-label={`${t(`key.${kind}`)}: ${name}`}
        onClick={() => askCompose({ kind, messageId })}
      >
        <Icon size={15} className="turns" aria-hidden />
        {t(`key.${kind}`)}
      </button>
    ))}
  </div>
)

/** Under a draft that stands in its conversation. */
export const DraftBar = ({ messageId }: { messageId: string }) => (
  <div className="reply-bar">
    <button type="button" className="button" onClick={() => askCompose({ kind: 'continue', messageId })}>
      <PenLine size={15} aria-hidden />
      {t('view.goOn')}
    </button>
  </div>
)
