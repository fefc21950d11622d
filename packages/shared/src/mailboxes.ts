import { z } from 'zod'
import { mailboxRoles } from './mailbox-roles.ts'
import { id } from './wire.ts'

export const mailboxRole = z.enum(mailboxRoles)
export type MailboxRole = z.infer<typeof mailboxRole>

/** What the server lets us do here; a button whose right is false is disabled, with the reason. */
export const mailboxRights = z.object({
  setSeen: z.boolean(),
  setFlags: z.boolean(),
  keywords: z.boolean(),
  insert: z.boolean(),
  remove: z.boolean(),
  /** Mailboxes below it. */
  create: z.boolean(),
  /** Also to move and to remove it. */
  rename: z.boolean(),
})

export const mailboxSync = z.object({
  /** `listed`: known, nothing fetched yet; `filling`: envelopes are coming; `complete`: every envelope is here. */
  state: z.enum(['listed', 'filling', 'complete', 'excluded']),
  envelopesStored: z.int(),
  envelopesTotal: z.int(),
})

export const mailbox = z
  .object({
    id,
    accountId: id,
    /** Decoded path as the server names it, with its own delimiter. */
    path: z.string(),
    name: z.string(),
    parentId: id.nullable(),
    role: mailboxRole.nullable(),
    roleIsChosen: z.boolean().meta({ description: 'True when the person re-mapped the role.' }),
    isSelectable: z.boolean(),
    isSynced: z.boolean(),
    isWatched: z.boolean().meta({ description: 'Has a connection of its own, as far as the provider allows.' }),
    rights: mailboxRights,
    messages: z.int(),
    unreadMessages: z.int(),
    conversations: z.int(),
    unreadConversations: z.int(),
    sync: mailboxSync,
  })
  .meta({ id: 'Mailbox' })
export type Mailbox = z.infer<typeof mailbox>

export const mailboxList = z.object({ mailboxes: z.array(mailbox) })

/** Of one's own mailbox, without the delimiter of paths. */
export const mailboxName = z
  .string()
  .normalize('NFC')
  .trim()
  .min(1, 'must not be empty')
  .max(100)
  .regex(/^[^/\p{Cc}\p{Cs}\p{Bidi_Control}]*$/u, 'may hold neither a slash nor control characters')

export const newMailbox = z
  .strictObject({
    name: mailboxName,
    parentId: id.nullable().default(null).meta({ description: 'Null: at the top of the tree.' }),
  })
  .meta({ id: 'NewMailbox' })

export const mailboxRemoval = z.object({
  forGood: z.enum(['true', 'false']).default('false').meta({
    description: 'At an IMAP server: one that lies in Trash already goes with all it holds, and never comes back.',
  }),
})

export const mailboxPatch = z.strictObject({
  name: mailboxName.optional(),
  /** Moves it, with all below it, under another one; null to the top of the tree. */
  parentId: id.nullable().optional(),
  role: mailboxRole.nullable().optional(),
  isSynced: z.boolean().optional(),
  /** Ask for an IDLE connection of its own, within the account's budget. */
  isWatched: z.boolean().optional(),
})
