import type { Relay, RelayCheck } from '@postern/shared/relay.ts'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/page-text.ts'
import { Confirm } from '#ui/confirm.tsx'
import { Choice, Field, focusInvalid, LinesField } from '#ui/field.tsx'
import { ListState } from '#ui/list-state.tsx'
import { Problem } from '#ui/problem.tsx'
import { ServerSaid } from '#ui/server-said.tsx'
import {
  isLimit,
  limitFields,
  missingLogin,
  passwordOf,
  type RelayForm,
  relayFormOf,
  relayOf,
  wrongDomain,
} from './relay-form.ts'
import { formOf, isSameForm, pinned, ServerFields } from './server-fields.tsx'
import { LiveTestReport, useLiveTest } from './use-live-test.tsx'

/** The owner's: the server by which accounts send that have none of their own. Out of sight it keeps what was typed. */
export const RelaySection = ({ isShown }: { isShown: boolean }) => {
  const { value, status, reload, set } = useAnswer('relay', (signal) =>
    call('getRelay', 'GET', '/v1/owner/relay', { signal }),
  )
  const wasShown = useRef(isShown)
  useEffect(() => {
    // How it is used, and whether it lets us in, may be another answer by now.
    if (isShown && !wasShown.current) reload()
    wasShown.current = isShown
  }, [isShown, reload])
  // Begun anew with what was stored, and after it was taken away.
  const [turn, setTurn] = useState(0)
  const section = useRef<HTMLElement>(null)
  // The form that the keyboard was in is gone with that.
  useEffect(() => {
    if (turn > 0 && document.activeElement === document.body)
      section.current?.querySelector<HTMLElement>('[type=submit]')?.focus()
  }, [turn])
  const show = (relay: Relay | null) => {
    set({ relay })
    setTurn(turn + 1)
  }
  return (
    <section className="card" aria-label={t('settings.relay')} ref={section}>
      <h2>{t('relay.title')}</h2>
      <p>
        {t('relay.text')} {t('relay.trust')}
      </p>
      <ListState status={status} isEmpty={!value} empty={null} failed={t('relay.failed')} lines={4} onRetry={reload} />
      {value?.relay && <RelayFacts relay={value.relay} />}
      {value && <RelayEditor key={turn} relay={value.relay} onStored={show} />}
      {value?.relay && <RemoveRelay onRemoved={() => show(null)} />}
    </section>
  )
}

const RelayFacts = ({ relay: { problem, accounts, waiting } }: { relay: Relay }) => (
  <>
    {problem && (
      <div className="notice bad">
        <strong>{t('relay.refuses')}</strong> {problem.message} {problem.hint}
        <ServerSaid text={problem.serverText} />
      </div>
    )}
    <p className="muted">
      {t('relay.use', { accounts: accounts.toLocaleString(), waiting: waiting.toLocaleString() })}
    </p>
  </>
)

/** A new server or password is tested first, step by step, as an account's are. */
const RelayEditor = ({ relay, onStored }: { relay: Relay | null; onStored: (relay: Relay | null) => void }) => {
  const [form, setForm] = useState(() => relayFormOf(relay))
  const [hasTried, setTried] = useState(false)
  const live = useLiveTest<RelayCheck>('/v1/owner/relay-checks')
  const isMoved = !relay || !isSameForm(form.outgoing, formOf(relay.outgoing))
  const isTested = isMoved || form.password !== ''
  const missing = missingLogin(form, !isMoved)
  const wrong = wrongDomain(form.domains)
  const typed = {
    ...(missing === 'username' ? { 'outgoing.username': t('relay.noUser') } : {}),
    ...(missing === 'password' ? { password: t('relay.noPassword') } : {}),
    ...(wrong === undefined ? {} : { domains: t('relay.noDomain', { line: wrong }) }),
  }
  const errors = { ...live.problem?.detail.fields, ...(hasTried ? typed : {}) }
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const element = event.currentTarget
    void live.attempt(async () => {
      if (Object.keys(typed).length > 0 || limitFields.some((field) => !isLimit(form[field])))
        return focusInvalid(element, () => setTried(true))
      setTried(true)
      const body = relayOf(form)
      if (isTested && !(await live.test({ outgoing: body.outgoing, ...passwordOf(form.password) }))) return
      const stored = await call('putRelay', 'PUT', '/v1/owner/relay', { body })
      showToast({ kind: 'done', text: t('saved') })
      onStored(stored.relay)
    })
  }
  return (
    <form onSubmit={save}>
      <ServerFields
        kind="smtp"
        trustsByAddress
        value={form.outgoing}
        errors={errors}
        onChange={(outgoing) => setForm({ ...form, outgoing })}
      />
      <Field
        label={t('relay.password')}
        type="password"
        autoComplete="off"
        value={form.password}
        error={errors.password}
        onChange={(event) => setForm({ ...form, password: event.target.value })}
        hint={passwordHint(relay, form)}
      />
      <LinesField
        label={t('relay.domains')}
        rows={3}
        value={form.domains}
        error={errors.domains}
        hint={t('relay.domainsHint')}
        onChange={(domains) => setForm({ ...form, domains })}
      />
      <Choice
        label={t('relay.others')}
        value={form.carriesOthers ? 'warned' : 'refused'}
        options={[
          { value: 'warned', label: t('relay.othersWarned') },
          { value: 'refused', label: t('relay.othersRefused') },
        ]}
        onChange={(value) => setForm({ ...form, carriesOthers: value === 'warned' })}
      />
      <div className="grid-even">
        {limitFields.map((field) => (
          <Field
            key={field}
            label={t(field === 'mailsPerHour' ? 'relay.hourly' : 'relay.recipients')}
            subject={t('relay.number')}
            inputMode="numeric"
            placeholder={t('relay.noLimit')}
            value={form[field]}
            error={hasTried && !isLimit(form[field]) ? t('relay.notWhole') : undefined}
            onChange={(event) => setForm({ ...form, [field]: event.target.value })}
            hint={field === 'mailsPerHour' ? t('relay.hourlyHint') : undefined}
          />
        ))}
      </div>
      <LiveTestReport
        test={live}
        onTrust={({ certificate }) => setForm((old) => ({ ...old, outgoing: pinned(old.outgoing, certificate) }))}
      />
      <button type="submit" className="button primary" disabled={live.isBusy}>
        {live.isBusy ? t('check.running') : t(isTested ? 'edit.submit' : 'save')}
      </button>
    </form>
  )
}

const passwordHint = (relay: Relay | null, { outgoing }: RelayForm): string | undefined => {
  if (outgoing.username === '') return undefined
  if (!relay) return t('add.passwordHint')
  return t(isSameForm(outgoing, formOf(relay.outgoing)) ? 'edit.passwordKept' : 'edit.passwordNeeded')
}

const RemoveRelay = ({ onRemoved }: { onRemoved: () => void }) => {
  const [isAsking, setAsking] = useState(false)
  const { problem, attempt } = useAttempt()
  const remove = () =>
    void attempt(async () => {
      await call('removeRelay', 'DELETE', '/v1/owner/relay')
      showToast({ kind: 'done', text: t('relay.removed') })
      onRemoved()
    })
  return (
    <div style={{ marginBlockStart: 16 }}>
      <Problem problem={problem} />
      <button type="button" className="button danger" onClick={() => setAsking(true)}>
        {t('relay.remove')}
      </button>
      {isAsking && (
        <Confirm
          title={t('relay.removeTitle')}
          text={t('relay.removeText')}
          action={t('relay.removeDo')}
          cancel={t('cancel')}
          onConfirm={remove}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  )
}
