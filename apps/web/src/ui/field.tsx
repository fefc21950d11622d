import { type InputHTMLAttributes, type ReactNode, useId } from 'react'
import { flushSync } from 'react-dom'

/** A labelled input with its hint and its error, tied together for screen readers. */
export const Field = ({
  label,
  subject = label,
  error,
  hint,
  ...input
}: {
  label: string
  /** What an error begins with, where the label cannot be said so. */
  subject?: string
  error?: string | undefined
  hint?: ReactNode
} & InputHTMLAttributes<HTMLInputElement>) => {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} className="input" aria-invalid={error !== undefined} aria-describedby={`${id}-note`} {...input} />
      <div id={`${id}-note`} className={error ? 'field-error' : 'field-hint'}>
        {error ? `${subject} ${error}` : hint}
      </div>
    </div>
  )
}

/** The same for several lines. */
export const LinesField = ({
  label,
  subject = label,
  rows,
  value,
  error,
  hint,
  onChange,
}: {
  label: string
  subject?: string
  rows: number
  value: string
  error?: string | undefined
  hint: string
  onChange: (value: string) => void
}) => {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        className="input"
        dir="ltr"
        rows={rows}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-note`}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <div id={`${id}-note`} className={error ? 'field-error' : 'field-hint'}>
        {error ? `${subject} ${error}` : hint}
      </div>
    </div>
  )
}

/**
 * Where a form cannot be taken yet: at the first field that says why, once `mark` has it said. At once, for a frame later somebody
 * may be in another field.
 */
export const focusInvalid = (form: HTMLFormElement, mark?: () => void): void => {
  if (mark) flushSync(mark)
  form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
}

export const Choice = ({
  label,
  value,
  options,
  hint,
  onChange,
}: {
  label: string
  value: string
  options: { value: string; label: string }[]
  hint?: ReactNode
  onChange: (value: string) => void
}) => {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="input"
        aria-describedby={hint ? `${id}-note` : undefined}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {hint && (
        <div id={`${id}-note`} className="field-hint">
          {hint}
        </div>
      )}
    </div>
  )
}
