import type { Retrieval, ServerPolicy } from '@postern/shared/retrieval.ts'
import { t } from '#lib/page-text.ts'

/** How a maildrop is looked at, as it stands in a form: numbers as somebody types them. */
export type RetrievalForm = {
  policy: ServerPolicy['kind']
  days: string
  count: string
  everyMinutes: number
  /** Empty: no limit. */
  megabytes: string
}
export type RetrievalWishes = Pick<Retrieval, 'policy' | 'everyMinutes' | 'maxBytes'>
type NumberField = 'days' | 'count' | 'megabytes'

const bytesPerMegabyte = 1_000_000
/** As the server takes them (packages/shared/src/retrieval.ts). */
const most: Record<NumberField, number> = { days: 3650, count: 1_000_000, megabytes: 268 }
export const usualRetrieval: RetrievalWishes = { policy: { kind: 'keep' }, everyMinutes: 5, maxBytes: null }

export const retrievalFormOf = ({ policy, everyMinutes, maxBytes }: RetrievalWishes): RetrievalForm => ({
  policy: policy.kind,
  days: String(policy.kind === 'afterDays' ? policy.days : 30),
  count: String(policy.kind === 'newest' ? policy.count : 1000),
  everyMinutes,
  megabytes: maxBytes === null ? '' : String(Math.min(most.megabytes, Math.ceil(maxBytes / bytesPerMegabyte))),
})

/** What a form comes to, or what is wrong with its fields. */
export const readRetrieval = (
  form: RetrievalForm,
): { kind: 'read'; wishes: RetrievalWishes } | { kind: 'wrong'; errors: Partial<Record<NumberField, string>> } => {
  const used: NumberField[] = [
    ...(form.policy === 'afterDays' ? (['days'] as const) : []),
    ...(form.policy === 'newest' ? (['count'] as const) : []),
    ...(form.megabytes.trim() === '' ? [] : (['megabytes'] as const)),
  ]
  const wrong = used.filter((field) => !isWhole(form[field], most[field]))
  if (wrong.length > 0)
    return {
      kind: 'wrong',
      errors: Object.fromEntries(
        wrong.map((field) => [field, t('retrieval.notWhole', { most: most[field].toLocaleString() })]),
      ),
    }
  const maxBytes = used.includes('megabytes') ? Number(form.megabytes) * bytesPerMegabyte : null
  return { kind: 'read', wishes: { policy: policyOf(form), everyMinutes: form.everyMinutes, maxBytes } }
}

const isWhole = (text: string, most: number): boolean =>
  /^\s*\d+\s*$/.test(text) && Number(text) >= 1 && Number(text) <= most

const policyOf = ({ policy, days, count }: RetrievalForm): ServerPolicy => {
  switch (policy) {
    case 'afterDays':
      return { kind: policy, days: Number(days) }
    case 'newest':
      return { kind: policy, count: Number(count) }
    default:
      return { kind: policy }
  }
}

/** What a policy means for the mail at the provider, in one sentence. */
export const consequenceOf = ({ policy, days, count }: RetrievalForm): string => {
  if (policy === 'afterDays' && Number(days) === 1) return t('policy.afterDaysMeans.one')
  if (policy === 'newest' && Number(count) === 1) return t('policy.newestMeans.one')
  const shown = (typed: string) => (Number(typed) > 0 ? Number(typed).toLocaleString() : '…')
  return t(`policy.${policy}Means`, { days: shown(days), count: shown(count) })
}
