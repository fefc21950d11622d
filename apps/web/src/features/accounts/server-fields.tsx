import type { AccountKind, DiscoveredServer, ServerSettings } from '@postern/shared/accounts.ts'
import { t } from '#lib/page-text.ts'
import { Choice, Field } from '#ui/field.tsx'

const ports = {
  imap: { tls: 993, starttls: 143, plain: 143 },
  pop3: { tls: 995, starttls: 110, plain: 110 },
  smtp: { tls: 465, starttls: 587, plain: 587 },
}
export type ServerForm = {
  host: string
  port: string
  security: ServerSettings['security']
  username: string
  pinnedFingerprint: string | null
}

export const formOf = (
  server: Pick<DiscoveredServer, 'host' | 'port' | 'security' | 'username'> & { pinnedFingerprint?: string | null },
): ServerForm => ({
  host: server.host,
  port: String(server.port),
  security: server.security,
  username: server.username,
  pinnedFingerprint: server.pinnedFingerprint ?? null,
})
export const settingsOf = (form: ServerForm): ServerSettings => ({
  host: form.host.trim(),
  port: Number(form.port),
  security: form.security,
  username: form.username,
  pinnedFingerprint: form.pinnedFingerprint,
})

export const isSameForm = (a: ServerForm, b: ServerForm): boolean =>
  JSON.stringify(settingsOf(a)) === JSON.stringify(settingsOf(b))

/** As openssl writes it, to be compared by eye. */
export const shownFingerprint = (hex: string): string => hex.toUpperCase().replace(/..(?=.)/g, '$&:')

/** Accepts exactly the certificate that was shown. */
export const pinned = (form: ServerForm, certificate: { fingerprint: string } | null): ServerForm => ({
  ...form,
  pinnedFingerprint: certificate?.fingerprint ?? null,
})

/** The port of the other kind in place of the usual one; one that was typed stays. */
export const withKind = (form: ServerForm, { from, to }: { from: AccountKind; to: AccountKind }): ServerForm =>
  form.port === String(ports[from][form.security])
    ? { ...form, port: String(ports[to][form.security]), pinnedFingerprint: null }
    : form

/** Where the other kind usually is, when nothing more is known than a server. */
export const usualBeside = ({ host, security, username }: ServerSettings, kind: AccountKind): ServerForm =>
  formOf({ host, port: ports[kind][security], security, username })

/** One server's settings. Choosing the kind of encryption sets the port that goes with it, unless one was typed. */
export const ServerFields = ({
  kind,
  value,
  errors,
  trustsByAddress = false,
  onChange,
}: {
  kind: DiscoveredServer['kind']
  value: ServerForm
  /** It may be one at which nobody signs in. */
  trustsByAddress?: boolean
  errors: Record<string, string> | undefined
  onChange: (value: ServerForm) => void
}) => {
  const which = kind === 'smtp' ? 'outgoing' : 'incoming'
  return (
    <fieldset style={{ border: 0, padding: 0, margin: 0, minWidth: 0 }}>
      <legend style={{ fontWeight: 600, marginBlockEnd: 8 }}>{t(`servers.${kind}`)}</legend>
      <div className="grid2">
        <Field
          label={t('servers.host')}
          required
          value={value.host}
          error={errors?.[`${which}.host`]}
          onChange={(event) => onChange({ ...value, host: event.target.value, pinnedFingerprint: null })}
        />
        <Field
          label={t('servers.port')}
          required
          inputMode="numeric"
          value={value.port}
          error={errors?.[`${which}.port`]}
          onChange={(event) => onChange({ ...value, port: event.target.value, pinnedFingerprint: null })}
        />
        <Choice
          label={t('servers.security')}
          value={value.security}
          options={[
            { value: 'tls', label: 'TLS' },
            { value: 'starttls', label: 'STARTTLS' },
            { value: 'plain', label: t('servers.plain') },
          ]}
          onChange={(security) => {
            const next = security === 'tls' || security === 'starttls' ? security : 'plain'
            const isUsual = value.port === '' || value.port === String(ports[kind][value.security])
            onChange({ ...value, security: next, port: isUsual ? String(ports[kind][next]) : value.port })
          }}
        />
      </div>
      <Field
        label={t('servers.username')}
        required={!trustsByAddress}
        hint={trustsByAddress ? t('relay.trusts') : undefined}
        value={value.username}
        error={errors?.[`${which}.username`]}
        onChange={(event) => onChange({ ...value, username: event.target.value })}
      />
      {value.pinnedFingerprint && (
        <p className="muted">
          {t('servers.pinned', { fingerprint: shownFingerprint(value.pinnedFingerprint).slice(0, 23) })}
        </p>
      )}
    </fieldset>
  )
}
