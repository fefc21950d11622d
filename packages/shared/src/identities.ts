import { z } from 'zod'
import { id } from './wire.ts'

/** Who a person writes as. An account has at least one; the default of each is chosen when nothing else says which. */

const displayName = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\u0000-\u001f\u007f\u2028\u2029]*$/, 'holds a line break or another control character')

export const correspondent = z.strictObject({ name: displayName, address: z.string().trim().min(3).max(320) })

export const identityFields = z.strictObject({
  /** Own address. Mail written to it, or to it with `+anything`, is answered as it. */
  address: z.email().max(320),
  name: displayName.default(''),
  replyTo: correspondent.nullable().default(null),
  /** HTML, pictures in it as `data:` addresses; empty: none. */
  signature: z.string().max(400_000).default(''),
  isDefault: z.boolean().default(false),
})
export type IdentityFields = z.infer<typeof identityFields>

export const identityCreate = identityFields
export const identityPatch = identityFields.partial()

export const identity = z
  .object({
    id,
    accountId: id,
    address: z.string(),
    name: z.string(),
    replyTo: z.object({ name: z.string(), address: z.string() }).nullable(),
    signature: z.string(),
    isDefault: z.boolean(),
    /** What the server takes in one mail, bytes, as it last said (RFC 1870); null: it did not. */
    maxMessageBytes: z.int().nullable(),
    /** False: the account has no server to send with. */
    canSend: z.boolean(),
  })
  .meta({ id: 'Identity' })
export type Identity = z.infer<typeof identity>

export const identityList = z.object({ identities: z.array(identity) })
export type IdentityList = z.infer<typeof identityList>
