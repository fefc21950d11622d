import { z } from 'zod'
import { account, password, serverSettings } from './accounts.ts'

/** The server that the owner sets for accounts that have none of their own to send with. */

const limit = z.int().min(1).max(1_000_000).nullable()

const rules = {
  /** For which it may speak: their SPF names it, or it signs for them (DKIM). Mail of others may be taken for forged. */
  domains: z.array(z.string().trim().min(1).max(255)).max(200),
  /** False: mail of other domains is refused. */
  carriesOthers: z.boolean(),
  /** Null: as many as anywhere. */
  recipientsPerMail: limit,
  /** Of each person; what is more waits. Null: not counted. */
  mailsPerHour: limit,
}

export const relayCheck = z.strictObject({ outgoing: serverSettings, password })
export type RelayCheck = z.infer<typeof relayCheck>

export const relayPut = z.strictObject({
  outgoing: serverSettings,
  /** Absent: the one that is stored, at the same server. */
  password: password.optional(),
  ...rules,
})
export type RelayPut = z.infer<typeof relayPut>

export const relay = z
  .object({
    outgoing: serverSettings,
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
