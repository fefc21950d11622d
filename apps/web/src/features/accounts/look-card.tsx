import type { Account } from '@postern/shared/accounts.ts'
import { type FormEvent, useState } from 'react'
import { patchLook } from '#data/patch-account.ts'
import { showToast } from '#data/toasts.ts'
import { t } from '#lib/page-text.ts'
import { Field } from '#ui/field.tsx'

/** Told apart at arm's length in both themes. */
const colors = [
  ['#1f7a73', t('color.teal')],
  ['#2f6fb5', t('color.blue')],
  ['#7a4fb0', t('color.violet')],
  ['#b5427e', t('color.pink')],
  ['#b53a2f', t('color.red')],
  ['#c06a12', t('color.orange')],
  ['#8a7a12', t('color.olive')],
  ['#3f7d2f', t('color.green')],
] as const
const bytesPerMegabyte = 1_000_000

/** How the account looks in the tree, and how much it may fetch on a day. */
export const LookCard = ({ account }: { account: Account }) => {
  const patch = (body: Parameters<typeof patchLook>[1]) => patchLook(account.id, body)
  const title = account.kind === 'imap' ? t('look') : t('look.colorOnly')
  return (
    <section className="card" aria-label={title}>
      <h2>{title}</h2>
      <fieldset className="swatches">
        <legend>{t('look.color')}</legend>
        <label>
          <input
            type="radio"
            name="color"
            checked={account.color === null}
            onChange={() => void patch({ color: null })}
          />
          {t('color.none')}
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
      {account.kind === 'imap' && (
        <Budget bytes={account.dailyByteBudget} onSet={(dailyByteBudget) => patch({ dailyByteBudget })} />
      )}
    </section>
  )
}

const Budget = ({ bytes, onSet }: { bytes: number | null; onSet: (bytes: number | null) => Promise<void> }) => {
  /** Null: nothing that is not stored; then the field follows what is. */
  const [typed, setTyped] = useState<string | null>(null)
  const text = typed ?? (bytes === null ? '' : String(Math.ceil(bytes / bytesPerMegabyte)))
  const [problem, setProblem] = useState<string | undefined>()
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const megabytes = text.trim() === '' ? null : Number(text)
    if (
      megabytes !== null &&
      (!Number.isInteger(megabytes) || !Number.isSafeInteger(megabytes * bytesPerMegabyte) || megabytes < 1)
    )
      return setProblem(t('budget.notWhole'))
    setProblem(undefined)
    await onSet(megabytes === null ? null : megabytes * bytesPerMegabyte)
    setTyped((now) => (now === typed ? null : now))
    showToast({
      kind: 'done',
      text: megabytes === null ? t('budget.none') : t('budget.set', { n: megabytes.toLocaleString() }),
    })
  }
  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Field
        label={t('budget.label')}
        subject={t('budget.limit')}
        inputMode="numeric"
        placeholder={t('budget.placeholder')}
        value={text}
        error={problem}
        onChange={(event) => setTyped(event.target.value)}
        hint={t('budget.hint')}
      />
      <button type="submit" className="button">
        {t('save')}
      </button>
    </form>
  )
}
