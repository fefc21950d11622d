import { z } from 'zod'
import { account, loginText, password, serverSettings } from './accounts.ts'
import { listedDomain } from './listed-lines.ts'
import { listedAs } from './listed-schema.ts'

/** The server that the owner sets for accounts that have none of their own to send with. */

/** An empty user name: it trusts by address, and nobody signs in there. Nobody has a password for it then. */
export const relayServer = serverSettings.extend({ username: loginText })

const limit = z.int().min(1).max(1_000_000).nullable()

const domains = z.array(z.string().trim().min(1).max(255)).max(200)
const rules = {
  /** For which it may speak: their SPF names it, or it signs for them (DKIM). Mail of others may be taken for forged. */
  domains,
  /** False: mail of other domains is refused. */
  carriesOthers: z.boolean(),
  /** Null: as many as anywhere. */
  recipientsPerMail: limit,
  /** Of each person; what is more waits. Null: not counted. */
  mailsPerHour: limit,
}

type Login = { outgoing: { username: string }; password?: string | undefined }
const namesWhoSignsIn = ({ outgoing, password: typed }: Login): boolean =>
  outgoing.username !== '' || typed === undefined
const nobody = {
  error: 'is needed with a password; leave both empty where the server trusts by address',
  path: ['outgoing', 'username'],
}

export const relayCheck = z
  .strictObject({ outgoing: relayServer, password: password.optional() })
  .refine(namesWhoSignsIn, nobody)
  .refine(({ outgoing, password: typed }) => outgoing.username === '' || typed !== undefined, {
    error: 'is needed with a user name; leave both empty where the server trusts by address',
    path: ['password'],
  })
export type RelayCheck = z.infer<typeof relayCheck>

export const relayPut = z
  .strictObject({
    outgoing: relayServer,
    /** Absent: the one that is stored, at the same server; or none, where nobody signs in. */
    password: password.optional(),
    ...rules,
    domains: listedAs(domains, { read: listedDomain, what: 'no domain such as example.org' }),
  })
  .refine(namesWhoSignsIn, nobody)
export type RelayPut = z.infer<typeof relayPut>

export const relay = z
  .object({
    outgoing: relayServer,
    ...rules,
    /** Why it lets nobody in; null while that is not known. */
    problem: account.shape.problem,
    /** So many accounts send by it. */
    accounts: z.int(),
    /** So many mails are to go by it. */
    waiting: z.int(),
  })
  .meta({ id: 'Relay' })
export type Relay = z.infer<typeof relay>
/** Null: none is set. */
export const ownerRelay = z.object({ relay: relay.nullable() })

/** What everybody may know of it. */
export const relayOffer = z
  .object({ domains: rules.domains, carriesOthers: rules.carriesOthers })
  .meta({ id: 'RelayOffer' })
export type RelayOffer = z.infer<typeof relayOffer>
export const offeredRelay = z.object({ relay: relayOffer.nullable() })
