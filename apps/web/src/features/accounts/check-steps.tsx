import type { CheckEvent } from '@postern/shared/accounts.ts'
import { Check, CircleX, Loader } from 'lucide-react'
import { flushSync } from 'react-dom'
import { t } from '#lib/page-text.ts'
import { ServerSaid } from '#ui/server-said.tsx'
import { shownFingerprint } from './server-fields.tsx'

const names = {
  resolve: t('step.resolve'),
  connect: t('step.connect'),
  tls: t('step.tls'),
  greeting: t('step.greeting'),
  login: t('session.signIn'),
  list: t('step.list'),
  messages: t('step.messages'),
}
export type CheckFailed = Extract<CheckEvent, { kind: 'failed' }>

/** The live test, step by step as it happens, with the cause in plain words and the server's own words one click away. */
export const CheckSteps = ({ events, onTrust }: { events: CheckEvent[]; onTrust: (failed: CheckFailed) => void }) => {
  const steps = new Map<string, Extract<CheckEvent, { kind: 'step' }>>()
  for (const event of events) if (event.kind === 'step') steps.set(`${event.server} ${event.step}`, event)
  const isAlone = events.every((event) => event.kind === 'done' || event.server === 'outgoing')
  const failures = events.filter((event): event is CheckFailed => event.kind === 'failed')
  // The same form goes on with the certificate in it: it has to be stored before the form is read.
  const trust = (failed: CheckFailed, form: HTMLFormElement | null) => {
    flushSync(() => onTrust(failed))
    form?.requestSubmit()
  }
  return (
    <div aria-live="polite">
      <ol className="steps">
        {[...steps.values()].map((step) => {
          const isFailed = failures.some((failed) => failed.server === step.server && failed.step === step.step)
          return (
            <li key={`${step.server} ${step.step}`}>
              {isFailed ? (
                <CircleX size={16} color="var(--danger)" aria-label={t('step.failed')} />
              ) : step.state === 'ok' ? (
                <Check size={16} color="var(--accent)" aria-label={t('step.done')} />
              ) : (
                <Loader size={16} aria-label={t('step.running')} />
              )}
              <span>
                {step.server === 'outgoing' && !isAlone
                  ? t('step.sending', { step: names[step.step] })
                  : names[step.step]}
                {step.note && <span className="muted"> — {step.note}</span>}
              </span>
              {step.ms !== null && <span className="ms">{step.ms} ms</span>}
            </li>
          )
        })}
      </ol>
      {failures.map((failed) => (
        <div key={failed.server} className="notice bad" role="alert" tabIndex={-1}>
          {failed.server === 'outgoing' && !isAlone && <p style={{ margin: '0 0 4px' }}>{t('check.onlySending')}</p>}
          <strong>{failed.message}</strong>
          {failed.hint && <p style={{ margin: '4px 0 0' }}>{failed.hint}</p>}
          {failed.certificate && (
            <>
              <table className="plain">
                <tbody>
                  <tr>
                    <th>{t('certificate.names')}</th>
                    <td>{failed.certificate.names.join(', ') || failed.certificate.subject}</td>
                  </tr>
                  <tr>
                    <th>{t('certificate.valid')}</th>
                    <td>
                      {failed.certificate.validFrom} – {failed.certificate.validTo}
                    </td>
                  </tr>
                  <tr>
                    <th>{t('certificate.issuer')}</th>
                    <td>{failed.certificate.issuer}</td>
                  </tr>
                  <tr>
                    <th>SHA-256</th>
                    <td style={{ overflowWrap: 'anywhere', fontFamily: 'monospace' }}>
                      {shownFingerprint(failed.certificate.fingerprint)}
                    </td>
                  </tr>
                </tbody>
              </table>
              <p>{t('certificate.warning')}</p>
              <button type="button" className="button" onClick={({ currentTarget: { form } }) => trust(failed, form)}>
                {t('certificate.trust')}
              </button>
            </>
          )}
          <ServerSaid text={failed.serverText} />
        </div>
      ))}
    </div>
  )
}
