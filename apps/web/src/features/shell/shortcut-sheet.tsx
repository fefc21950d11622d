import { t } from '#lib/text.ts'
import { Dialog } from '#ui/dialog.tsx'

const keys: [string, string][] = [
  ['j / k', 'Next / previous conversation'],
  ['Enter or o', 'Open the conversation'],
  ['u or Esc', 'Back to the list'],
  ['x', 'Select the conversation'],
  ['s', 'Star'],
  ['e', 'Archive'],
  ['#', 'Delete'],
  ['!', 'Spam'],
  ['v', 'Move to'],
  ['Shift+I / Shift+U', 'Mark read / unread'],
  ['z', 'Undo'],
  ['/', 'Search'],
  ['g i', 'Go to the inbox'],
  ['?', 'This list'],
]

export const ShortcutSheet = ({ onClose }: { onClose: () => void }) => (
  <Dialog title={t('keys.title')} onClose={onClose}>
    <dl className="keys">
      {keys.map(([key, meaning]) => (
        <div key={key} style={{ display: 'contents' }}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
    <div className="row end">
      <button type="button" className="button" onClick={onClose}>
        {t('close')}
      </button>
    </div>
  </Dialog>
)
