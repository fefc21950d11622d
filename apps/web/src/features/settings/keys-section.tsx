import { type KeyboardEvent, useState } from 'react'
import { saveSetting, useApp } from '#data/app-state.ts'
import {
  type CommandId,
  chosenKeys,
  commandIds,
  commandOfKey,
  commandText,
  keysOf,
  keyText,
} from '#data/screen-commands.ts'
import { t } from '#lib/page-text.ts'

/** Every command with its keys; the field takes the next key that is pressed in it. */
export const KeysSection = () => {
  const chosen = useApp(chosenKeys)
  const [said, setSaid] = useState('')
  const choose = (id: CommandId, key: string) => {
    const before = commandOfKey(key, chosen)
    const next = { ...chosen, [id]: key }
    if (before && before !== id && next[before] === key) delete next[before]
    setSaid(
      before && before !== id
        ? t('keys.moved', { key, now: t(commandText(id)), before: t(commandText(before)) })
        : t('keys.set', { key, now: t(commandText(id)) }),
    )
    void saveSetting('keys', next)
  }
  const reset = (id: CommandId) => {
    const { [id]: _, ...rest } = chosen
    setSaid('')
    void saveSetting('keys', rest)
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>, id: CommandId) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1 || event.key === ' ') return
    event.preventDefault()
    choose(id, event.key)
  }
  return (
    <section className="card" aria-label={t('keys.title')}>
      <h2>{t('keys.title')}</h2>
      <p>{t('keys.how')}</p>
      <p role="status" className="muted">
        {said}
      </p>
      <table className="plain">
        <tbody>
          {commandIds.map((id) => (
            <tr key={id}>
              <td id={`key-${id}`}>{t(commandText(id))}</td>
              <td>
                <input
                  className="input key"
                  aria-labelledby={`key-${id}`}
                  value={keysOf(id, chosen).map(keyText).join(', ')}
                  placeholder={t('keys.none')}
                  onChange={() => undefined}
                  onKeyDown={(event) => onKeyDown(event, id)}
                />
              </td>
              <td>
                {chosen[id] !== undefined && (
                  <button
                    type="button"
                    className="button"
                    aria-label={t('keys.resetOf', { command: t(commandText(id)) })}
                    onClick={() => reset(id)}
                  >
                    {t('keys.reset')}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
