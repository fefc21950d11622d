import { z } from 'zod'
import { cursor, emailAddress, id, instant } from './wire.ts'

/** Effective flags: the server's truth with the person's pending intents applied. */
export const messageFlags = z.object({
  seen: z.boolean(),
  answered: z.boolean(),
  flagged: z.boolean(),
  draft: z.boolean(),
  /** \Deleted set by some other program: hidden from lists, can be brought back. */
  deleted: z.boolean(),
  keywords: z.array(z.string()),
})
export type MessageFlags = z.infer<typeof messageFlags>

/** One conversation as a row of one mailbox. */
export const threadRow = z
  .object({
    threadId: id,
    mailboxId: id,
    accountId: id,
    latestMessageId: id,
    /** Sort key: when the newest message here was received (INTERNALDATE at an IMAP server), clamped to 1990 .. tomorrow. */
    latestAt: instant,
    subject: z.string(),
    /** Oldest first, at most 6, each person once. */
    senders: z.array(emailAddress.extend({ isUnread: z.boolean() })),
    /** Recipients of the newest message, at most 3: shown instead of senders in Sent and Drafts. */
    recipients: z.array(emailAddress),
    preview: z.string(),
    messages: z.int(),
    unread: z.int(),
    isFlagged: z.boolean(),
    isAnswered: z.boolean(),
    hasAttachment: z.boolean(),
    /** Of a mail in it not everything is here: the rest is at the provider. */
    isInPart: z.boolean(),
    sizeBytes: z.int(),
    /** Opaque place in the list. */
    cursor,
  })
  .meta({ id: 'ThreadRow' })
export type ThreadRow = z.infer<typeof threadRow>

export const threadFilter = z.enum(['all', 'unread', 'flagged', 'attachments'])

export const threadListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Rows after this one (older). Not together with `position`. */
  after: cursor.optional(),
  /** Rows from this zero-based position. For jumping in a long list. */
  position: z.coerce.number().int().min(0).max(100_000_000).optional(),
  filter: threadFilter.default('all'),
})

export const threadList = z.object({
  rows: z.array(threadRow),
  /** Absent when the list ends here. */
  next: cursor.optional(),
  /** Conversations in the mailbox when unfiltered; absent for filters that are not counted. */
  total: z.int().optional(),
  /** Zero-based position of the first row when `position` was asked for. */
  position: z.int().optional(),
})

export const messagePart = z
  .object({
    id,
    filename: z.string().nullable(),
    contentType: z.string(),
    sizeBytes: z.int().meta({ description: 'Decoded size; an estimate until the part was fetched.' }),
    contentId: z.string().nullable(),
    isInline: z.boolean(),
    /** What the app may draw itself; `null`: only download. */
    preview: z.enum(['image', 'pdf', 'text']).nullable(),
  })
  .meta({ id: 'MessagePart' })
export type MessagePart = z.infer<typeof messagePart>

export const bodyState = z.enum(['absent', 'ready', 'salvaged', 'unparsable'])

export const message = z
  .object({
    id,
    threadId: id,
    accountId: id,
    subject: z.string(),
    from: z.array(emailAddress),
    replyTo: z.array(emailAddress),
    to: z.array(emailAddress),
    cc: z.array(emailAddress),
    bcc: z.array(emailAddress),
    /** The Date header as an instant; null when missing or unreadable. */
    date: instant.nullable(),
    receivedAt: instant,
    sizeBytes: z.int(),
    preview: z.string(),
    hasAttachment: z.boolean(),
    body: bodyState,
    /** Of a POP3 account with a size limit: only its header came, its body is empty. `fetchRest` brings the rest. */
    isHeaderOnly: z.boolean(),
    /** Its rest was asked for, and comes with the next look. */
    isRestComing: z.boolean(),
    placements: z.array(z.object({ mailboxId: id, copies: z.int(), flags: messageFlags })),
    /** It is the copy of this draft, which is open: whoever opens it goes on writing. */
    draftId: z.uuid().nullable(),
  })
  .meta({ id: 'Message' })
export type Message = z.infer<typeof message>

export const thread = z.object({ threadId: id, accountId: id, messages: z.array(message) }).meta({ id: 'Thread' })

/** What the reading pane draws. HTML is as received: only the web app's sanitiser and sealed frame may show it. */
export const messageBody = z
  .object({
    messageId: id,
    state: bodyState,
    text: z.string(),
    /** Null when the mail has no HTML part. References to `cid:` and remote content are untouched. */
    html: z.string().nullable(),
    isTruncated: z.boolean(),
    /** Only the header of the mail is here: its parts are others once the rest is. */
    isHeaderOnly: z.boolean(),
    parts: z.array(messagePart),
    /** Whether remote content of `remoteContentSender` may be loaded through the proxy without asking. */
    remoteContentAllowed: z.boolean(),
    /** The sender; of what the person wrote, whoever's mail it quotes. Null: nobody knows, and nothing can be decided for good. */
    remoteContentSender: z.string().nullable(),
  })
  .meta({ id: 'MessageBody' })
export type MessageBody = z.infer<typeof messageBody>

export const rawHeaders = z.object({ headers: z.array(z.object({ name: z.string(), value: z.string() })) })

export const remoteImageRequest = z.strictObject({ urls: z.array(z.string().max(4096)).max(500) })
/** Signed same-origin addresses of the image proxy, by the asked-for address; refused ones are missing. */
export const remoteImageLinks = z.object({ links: z.record(z.string(), z.string()) })

/** Made by createRemoteImageLinks; `signature` ties it to one person and message. */
export const remoteImageQuery = z.object({
  message: id,
  url: z.url({ protocol: /^https?$/ }).max(4096),
  signature: z.string().max(100),
})

export const trustedSender = z.strictObject({ address: z.string().min(3).max(320) })
