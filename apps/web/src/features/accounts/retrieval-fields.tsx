import { t } from '#lib/page-text.ts'
import { Choice, Field } from '#ui/field.tsx'
import { consequenceOf, type RetrievalForm, readRetrieval } from './retrieval-form.ts'

const policies = ['keep', 'afterDownload', 'afterDays', 'whenDeletedHere', 'newest'] as const
const numberOf: { [policy in RetrievalForm['policy']]?: 'days' | 'count' } = { afterDays: 'days', newest: 'count' }
const intervals = [1, 5, 10, 15, 30, 60, 240, 1440]

/** What becomes of mail at the provider, with its consequence, and how often and how much is fetched. */
export const RetrievalFields = ({
  value,
  onChange,
}: {
  value: RetrievalForm
  /** What was changed of it. */
  onChange: (change: Partial<RetrievalForm>) => void
}) => {
  const read = readRetrieval(value)
  const errors = read.kind === 'wrong' ? read.errors : {}
  const number = numberOf[value.policy]
  return (
    <>
      <div className={number && 'policy-number'}>
        <Choice
          label={t('policy.label')}
          value={value.policy}
          options={policies.map((policy) => ({ value: policy, label: t(`policy.${policy}`) }))}
          hint={consequenceOf(value)}
          onChange={(policy) => onChange({ policy: policies.find((known) => known === policy) ?? 'keep' })}
        />
        {number && (
          <Field
            key={number}
            label={t(`policy.${number}`)}
            inputMode="numeric"
            required
            value={value[number]}
            error={errors[number]}
            onChange={(event) => onChange({ [number]: event.target.value })}
          />
        )}
      </div>
      <div className="grid-even">
        <Choice
          label={t('retrieval.every')}
          value={String(value.everyMinutes)}
          options={[...new Set([...intervals, value.everyMinutes])]
            .sort((a, b) => a - b)
            .map((minutes) => ({ value: String(minutes), label: intervalText(minutes) }))}
          hint={t('retrieval.everyHint')}
          onChange={(minutes) => onChange({ everyMinutes: Number(minutes) })}
        />
        <Field
          label={t('retrieval.cap')}
          inputMode="numeric"
          placeholder={t('retrieval.noCap')}
          value={value.megabytes}
          error={errors.megabytes}
          onChange={(event) => onChange({ megabytes: event.target.value })}
          hint={t('retrieval.capHint')}
        />
      </div>
    </>
  )
}

const intervalText = (minutes: number): string => {
  const [n, unit] =
    minutes % 1440 === 0
      ? ([minutes / 1440, 'day'] as const)
      : minutes % 60 === 0
        ? ([minutes / 60, 'hour'] as const)
        : ([minutes, 'minute'] as const)
  return n.toLocaleString(undefined, { style: 'unit', unit, unitDisplay: 'long' })
}
