import { z } from 'zod'
import { id, instant } from './wire.ts'

/** A mail that is being written: here, live on every device, and as a copy in the Drafts mailbox. */

export const draftId = z.uuid().meta({ description: 'Made by the client; the same id is the same draft.' })

/** What is written, without its attachments; longer texts are files. */
export const maxDraftBytes = 16 * 1024 * 1024

/** As it stands in its field: an address may be unfinished. */
const draftRecipient = z.strictObject({ name: z.string().max(400), address: z.string().max(400) })
export type DraftRecipient = z.infer<typeof draftRecipient>
const recipients = z.array(draftRecipient).max(2000)

export const aboutKind = z.enum(['reply', 'forward', 'redirect'])

export const draftContent = z
  .strictObject({
    identityId: id,
    to: recipients,
    cc: recipients,
    bcc: recipients,
    subject: z.string().max(10_000),
    /** What was written, as text; of a rich one the server makes it of `html`, whatever stands here. */
    text: z.string().max(5_000_000),
    /** Null: plain text. Pictures in it are `cid:` of the draft's attachments. */
    html: z.string().max(5_000_000).nullable(),
    /** The mail it answers, passes on, or redirects: to be marked so once this is sent. */
    about: z.strictObject({ messageId: id, kind: aboutKind }).nullable(),
    /** That mail goes out below what was written, unchanged. False once its text was taken into `text` and `html`, or left out. */
    quotes: z.boolean(),
    /** Asks to be told when it was read. RFC 8098. */
    wantsReceipt: z.boolean(),
    /** Asks the servers for a report of its delivery. RFC 3461. */
    wantsReport: z.boolean(),
  })
  .meta({ id: 'DraftContent' })
export type DraftContent = z.infer<typeof draftContent>

export const attachmentId = z.uuid().meta({ description: 'Made by the client; the same id is the same attachment.' })

export const draftAttachment = z
  .object({
    id: attachmentId,
    filename: z.string(),
    contentType: z.string(),
    sizeBytes: z.int(),
    /** Without brackets; set: a picture within the HTML. */
    contentId: z.string().nullable(),
    /**
     * `coming`: it is being fetched out of a mail; `missing`: that failed, and `addAttachmentFromMail` with the same id tries
     * again. Nothing is sent before all are here, or taken out.
     */
    state: z.enum(['here', 'coming', 'missing']),
    /** The mail it comes from, and the part; null: it was sent here. */
    source: z.object({ messageId: id, partId: id.nullable() }).nullable(),
  })
  .meta({ id: 'DraftAttachment' })
export type DraftAttachment = z.infer<typeof draftAttachment>

export const draft = z
  .object({
    id: draftId,
    accountId: id,
    /** Counts up with every change of its content; attachments come and go without. */
    version: z.int(),
    content: draftContent,
    attachments: z.array(draftAttachment),
    /** Its copy in the Drafts mailbox; null: there is none yet. */
    messageId: id.nullable(),
    /** That copy is of this version. */
    isCopied: z.boolean(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Draft' })
export type Draft = z.infer<typeof draft>

export const draftList = z.object({ drafts: z.array(draft) })

/**
 * How a draft begins: empty; with what its kind makes of a message (whom it goes to, as whom, its subject, what is quoted or
 * attached); with a draft that another program began (`continue`); or with a mail that did not reach everybody, for those whom it
 * did not reach (`writeAgain`).
 */
export const draftStart = z.strictObject({
  id: draftId,
  start: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('new'),
      identityId: id.optional(),
      /** Of a mailto: link, too. */
      to: recipients.optional(),
      cc: recipients.optional(),
      bcc: recipients.optional(),
      subject: z.string().max(10_000).optional(),
      text: z.string().max(1_000_000).optional(),
    }),
    z.strictObject({
      kind: z.enum(['reply', 'replyAll', 'forward', 'forwardAttached', 'editAsNew', 'redirect', 'continue']),
      messageId: id,
      /** Plain text, whatever the person usually writes. */
      isPlain: z.boolean().optional(),
    }),
    z.strictObject({ kind: z.literal('writeAgain'), submissionId: z.uuid() }),
  ]),
})
export type DraftStart = z.infer<typeof draftStart>

export const draftSave = z.strictObject({
  /** The version this was made from; 0: it is new. */
  baseVersion: z.int().min(0),
  content: draftContent,
})

/** Absent: whatever it holds by now. */
export const draftDiscard = z.object({
  version: z.coerce.number().int().min(1).optional().meta({ description: 'The version that was seen.' }),
})

/** `isOther`: somebody had changed it meanwhile. Both are kept: this is another draft, with another id, holding what was sent. */
export const draftSaved = z.object({ draft, isOther: z.boolean() })

export const attachmentQuery = z.object({
  id: attachmentId,
  name: z.string().max(500).default(''),
  type: z.string().max(200).default('application/octet-stream'),
  contentId: z
    .string()
    .max(200)
    .regex(/^[\w.+-]+@[\w.-]+$/, 'is no content id')
    .optional(),
})

/** A part of a mail, or all of it (`partId` null), as an attachment. */
export const attachmentFromMail = z.strictObject({ id: attachmentId, messageId: id, partId: id.nullable() })

/** Words of a name or an address, or how they begin; empty: those most written with. */
export const correspondentQuery = z.object({
  q: z.string().trim().max(200),
  limit: z.coerce.number().int().min(1).max(50).default(8),
})
export const correspondentList = z.object({
  correspondents: z
    .array(
      z.object({
        name: z.string(),
        address: z.string(),
        /** An address of the person's own: always known, never forgotten. */
        isOwn: z.boolean(),
      }),
    )
    .meta({ description: 'Those most written with first, own addresses last.' }),
})
export type Correspondent = z.infer<typeof correspondentList>['correspondents'][number]

export const correspondentRemoval = z.object({ address: z.string().trim().min(1).max(400) })
