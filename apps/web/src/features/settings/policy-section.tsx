import { linesOf, listedHost } from '@postern/shared/listed-lines.ts'
import type { OwnerPolicy } from '@postern/shared/sessions.ts'
import { type FormEvent, useState } from 'react'
import { call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/page-text.ts'
import { focusInvalid, LinesField } from '#ui/field.tsx'
import { ListState } from '#ui/list-state.tsx'
import { Problem } from '#ui/problem.tsx'

const toLines = (list: string[]) => list.join('\n')

const wrongLine = (text: string): string | undefined => {
  const line = linesOf(text).find((one) => listedHost(one) === null)
  return line === undefined ? undefined : t('hosts.wrong', { line })
}

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
  const [hasTried, setTried] = useState(false)
  const { problem, attempt } = useAttempt()
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    void attempt(async () => {
      if (wrongLine(plain) || wrongLine(inside)) return focusInvalid(form, () => setTried(true))
      setTried(true)
      const body = { plaintextHosts: linesOf(plain), privateHosts: linesOf(inside) }
      const stored = await call('putOwnerPolicy', 'PUT', '/v1/owner/policy', { body })
      setPlain(toLines(stored.plaintextHosts))
      setInside(toLines(stored.privateHosts))
      showToast({ kind: 'done', text: t('saved') })
    })
  }
  const common = { rows: 4, subject: t('hosts.lines') }
  const errorOf = (text: string) => (hasTried ? wrongLine(text) : undefined)
  return (
    <form onSubmit={save}>
      <LinesField
        {...common}
        label={t('hosts.inside')}
        hint={t('hosts.insideHint')}
        value={inside}
        error={errorOf(inside)}
        onChange={setInside}
      />
      <LinesField
        {...common}
        label={t('hosts.plain')}
        hint={t('hosts.plainHint')}
        value={plain}
        error={errorOf(plain)}
        onChange={setPlain}
      />
      <Problem problem={problem} />
      <button type="submit" className="button primary">
        {t('save')}
      </button>
    </form>
  )
}
