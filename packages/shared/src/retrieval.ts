import { z } from 'zod'

/**
 * What becomes of a mail at the provider once it is here, whole and verified. `afterDays` counts from the download,
 * `newest` by the date it was received.
 */
export const serverPolicy = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('keep') }),
  z.strictObject({ kind: z.literal('afterDownload') }),
  z.strictObject({ kind: z.literal('afterDays'), days: z.int().min(1).max(3650) }),
  z.strictObject({ kind: z.literal('whenDeletedHere') }),
  z.strictObject({ kind: z.literal('newest'), count: z.int().min(1).max(1_000_000) }),
])
export type ServerPolicy = z.infer<typeof serverPolicy>

/** How a POP3 account is looked at. */
export const retrieval = z.strictObject({
  policy: serverPolicy.default({ kind: 'keep' }),
  /** Minutes between two looks; more often while mail comes and somebody is there. */
  everyMinutes: z.int().min(1).max(1440).default(5),
  /** Of larger mails only the header is fetched; null: everything is. Bytes. */
  maxBytes: z
    .int()
    .min(1024)
    .max(256 * 1024 * 1024)
    .nullable()
    .default(null),
  /** Nothing is removed at the provider until the person says so: what is here may be older than what is there. */
  isOnHold: z.boolean().default(false),
})
export type Retrieval = z.infer<typeof retrieval>
