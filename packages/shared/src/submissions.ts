import { z } from 'zod'
import { errorCodes } from './error-codes.ts'
import { id, instant } from './wire.ts'

/** A mail on its way out. */
export const submissionId = z.uuid().meta({ description: 'Made by the client; asking again sends nothing again.' })

/**
 * scheduled -> queued -> sending -> sent, or deferred (tried again by itself), failed, in_doubt (nobody knows whether it arrived: only the
 * person, or evidence, ends that), partly_sent (some recipients were refused), cancelled.
 */
export const submissionState = z.enum([
  'scheduled',
  'queued',
  'sending',
  'deferred',
  'sent',
  'partly_sent',
  'failed',
  'in_doubt',
  'cancelled',
])

export const recipientState = z.enum(['waiting', 'accepted', 'refused'])

export const submission = z
  .object({
    id: submissionId,
    accountId: id,
    state: submissionState,
    from: z.string(),
    subject: z.string(),
    recipients: z.array(
      z.object({
        name: z.string(),
        address: z.string(),
        kind: z.enum(['to', 'cc', 'bcc']),
        state: recipientState,
        /** What the server said about this one. */
        serverText: z.string().nullable(),
      }),
    ),
    /** Nothing is sent before this. */
    sendAt: instant,
    /** Wall time and zone of a mail that is to go later. */
    schedule: z.object({ wallTime: z.string(), zone: z.string() }).nullable(),
    attempts: z.int(),
    /** Of one that waits to be tried again. */
    nextAttemptAt: instant.nullable(),
    /** Why it waits, failed or is in doubt. */
    problem: z
      .object({ code: z.enum(errorCodes).nullable(), message: z.string(), serverText: z.string().nullable() })
      .nullable(),
    canCancel: z.boolean(),
    createdAt: instant,
    finishedAt: instant.nullable(),
  })
  .meta({ id: 'Submission' })
export type Submission = z.infer<typeof submission>

export const submissionList = z.object({ submissions: z.array(submission) })

/** What a person says of a mail of which nobody knows whether it arrived. */
export const doubtDecision = z.strictObject({ decision: z.enum(['arrived', 'sendAgain', 'backToDraft']) })
