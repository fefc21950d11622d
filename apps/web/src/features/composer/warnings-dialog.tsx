import type { Warning } from '#lib/compose-warnings.ts'
import { t } from '#lib/composer-text.ts'
import { Dialog } from '#ui/dialog.tsx'

/** All at once, before a mail leaves; going back is what Enter does. */
export const WarningsDialog = ({
  warnings,
  onClose,
  onSend,
}: {
  warnings: Warning[]
  onClose: () => void
  onSend: () => void
}) => (
  <Dialog title={t('warn.title')} onClose={onClose}>
    <ul className="warnings">
      {warnings.map((warning) => (
        <li key={warning.kind}>{textOf(warning)}</li>
      ))}
    </ul>
    <div className="row end">
      {/* The harmless answer comes first, and so has the focus. */}
      <button type="button" className="button primary" onClick={onClose}>
        {t('warn.back')}
      </button>
      <button type="button" className="button" onClick={onSend}>
        {t('warn.send')}
      </button>
    </div>
  </Dialog>
)

const textOf = (warning: Warning): string => {
  switch (warning.kind) {
    case 'attachment':
      return t('warn.attachment', { word: warning.word })
    case 'many':
      return t('warn.many', { n: warning.count })
    case 'external':
      return t('warn.external', { domains: warning.domains.join(', ') })
    case 'placeholders':
      return [
        t('warn.placeholders', { names: warning.names.map((name) => t(`placeholder.${name}`)).join(', ') }),
        ...(warning.answersNone ? [t('warn.answersNone')] : []),
      ].join(' ')
    default:
      return t(`warn.${warning.kind}`)
  }
}
