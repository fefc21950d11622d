import { useApp } from '#data/app-state.ts'
import { chosenKeys, commandIds, commandText, keysOf, keyText } from '#data/screen-commands.ts'
import { t } from '#lib/composer-text.ts'
import { onLinkClick } from '#lib/route.ts'
import { Dialog } from '#ui/dialog.tsx'

/** The keys as they are for this person. */
export const ShortcutSheet = ({ onClose }: { onClose: () => void }) => {
  const chosen = useApp(chosenKeys)
  const rows = commandIds.flatMap((id) => {
    const keys = keysOf(id, chosen)
    return keys.length > 0 ? [{ id, keys }] : []
  })
  return (
    <Dialog title={t('keys.title')} onClose={onClose}>
      <dl className="keys">
        {rows.map(({ id, keys }) => (
          <div key={id}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{keyText(key)}</kbd>
              ))}
            </dt>
            <dd>{t(commandText(id))}</dd>
          </div>
        ))}
        {fixed.map(({ text, keys }) => (
          <div key={text}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
      <div className="row end" style={{ marginBlockStart: 12 }}>
        <a className="button" href="/settings/keys" onClick={(event) => onLinkClick(event, '/settings/keys')}>
          {t('settings')}
        </a>
        <button type="button" className="button" onClick={onClose}>
          {t('close')}
        </button>
      </div>
    </Dialog>
  )
}

/** Nobody chooses these, and those of a draft are heard there alone. */
const fixed = [
  { text: 'key.palette', keys: ['Ctrl K'] },
  { text: 'key.send', keys: ['Ctrl Enter'] },
  { text: 'key.close', keys: ['Esc'] },
  { text: 'key.editRecipient', keys: ['Enter'] },
  { text: 'key.moveRecipient', keys: ['Alt T, C, B'] },
  { text: 'key.removeRecipient', keys: ['Backspace'] },
] as const
