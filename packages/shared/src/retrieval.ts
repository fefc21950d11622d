import { z } from 'zod'
import { instant } from './wire.ts'

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

/** Providers stop at 150 MB. Of a mail that is larger only the header comes. */
export const maxMessageBytes = 256 * 1024 * 1024

const everyMinutes = z.int().min(1).max(1440)
const maxBytes = z.int().min(1024).max(maxMessageBytes).nullable()

/** How a POP3 account is looked at. */
export const retrieval = z.strictObject({
  policy: serverPolicy.default({ kind: 'keep' }),
  /** Minutes between two looks; more often while mail comes and somebody is there. */
  everyMinutes: everyMinutes.default(5),
  /** Of larger mails only the header is fetched; null: everything is, up to `maxMessageBytes`. Bytes. */
  maxBytes: maxBytes.default(null),
  /** Nothing is removed at the provider until the person says so: what is here may be older than what is there. */
  isOnHold: z.boolean().default(false),
  /** The person was asked, and said, what becomes at the provider of a mail that is deleted for good here. */
  isDeletionDecided: z.boolean().default(false),
})
export type Retrieval = z.infer<typeof retrieval>

/** What a person changes of it; what is not given stays. */
export const retrievalPatch = z.strictObject({
  policy: serverPolicy.optional(),
  everyMinutes: everyMinutes.optional(),
  maxBytes: maxBytes.optional(),
  /** A hold is laid by Postern, and only lifted by a person. */
  isOnHold: z.literal(false).optional(),
  isDeletionDecided: z.literal(true).optional(),
})
export type RetrievalPatch = z.infer<typeof retrievalPatch>

/** Mails, and their octets as the server counts them. */
export const amount = z.object({ mails: z.int(), bytes: z.number() })
export type Amount = z.infer<typeof amount>
const none: Amount = { mails: 0, bytes: 0 }

/** What the last look at a maildrop found there. */
export const maildrop = z.object({
  messages: z.int(),
  /** As the server counts them. */
  bytes: z.number(),
  listedAt: instant,
  /** Will be removed there by the next look, or the next but one. */
  waiting: z.int().default(0),
  /** Came again under other names; they stay there until the person says that they may go. */
  copies: z.int().default(0),
  /** Of which only the header is here. */
  headersOnly: z.int().default(0),
  /** What these are as a whole, at the server. */
  headersOnlyBytes: z.number().default(0),
  /** Of these fit into the limit as it is now, and were not asked for: `fetchRests` brings their rest. */
  fitting: amount.default(none),
  /** Of these are above the limit, and were not asked for: `fetchRests` brings their rest only when told so. Null: not counted yet. */
  beyond: amount.nullable().default(null),
  /** Of these the rest was asked for, and comes with the next look, or the one under way. */
  coming: amount.default(none),
  /** Of these it has come since it was first asked for any that are `coming`; once none is, what it came to. */
  came: amount.default(none),
  /** Listed, and not here yet: a download was cut, or the server did not give them. */
  notYet: z.int().default(0),
  /** Are no longer here, and stay there: deleted for good here alone, or before they were here whole. */
  onlyThere: z.int().default(0),
  /** Larger than is kept, at a server that cannot give a header alone (TOP): nothing of these is here. They stay there. */
  tooLarge: amount.default(none),
  /** The server names its mails (UIDL). Without, each look reads every header, or every mail, anew. */
  hasUniqueIds: z.boolean().default(true),
  /** The server can give a header alone (TOP). Without, the size limit cannot be kept. */
  hasTop: z.boolean().default(true),
  /** Least time between two logins, as the server announces it (LOGIN-DELAY, RFC 2449 6.5); null: it says nothing. */
  loginDelaySeconds: z.int().nullable().default(null),
})
export type MaildropFacts = z.infer<typeof maildrop>

/** So many copies are removed at the provider by the next look, each once what is here was read back and is the same. */
export const copiesRemoval = z.object({ mails: z.int() })

/** Absent: what fits into the limit. */
export const restsQuestion = z.strictObject({ isBeyondLimit: z.boolean().default(false) }).nullish()
/** Of so many mails the rest comes with the next look. */
export const restsWanted = amount

export const removalQuestion = z.strictObject({ policy: serverPolicy })
/** So many mails a policy takes away at the provider at the next look that removes anything; bytes as the server counts them. */
export const removalPlan = amount
export type RemovalPlan = Amount
