import type { Account } from '@postern/shared/accounts.ts'
import { type FormEvent, useState } from 'react'
import { ApiError, call } from '#data/api.ts'
import { app } from '#data/app-state.ts'
import { showToast } from '#data/toasts.ts'
import { Field } from '#ui/field.tsx'

/** Told apart at arm's length in both themes. */
const colors = [
  ['#1f7a73', 'Teal'],
  ['#2f6fb5', 'Blue'],
  ['#7a4fb0', 'Violet'],
  ['#b5427e', 'Pink'],
  ['#b53a2f', 'Red'],
  ['#c06a12', 'Orange'],
  ['#8a7a12', 'Olive'],
  ['#3f7d2f', 'Green'],
] as const
const bytesPerMegabyte = 1_000_000

/** How the account looks in the tree, and how much it may fetch on a day. */
export const LookCard = ({ account }: { account: Account }) => {
  const patch = async (body: { color?: string | null; dailyByteBudget?: number | null }) => {
    const changed = await call('patchAccount', 'PATCH', `/v1/accounts/${account.id}`, { body })
    app.set((state) => ({ accounts: state.accounts.map((other) => (other.id === account.id ? changed : other)) }))
  }
  const color = (value: string | null) =>
    patch({ color: value }).catch((error: unknown) =>
      showToast({ kind: 'problem', text: error instanceof Error ? error.message : '' }),
    )
  return (
    <section className="card" aria-label="Colour and limits">
      <h2>Colour and limits</h2>
      <fieldset className="swatches">
        <legend>Colour in the list of mailboxes</legend>
        <label>
          <input type="radio" name="color" checked={account.color === null} onChange={() => void color(null)} />
          None
        </label>
        {colors.map(([value, name]) => (
          <label key={value}>
            <input type="radio" name="color" checked={account.color === value} onChange={() => void color(value)} />
            <span className="account-color" style={{ background: value }} />
            {name}
          </label>
        ))}
      </fieldset>
      <Budget onSet={(dailyByteBudget) => patch({ dailyByteBudget })} />
    </section>
  )
}

/** The server takes a limit and does not tell it again, so the field starts empty instead of showing a guess. */
const Budget = ({ onSet }: { onSet: (bytes: number | null) => Promise<void> }) => {
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<string | undefined>()
  const set = async (bytes: number | null, said: string) => {
    try {
      await onSet(bytes)
      setText('')
      setProblem(undefined)
      showToast({ kind: 'done', text: said })
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : 'could not be set')
    }
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const megabytes = Number(text)
    if (!Number.isSafeInteger(megabytes) || megabytes < 1) return setProblem('is not a whole number of megabytes')
    void set(megabytes * bytesPerMegabyte, `At most ${megabytes.toLocaleString()} MB a day`)
  }
  return (
    <form onSubmit={submit} noValidate>
      <Field
        label="New limit for a day, in megabytes"
        inputMode="numeric"
        value={text}
        error={problem}
        onChange={(event) => setText(event.target.value)}
        hint="For texts that are fetched ahead, so that they can be searched. What you open is always fetched. The limit that holds now is not shown here."
      />
      <div className="row">
        <button type="submit" className="button" disabled={text.trim() === ''}>
          Set the limit
        </button>
        <button type="button" className="button" onClick={() => void set(null, 'No limit')}>
          No limit
        </button>
      </div>
    </form>
  )
}
