import { z } from 'zod'

/**
 * The small words every contract uses. Ids are opaque decimal strings; 64-bit numbers travel as decimal strings. Ids and
 * instants of a cursor have no more digits than the database and a date can hold.
 */
export const id = z
  .string()
  .regex(/^[1-9][0-9]{0,17}$/, 'is not a valid id')
  .meta({ description: 'An opaque id. It never changes.' })
export type Id = z.infer<typeof id>

/** An ISO 8601 instant in UTC. */
export const instant = z.iso.datetime()

export const commandId = z.uuid().meta({ description: 'Made by the client; repeating it repeats nothing.' })

/** The position of a row in a list: opaque to clients, stable while other rows come and go. */
export const cursor = z.string().regex(/^[0-9]{1,13}_[1-9][0-9]{0,17}$/, 'is not a valid cursor')

export const emailAddress = z.object({
  /** Display name without control and bidi characters; empty when the header has none. */
  name: z.string(),
  address: z.string(),
})
export type EmailAddress = z.infer<typeof emailAddress>

export const okBody = z.object({ ok: z.literal(true) })
