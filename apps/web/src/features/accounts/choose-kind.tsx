import type { AccountKind } from '@postern/shared/accounts.ts'
import type { ServerPolicy } from '@postern/shared/retrieval.ts'
import { kindName } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { type Answers, meaningOf, type Recommendation } from './recommend-kind.ts'

/** IMAP or POP3: what is recommended and why, three questions for whoever wants to be asked, and a free choice. */
export const ChooseKind = ({
  value,
  policy,
  recommended,
  answers,
  onChange,
  onAnswer,
}: {
  value: AccountKind
  /** What is chosen for the mail at the provider, should it be POP3. */
  policy: ServerPolicy['kind']
  recommended: Recommendation
  answers: Answers
  onChange: (kind: AccountKind) => void
  onAnswer: (answers: Answers) => void
}) => (
  <fieldset className="choice-group">
    <legend>{t('kind.legend')}</legend>
    <div className="row">
      {(['imap', 'pop3'] as const).map((kind) => (
        <label key={kind}>
          <input type="radio" name="kind" checked={value === kind} onChange={() => onChange(kind)} />
          {kindName(kind)}
          {kind === recommended.kind && <span className="muted">{t('kind.recommended')}</span>}
        </label>
      ))}
    </div>
    <p className="muted" aria-live="polite">
      {t(`kind.${meaningOf({ kind: value, policy }, recommended)}`)}
      {recommended.missing && ` ${t('kind.missing', { kind: kindName(recommended.missing) })}`}
    </p>
    <details>
      <summary>{t('kind.ask')}</summary>
      <Question
        name="devices"
        legend={t('kind.devices')}
        value={answers.devices}
        options={{ one: t('kind.devicesOne'), several: t('kind.devicesSeveral') }}
        onChange={(devices) => onAnswer({ ...answers, devices })}
      />
      <Question
        name="stays"
        legend={t('kind.stays')}
        value={yesNo(answers.stays)}
        options={{ yes: t('yes'), no: t('no') }}
        onChange={(stays) => onAnswer({ ...answers, stays: stays === 'yes' })}
      />
      <Question
        name="space"
        legend={t('kind.space')}
        value={yesNo(answers.isSpaceShort)}
        options={{ yes: t('yes'), no: t('no') }}
        onChange={(space) => onAnswer({ ...answers, isSpaceShort: space === 'yes' })}
      />
    </details>
  </fieldset>
)

const yesNo = (is: boolean) => (is ? 'yes' : 'no')

const Question = <Value extends string>({
  name,
  legend,
  value,
  options,
  onChange,
}: {
  name: string
  legend: string
  value: Value
  options: Record<Value, string>
  onChange: (value: Value) => void
}) => (
  <fieldset className="choice-group">
    <legend>{legend}</legend>
    <div className="row">
      {(Object.keys(options) as Value[]).map(
        (
          option, // Object.keys forgets the literal keys
        ) => (
          <label key={option}>
            <input type="radio" name={name} checked={value === option} onChange={() => onChange(option)} />
            {options[option]}
          </label>
        ),
      )}
    </div>
  </fieldset>
)
