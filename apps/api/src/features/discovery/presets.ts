import { readFileSync } from 'node:fs'
import type { DiscoveredServer, DiscoveryResult } from '@postern/shared/accounts.ts'
import { z } from 'zod'
import { fillIn } from './parse-autoconfig.ts'

/** Settings of known providers, as facts: domains, hosts, ports. One line each in provider-presets.json. */
const server = z.object({
  type: z.enum(['imap', 'pop3', 'smtp']),
  host: z.string(),
  port: z.int(),
  socket: z.enum(['SSL', 'STARTTLS', 'plain']),
  username: z.string(),
})
const preset = z.object({
  id: z.string(),
  name: z.string(),
  domains: z.array(z.string()),
  incoming: z.array(server),
  outgoing: z.array(server),
})
export type Preset = z.infer<typeof preset>

export type Presets = { byDomain: (domain: string) => Preset | null; all: Preset[] }

export const loadPresets = (): Presets => {
  const all = z
    .array(preset)
    .parse(JSON.parse(readFileSync(new URL('./provider-presets.json', import.meta.url), 'utf8')))
  const index = new Map(all.flatMap((entry) => entry.domains.map((domain) => [domain.toLowerCase(), entry] as const)))
  return { all, byDomain: (domain) => index.get(domain.toLowerCase()) ?? null }
}

/** Encrypted servers only; a provider that offers nothing else has to be entered by hand. */
export const presetServers = (list: Preset['incoming'], address: string): DiscoveredServer[] =>
  list
    .filter(({ socket }) => socket !== 'plain')
    .map(({ type, host, port, socket, username }) => ({
      kind: type,
      host,
      port,
      security: socket === 'SSL' ? ('tls' as const) : ('starttls' as const),
      username: fillIn(username, address) || address,
    }))
    .sort((a, b) => order(a) - order(b))

const order = ({ kind, security }: DiscoveredServer): number => (kind === 'pop3' ? 2 : 0) + (security === 'tls' ? 0 : 1)

type Advice = NonNullable<DiscoveryResult['advice']>
const appPassword = (name: string, helpUrl: string): Advice => ({
  kind: 'app_password',
  text: `${name} does not take your usual password here. Make an app password in the security settings of your ${name} account and enter that.`,
  helpUrl,
})
const microsoft: Advice = {
  kind: 'no_passwords',
  text: 'Microsoft no longer lets mail programs sign in with a password. Postern cannot add this account yet: signing in through Microsoft comes in a later version.',
  helpUrl: null,
}
const adviceByHost: [RegExp, Advice][] = [
  [/(^|\.)(gmail|googlemail|google)\.com$/, appPassword('Google', 'https://support.google.com/accounts/answer/185833')],
  [/(^|\.)(yahoo\.com|yahoodns\.net|ymail\.com)$/, appPassword('Yahoo', 'https://help.yahoo.com/kb/SLN15241.html')],
  [/(^|\.)(me\.com|icloud\.com|mac\.com)$/, appPassword('iCloud', 'https://support.apple.com/102654')],
  [/(^|\.)aol\.com$/, appPassword('AOL', 'https://help.aol.com/articles/Create-and-manage-app-password')],
  [/(^|\.)fastmail\.com$/, appPassword('Fastmail', 'https://www.fastmail.help/hc/en-us/articles/360058752854')],
  [/(^|\.)(outlook|hotmail|live|msn|office365|office)\.com$/, microsoft],
]

/** What a person must know before typing a password, by the servers that were found. */
export const adviceFor = (hosts: string[]): Advice | null => {
  for (const host of hosts)
    for (const [pattern, advice] of adviceByHost) if (pattern.test(host.toLowerCase())) return advice
  return null
}
