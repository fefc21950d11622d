import type { Account } from '@postern/shared/accounts.ts'
import { type FormEvent, useState } from 'react'
import { call } from '#data/api.ts'
import { app } from '#data/app-state.ts'
import { showToast } from '#data/toasts.ts'
import { t } from '#lib/text.ts'
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
  const show = (shown: Account) =>
    app.set(({ accounts }) => ({ accounts: accounts.map((other) => (other.id === shown.id ? shown : other)) }))
  /** Shown at once, and put back when it could not be stored. Throws ApiError. */
  const patch = async (body: { color?: string | null; dailyByteBudget?: number | null }) => {
    show({ ...account, ...body })
    try {
      show(await call('patchAccount', 'PATCH', `/v1/accounts/${account.id}`, { body }))
    } catch (error) {
      show(account)
      throw error
    }
  }
  return (
    <section className="card" aria-label="Colour and limits">
      <h2>Colour and limits</h2>
      <fieldset className="swatches">
        <legend>Colour in the list of mailboxes</legend>
        <label>
          <input
            type="radio"
            name="color"
            checked={account.color === null}
            onChange={() => void patch({ color: null })}
          />
          None
        </label>
        {colors.map(([value, name]) => (
          <label key={value}>
            <input
              type="radio"
              name="color"
              checked={account.color === value}
              onChange={() => void patch({ color: value })}
            />
            <span className="account-color" style={{ background: value }} />
            {name}
          </label>
        ))}
      </fieldset>
      <Budget
        key={account.dailyByteBudget}
        bytes={account.dailyByteBudget}
        onSet={(dailyByteBudget) => patch({ dailyByteBudget })}
      />
    </section>
  )
}

const Budget = ({ bytes, onSet }: { bytes: number | null; onSet: (bytes: number | null) => Promise<void> }) => {
  const [text, setText] = useState(bytes === null ? '' : String(Math.ceil(bytes / bytesPerMegabyte)))
  const [problem, setProblem] = useState<string | undefined>()
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const megabytes = text.trim() === '' ? null : Number(text)
    if (megabytes !== null && (!Number.isSafeInteger(megabytes * bytesPerMegabyte) || megabytes < 1))
      return setProblem('must be a whole number, or empty for no limit')
    setProblem(undefined)
    await onSet(megabytes === null ? null : megabytes * bytesPerMegabyte)
    showToast({
      kind: 'done',
      text: megabytes === null ? 'No limit' : `At most ${megabytes.toLocaleString()} MB a day`,
    })
  }
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Field
        label="Limit for a day, in megabytes"
        inputMode="numeric"
        placeholder="no limit"
        value={text}
        error={problem}
        onChange={(event) => setText(event.target.value)}
        hint="For texts that are fetched ahead, so that they can be searched. What you open is always fetched. Empty: no limit."
      />
      <button type="submit" className="button">
        {t('save')}
      </button>
    </form>
  )
}
