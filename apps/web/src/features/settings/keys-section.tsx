import { type KeyboardEvent, useState } from 'react'
import { saveSetting, useApp } from '#data/app-state.ts'
import { type CommandId, chosenKeys, commandIds, commandOfKey, commandText, keysOf } from '#data/screen-commands.ts'
import { t } from '#lib/text.ts'

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
        ? `${key} now means “${t(commandText(id))}”, no longer “${t(commandText(before))}”.`
        : `${key} means “${t(commandText(id))}”.`,
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
    <section className="card" aria-label="Keyboard shortcuts">
      <h2>Keyboard shortcuts</h2>
      <p>
        Click into a field and press the key you want. Ctrl-K (on a Mac: Cmd-K) always opens the command palette, which
        finds every command, mailbox and mail by typing.
      </p>
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
                  value={keysOf(id, chosen).join(', ')}
                  placeholder="none"
                  onChange={() => undefined}
                  onKeyDown={(event) => onKeyDown(event, id)}
                />
              </td>
              <td>
                {chosen[id] !== undefined && (
                  <button
                    type="button"
                    className="button"
                    aria-label={`As it was: ${t(commandText(id))}`}
                    onClick={() => reset(id)}
                  >
                    As it was
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
