import type { DiscoveredServer, DiscoveryResult } from '@postern/shared/accounts.ts'
import type { DnsRecords } from '#platform/dns-records.ts'
import { type ParsedConfig, parseAutoconfig } from './parse-autoconfig.ts'
import { adviceFor, loadPresets, type Preset, type Presets, presetServers } from './presets.ts'

/**
 * Settings for an address, asked of everybody at once: presets, the domain's own autoconfig over HTTPS, SRV records
 * (RFC 6186, 8314), and the mail exchanger as a hint. No password is involved; nothing is used before a person saw it.
 */
export type DiscoveryDeps = {
  dns: DnsRecords
  /** The text at an HTTPS address, null when there is none. */
  fetch: (url: string, signal: AbortSignal) => Promise<string | null>
  presets?: Presets
}
type Candidate = DiscoveryResult['candidates'][number]

const deadlineMs = 5000
let bundled: Presets | undefined

export const discoverSettings = async (address: string, deps: DiscoveryDeps): Promise<DiscoveryResult> => {
  bundled ??= loadPresets()
  const presets = deps.presets ?? bundled
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  const signal = AbortSignal.timeout(deadlineMs)
  const within = <T>(work: Promise<T>): Promise<T | null> =>
    Promise.race([
      work.catch(() => null),
      new Promise<null>((done) => signal.addEventListener('abort', () => done(null), { once: true })),
    ])
  const found = await Promise.all([
    fromPreset(presets.byDomain(domain), address, 'preset'),
    within(
      fromAutoconfig(
        `https://autoconfig.${domain}/mail/config-v1.1.xml?emailaddress=${encodeURIComponent(address)}`,
        'autoconfig',
        address,
        domain,
        deps,
        signal,
      ),
    ),
    within(
      fromAutoconfig(
        `https://${domain}/.well-known/autoconfig/mail/config-v1.1.xml`,
        'well-known',
        address,
        domain,
        deps,
        signal,
      ),
    ),
    within(fromSrv(domain, address, deps)),
    within(fromMx(domain, address, deps, presets)),
  ])
  const candidates = found.filter((candidate) => candidate !== null)
  const hosts = candidates.flatMap(({ incoming }) => incoming.map(({ host }) => host))
  return { address, candidates, guesses: guess(domain, address), advice: adviceFor([domain, ...hosts]) }
}

const fromPreset = (preset: Preset | null, address: string, source: 'preset' | 'mx'): Candidate | null => {
  if (!preset) return null
  const incoming = presetServers(preset.incoming, address)
  const explanation =
    source === 'preset' ? `Known settings of ${preset.name}.` : `Mail for this domain is handled by ${preset.name}.`
  return incoming.length === 0
    ? null
    : { source, explanation, providerName: preset.name, incoming, outgoing: presetServers(preset.outgoing, address) }
}

const fromAutoconfig = async (
  url: string,
  source: 'autoconfig' | 'well-known',
  address: string,
  domain: string,
  deps: DiscoveryDeps,
  signal: AbortSignal,
): Promise<Candidate | null> => {
  const xml = await deps.fetch(url, signal)
  const parsed: ParsedConfig | null = xml === null ? null : parseAutoconfig(xml, address)
  return parsed && { source, explanation: `Published by ${domain} itself.`, ...parsed }
}

const fromSrv = async (domain: string, address: string, { dns }: DiscoveryDeps): Promise<Candidate | null> => {
  const ask = async (
    service: string,
    kind: DiscoveredServer['kind'],
    security: DiscoveredServer['security'],
  ): Promise<DiscoveredServer[]> =>
    (await dns.srv(`_${service}._tcp.${domain}`))
      // A single dot says: not offered here.
      .filter(({ name }) => name !== '' && name !== '.')
      .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
      .map(({ name, port }) => ({ kind, host: name.replace(/\.$/, ''), port, security, username: address }))
  const [imaps, imap, pop3s, pop3, submissions, submission] = await Promise.all([
    ask('imaps', 'imap', 'tls'),
    ask('imap', 'imap', 'starttls'),
    ask('pop3s', 'pop3', 'tls'),
    ask('pop3', 'pop3', 'starttls'),
    ask('submissions', 'smtp', 'tls'),
    ask('submission', 'smtp', 'starttls'),
  ])
  const incoming = [...imaps, ...imap, ...pop3s, ...pop3]
  return incoming.length === 0
    ? null
    : {
        source: 'srv',
        explanation: `Named in the DNS of ${domain}.`,
        providerName: null,
        incoming,
        outgoing: [...submissions, ...submission],
      }
}

/** The exchanger's own domain often is a known provider: mx.google.com handles many domains. */
const fromMx = async (
  domain: string,
  address: string,
  { dns }: DiscoveryDeps,
  presets: Presets,
): Promise<Candidate | null> => {
  const records = (await dns.mx(domain)).sort((a, b) => a.priority - b.priority)
  for (const { exchange } of records.slice(0, 3)) {
    const labels = exchange.toLowerCase().replace(/\.$/, '').split('.')
    if (/(^|\.)google(mail)?\.com$/.test(labels.join('.')))
      return fromPreset(presets.byDomain('gmail.com'), address, 'mx')
    if (/(^|\.)(protection\.)?outlook\.com$/.test(labels.join('.')))
      return fromPreset(presets.byDomain('outlook.com'), address, 'mx')
    for (let cut = 0; cut < labels.length - 1; cut++) {
      const preset = presets.byDomain(labels.slice(cut).join('.'))
      if (preset) return fromPreset(preset, address, 'mx')
    }
  }
  return null
}

const guess = (domain: string, username: string): DiscoveryResult['guesses'] => ({
  incoming: [
    { kind: 'imap', host: `imap.${domain}`, port: 993, security: 'tls', username },
    { kind: 'imap', host: `mail.${domain}`, port: 993, security: 'tls', username },
    { kind: 'imap', host: `mail.${domain}`, port: 143, security: 'starttls', username },
    { kind: 'pop3', host: `pop.${domain}`, port: 995, security: 'tls', username },
    { kind: 'pop3', host: `mail.${domain}`, port: 995, security: 'tls', username },
    { kind: 'pop3', host: `mail.${domain}`, port: 110, security: 'starttls', username },
  ],
  outgoing: [
    { kind: 'smtp', host: `smtp.${domain}`, port: 465, security: 'tls', username },
    { kind: 'smtp', host: `mail.${domain}`, port: 465, security: 'tls', username },
    { kind: 'smtp', host: `mail.${domain}`, port: 587, security: 'starttls', username },
  ],
})
