import { useApp } from '#data/app-state.ts'
import { chosenKeys, commandIds, commandText, keysOf } from '#data/screen-commands.ts'
import { onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'
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
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(commandText(id))}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>Ctrl K</kbd>
          </dt>
          <dd>{t('key.palette')}</dd>
        </div>
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
