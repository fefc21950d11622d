import { z } from 'zod'
import { draft, draftAttachment, draftContent, draftId } from './drafts.ts'
import { errorCodes } from './error-codes.ts'
import { id, instant } from './wire.ts'

/** A mail on its way out. */

export const submissionId = z.uuid().meta({ description: 'Made by the client; asked for again, it is sent once.' })

/** A time as its person means it: by the clock of a place, whatever that clock does meanwhile. */
export const wallTime = z.strictObject({
  /** Local, without a zone: 2026-12-24T09:30. */
  wallTime: z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/, 'is not a date and time'),
  /** IANA: Europe/Lisbon. */
  zone: z.string().min(1).max(100),
})
export type WallTime = z.infer<typeof wallTime>

export const submissionCreate = z.strictObject({
  id: submissionId,
  draftId,
  /** What is sent is this version; another one is a conflict. */
  version: z.int().min(1),
  /** So long it can be taken back before anything leaves. */
  holdSeconds: z.int().min(0).max(120).default(10),
  /** Null: as soon as that is over. */
  sendAt: wallTime.nullable().default(null),
  /** Minutes east of Greenwich of whoever writes, for its Date. */
  zoneMinutes: z.int().min(-840).max(840).default(0),
})

/**
 * scheduled: waits for its time, or can still be taken back · queued -> sending -> sent | partly_sent | failed; deferred: tried
 * again by itself · in_doubt: it may have arrived, and nothing sends it again by itself · cancelled: taken back
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
export type SubmissionState = z.infer<typeof submissionState>

export const submission = z
  .object({
    id: submissionId,
    accountId: id,
    /** The draft it comes from, and becomes again when it is taken back; null: there is none, or no more. */
    draftId: draftId.nullable(),
    state: submissionState,
    from: z.object({ name: z.string(), address: z.string() }),
    subject: z.string(),
    sizeBytes: z.int(),
    recipients: z.array(
      z.object({
        name: z.string(),
        address: z.string(),
        kind: z.enum(['to', 'cc', 'bcc']),
        /** accepted: the server took it · failed: a report says that it did not arrive · delivered: one says that it did */
        state: z.enum(['waiting', 'accepted', 'refused', 'failed', 'delivered']),
        /** The server's words. */
        text: z.string().nullable(),
      }),
    ),
    createdAt: instant,
    /** Nothing leaves before. */
    notBefore: instant,
    /** A time that was chosen; null: as soon as possible. */
    sendAt: wallTime.nullable(),
    attempts: z.int(),
    /** Null: nothing waits, or only until somebody does something about `problem`. */
    nextAttemptAt: instant.nullable(),
    finishedAt: instant.nullable(),
    /** Since when its person is to know that it takes longer than usual. */
    toldAt: instant.nullable(),
    /** Why it waits, or failed, in plain words with the next step. */
    problem: z
      .object({
        code: z.enum(errorCodes).nullable(),
        message: z.string(),
        hint: z.string().nullable(),
        serverText: z.string().nullable(),
      })
      .nullable(),
    /** Of a doubt: what speaks for its arrival, or against it; also of one that ended because a copy was found in Sent. */
    evidence: z.array(z.object({ kind: z.enum(['in_sent', 'bounce', 'reply']), messageId: id, at: instant })),
    /** The copy in Sent: on its way, there, or refused by the server. */
    sentCopy: z.enum(['none', 'waiting', 'stored', 'refused']),
    canCancel: z.boolean(),
    /** Put away by its person: it is in no list of what is open. */
    isDismissed: z.boolean(),
  })
  .meta({ id: 'Submission' })
export type Submission = z.infer<typeof submission>

/** open: what is not over, and what nobody has looked at since it failed. */
export const submissionQuery = z.object({ show: z.enum(['open', 'all']).default('open') })
export const submissionList = z.object({ submissions: z.array(submission) })

/** What is in it, to be read as it goes out. */
export const submissionMail = draftContent.pick({ text: true, html: true, about: true, quotes: true }).extend({
  /** The one whose pictures `html` shows by their content ids; null: it was written without one. */
  draftId: draftId.nullable(),
  attachments: z.array(draftAttachment),
})
export type SubmissionMail = z.infer<typeof submissionMail>

/** Its draft, as it was. */
export const submissionCancelled = z.object({ submission, draft: draft.nullable() })

export const submissionPatch = z.strictObject({ sendAt: wallTime.nullable() })

export const submissionDecision = z.strictObject({
  decision: z.enum(['arrived', 'sendAgain', 'backToDraft']),
})
