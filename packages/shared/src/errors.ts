import { z } from 'zod'
import { errorCodes } from './error-codes.ts'
import { id } from './wire.ts'

/** `fields` maps a dotted path of the request to what is wrong with it, in plain words. */
export const errorBody = z
  .object({
    error: z.object({
      code: z.enum(errorCodes),
      message: z.string(),
      hint: z.string().optional(),
      fields: z.record(z.string(), z.string()).optional(),
      /** The account this is about, where it is not the one that was asked for. */
      accountId: id.optional(),
      /** The mail server's own words, shown only on request and always as plain text. */
      serverText: z.string().optional(),
    }),
  })
  .meta({ id: 'Error' })

export type ErrorBody = z.infer<typeof errorBody>
