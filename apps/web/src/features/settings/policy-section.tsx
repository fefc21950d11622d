import type { OwnerPolicy } from '@postern/shared/sessions.ts'
import { type FormEvent, useState } from 'react'
import { call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { t } from '#lib/page-text.ts'
import { LinesField } from '#ui/field.tsx'
import { ListState } from '#ui/list-state.tsx'

const toLines = (list: string[]) => list.join('\n')
const toList = (text: string) => text.split(/[\s,]+/).filter(Boolean)

/** The owner's exceptions: hosts without encryption, and hosts inside the own network that other people may use. */
export const PolicySection = () => {
  const { value, status, reload } = useAnswer('policy', (signal) =>
    call('getOwnerPolicy', 'GET', '/v1/owner/policy', { signal }),
  )
  return (
    <section className="card" aria-label={t('settings.hosts')}>
      <h2>{t('settings.hosts')}</h2>
      <p>{t('hosts.form')}</p>
      <ListState status={status} isEmpty={!value} empty={null} failed={t('hosts.failed')} lines={4} onRetry={reload} />
      {/* Only once they are here: a form that is stored empty would take away what nobody saw. */}
      {value && <PolicyForm policy={value} />}
    </section>
  )
}

const PolicyForm = ({ policy }: { policy: OwnerPolicy }) => {
  const [plain, setPlain] = useState(toLines(policy.plaintextHosts))
  const [inside, setInside] = useState(toLines(policy.privateHosts))
  const save = async (event: FormEvent) => {
    event.preventDefault()
    await call('putOwnerPolicy', 'PUT', '/v1/owner/policy', {
      body: { plaintextHosts: toList(plain), privateHosts: toList(inside) },
    })
    showToast({ kind: 'done', text: t('saved') })
  }
  return (
    <form onSubmit={(event) => void save(event)}>
      <LinesField rows={4} label={t('hosts.inside')} hint={t('hosts.insideHint')} value={inside} onChange={setInside} />
      <LinesField rows={4} label={t('hosts.plain')} hint={t('hosts.plainHint')} value={plain} onChange={setPlain} />
      <button type="submit" className="button primary">
        {t('save')}
      </button>
    </form>
  )
}
