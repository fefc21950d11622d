import type { AccountKind, DiscoveredServer, DiscoveryResult } from '@postern/shared/accounts.ts'
import { formOf, isSameForm, type ServerForm, withKind } from './server-fields.tsx'

type Candidate = DiscoveryResult['candidates'][number]

/** The best that names a server of a kind. */
export const candidateFor = ({ candidates }: DiscoveryResult, kind: AccountKind): Candidate | undefined =>
  candidates.find(({ incoming }) => incoming.some((server) => server.kind === kind))

export const foundKinds = (found: DiscoveryResult): Record<AccountKind, boolean> => ({
  imap: candidateFor(found, 'imap') !== undefined,
  pop3: candidateFor(found, 'pop3') !== undefined,
})

/** The settings a form begins with: what was found, else the usual names. */
export const proposedIncoming = (found: DiscoveryResult, kind: AccountKind): ServerForm => {
  const isOfKind = (server: DiscoveredServer) => server.kind === kind
  const server = candidateFor(found, kind)?.incoming.find(isOfKind) ?? found.guesses.incoming.find(isOfKind)
  return formOf(server ?? { host: '', port: kind === 'imap' ? 993 : 995, security: 'tls', username: found.address })
}

/** Null where only a guess is left: nobody is to be held up by that. */
export const proposedOutgoing = (found: DiscoveryResult, kind: AccountKind): ServerForm | null => {
  const server = candidateFor(found, kind)?.outgoing[0] ?? found.candidates.flatMap(({ outgoing }) => outgoing)[0]
  return server ? formOf(server) : null
}

export const guessedOutgoing = ({ guesses, address }: DiscoveryResult): ServerForm =>
  formOf(guesses.outgoing[0] ?? { host: '', port: 465, security: 'tls', username: address })

/** What was typed stays, apart from a port that belongs to the other kind. */
export const incomingFor = (
  found: DiscoveryResult,
  form: ServerForm,
  { from, to }: { from: AccountKind; to: AccountKind },
): ServerForm =>
  isSameForm(form, proposedIncoming(found, from)) ? proposedIncoming(found, to) : withKind(form, { from, to })
