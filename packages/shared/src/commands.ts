import { z } from 'zod'
import { errorCodes } from './error-codes.ts'
import { commandId, id, instant } from './wire.ts'

/** What a command is about. A mailbox target is carried out by the engine over everything that was there when it was given. */
export const commandTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('threads'), mailboxId: id, threadIds: z.array(id).min(1).max(1000) }),
  z.strictObject({ kind: z.literal('messages'), mailboxId: id, messageIds: z.array(id).min(1).max(1000) }),
  z.strictObject({ kind: z.literal('mailbox'), mailboxId: id, exceptThreadIds: z.array(id).max(1000).default([]) }),
])
export type CommandTarget = z.infer<typeof commandTarget>

export const settableFlag = z.enum(['seen', 'flagged', 'answered', 'deleted'])
const keyword = z.string().regex(/^[A-Za-z0-9_$.-]{1,64}$/, 'is not a valid keyword')

/** A person's intent. Carried out in order per message; each is safe to repeat. */
export const commandBody = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('setFlags'),
    target: commandTarget,
    add: z.array(settableFlag).default([]),
    remove: z.array(settableFlag).default([]),
    addKeywords: z.array(keyword).max(16).default([]),
    removeKeywords: z.array(keyword).max(16).default([]),
  }),
  z.strictObject({ kind: z.literal('moveMessages'), target: commandTarget, toMailboxId: id }),
  /** By role: archive, junk, inbox (not spam), trash. Answers `mailbox.missing` when the account has none. */
  z.strictObject({
    kind: z.literal('moveToRole'),
    target: commandTarget,
    role: z.enum(['inbox', 'archive', 'junk', 'trash']),
  }),
  /** For good, without undo. Only what is in Trash or Junk, or in an account without Trash. */
  z.strictObject({ kind: z.literal('expungeMessages'), target: commandTarget }),
])
export type CommandBody = z.infer<typeof commandBody>

export const commandRequest = z.strictObject({ id: commandId, command: commandBody }).meta({ id: 'CommandRequest' })

/**
 * pending -> running -> done | failed; undone: taken back before or after it was carried out.
 */
export const commandState = z.enum(['pending', 'running', 'done', 'failed', 'undone'])

export const command = z
  .object({
    id: commandId,
    accountId: id,
    kind: z.enum(['setFlags', 'moveMessages', 'moveToRole', 'expungeMessages']),
    state: commandState,
    /** Messages it is about, and how many of them the mail server has settled. */
    messages: z.int(),
    settled: z.int(),
    /** What it was given for (conversations, or messages) and had left its mailbox meanwhile: nothing was done to that. */
    missed: z.int(),
    canUndo: z.boolean(),
    createdAt: instant,
    error: z.object({ code: z.enum(errorCodes), message: z.string() }).nullable(),
  })
  .meta({ id: 'Command' })
export type Command = z.infer<typeof command>

export const undoRequest = z.strictObject({
  id: commandId.meta({ description: 'The id of the new, undoing command.' }),
})
