import { z } from 'zod'
import { id } from './wire.ts'

/** One display name, as a header line can hold it. */
const name = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\u0000-\u001f\u007f\u2028\u2029]*$/, 'holds a line break')

/** Whom a person writes as. Every account has one for its own address; aliases and shared addresses are more of them. */
export const identity = z
  .object({
    id,
    accountId: id,
    address: z.string(),
    name: z.string(),
    /** Null: answers come to `address`. */
    replyTo: z.string().nullable(),
    /** Below what is written; empty: none. */
    signatureHtml: z.string(),
    /** The one that is taken when nothing says otherwise. One of an account is. */
    isDefault: z.boolean(),
    /** `ann+anything@` is written to this one as well, and answered from. RFC 5233. */
    takesSubaddresses: z.boolean(),
  })
  .meta({ id: 'Identity' })
export type Identity = z.infer<typeof identity>

export const identityCreate = z.strictObject({
  address: z.email().max(320),
  name: name.default(''),
  replyTo: z.email().max(320).nullable().default(null),
  signatureHtml: z.string().max(500_000).default(''),
  isDefault: z.boolean().default(false),
  takesSubaddresses: z.boolean().default(true),
})
export type IdentityCreate = z.infer<typeof identityCreate>

export const identityPatch = identityCreate.partial()
export const identityList = z.object({ identities: z.array(identity) })
