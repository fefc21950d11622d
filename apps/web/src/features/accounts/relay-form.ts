import { linesOf, listedDomain } from '@postern/shared/listed-lines.ts'
import type { Relay, RelayPut } from '@postern/shared/relay.ts'
import { formOf, type ServerForm, settingsOf } from './server-fields.tsx'

/** The relay as it stands in a form: lists and numbers as somebody types them. */
export type RelayForm = {
  outgoing: ServerForm
  password: string
  domains: string
  carriesOthers: boolean
  /** Empty: no limit. */
  recipientsPerMail: string
  mailsPerHour: string
}
export const limitFields = ['recipientsPerMail', 'mailsPerHour'] as const

const unset: ServerForm = { host: '', port: '465', security: 'tls', username: '', pinnedFingerprint: null }

export const relayFormOf = (relay: Relay | null): RelayForm => ({
  outgoing: relay ? formOf(relay.outgoing) : unset,
  password: '',
  domains: relay?.domains.join('\n') ?? '',
  carriesOthers: relay?.carriesOthers ?? true,
  recipientsPerMail: relay?.recipientsPerMail?.toString() ?? '',
  mailsPerHour: relay?.mailsPerHour?.toString() ?? '',
})

export const isLimit = (text: string): boolean => /^\s*(?:[1-9]\d{0,5})?\s*$/.test(text)

const limitOf = (text: string): number | null => (text.trim() === '' ? null : Number(text))

/** The first that is no domain. */
export const wrongDomain = (domains: string): string | undefined =>
  linesOf(domains).find((line) => listedDomain(line) === null)

/** Half a login: which half is missing. */
export const missingLogin = (
  { outgoing: { username }, password }: RelayForm,
  isPasswordKept: boolean,
): 'username' | 'password' | null => {
  if (username === '') return password === '' ? null : 'username'
  return password === '' && !isPasswordKept ? 'password' : null
}

export const passwordOf = (typed: string): { password?: string } => (typed === '' ? {} : { password: typed })

export const relayOf = ({ outgoing, password, domains, carriesOthers, ...limits }: RelayForm): RelayPut => ({
  outgoing: settingsOf(outgoing),
  ...passwordOf(password),
  domains: linesOf(domains),
  carriesOthers,
  recipientsPerMail: limitOf(limits.recipientsPerMail),
  mailsPerHour: limitOf(limits.mailsPerHour),
})
