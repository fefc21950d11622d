import { z } from 'zod'
import { id } from './wire.ts'

/** Who a person writes as. An account has at least one; the default of each is chosen when nothing else says which. */

const displayName = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\u0000-\u001f\u007f\u2028\u2029]*$/, 'holds a line break or another control character')

export const correspondent = z.strictObject({ name: displayName, address: z.string().trim().min(3).max(320) })

/** As it is typed; kept with its domain in small letters. Mail written to it, or to it with `+anything`, is answered as it. */
const address = z.string().trim().min(3).max(320)
/** HTML, pictures in it as `data:` addresses; empty: none. */
const signature = z.string().max(400_000)

export const identityCreate = z.strictObject({
  address,
  name: displayName.default(''),
  replyTo: correspondent.nullable().default(null),
  signature: signature.default(''),
  /** The first of an account is its default whatever stands here. */
  isDefault: z.boolean().default(false),
})
export type IdentityFields = z.infer<typeof identityCreate>

export const identityPatch = z.strictObject({
  address: address.optional(),
  name: displayName.optional(),
  replyTo: correspondent.nullable().optional(),
  signature: signature.optional(),
  /** The former default is one no longer; `false` changes nothing. */
  isDefault: z.literal(true).optional(),
})
export type IdentityPatch = z.infer<typeof identityPatch>

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
    /** False: the account has no server to send with, or the owner's relay does not carry this address. */
    canSend: z.boolean(),
    /** False: it goes by the owner's relay, which is not said to speak for this domain. It may be taken for forged. */
    isNamed: z.boolean(),
  })
  .meta({ id: 'Identity' })
export type Identity = z.infer<typeof identity>

export const identityList = z.object({ identities: z.array(identity) })
export type IdentityList = z.infer<typeof identityList>
