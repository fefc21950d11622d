import { z } from 'zod'
import { account } from './accounts.ts'
import { command } from './commands.ts'
import { draft, draftId } from './drafts.ts'
import { mailbox } from './mailboxes.ts'
import { messageFlags, threadRow } from './messages.ts'
import { submission } from './submissions.ts'
import { id } from './wire.ts'

/** `account:<id>` or `user:<id>`. */
export const streamName = z.string().regex(/^(account|user):[1-9][0-9]{0,17}$/)
export const seq = z.string().regex(/^[0-9]{1,18}$/)

/** One fact. Rows are as they are now, not as they were when the fact was written. */
export const change = z
  .discriminatedUnion('kind', [
    /** Rows of one mailbox's list; `removed` are thread ids that are no longer in it. */
    z.object({ kind: z.literal('threads'), mailboxId: id, upserted: z.array(threadRow), removed: z.array(id) }),
    /** Flags and places of single messages, for open conversations. `placements` empty: gone everywhere. */
    z.object({
      kind: z.literal('messages'),
      messages: z.array(
        z.object({
          id,
          threadId: id,
          placements: z.array(z.object({ mailboxId: id, copies: z.int(), flags: messageFlags })),
        }),
      ),
    }),
    /** A body became readable; open conversations may load it. */
    z.object({ kind: z.literal('bodies'), messageIds: z.array(id) }),
    /** These mails say something new of others; open conversations ask again. */
    z.object({ kind: z.literal('notes'), messageIds: z.array(id) }),
    /** Too much to list: whoever shows this mailbox asks again for what is in view. */
    z.object({ kind: z.literal('mailboxGrew'), mailboxId: id }),
    z.object({ kind: z.literal('mailboxes'), upserted: z.array(mailbox), removed: z.array(id) }),
    z.object({ kind: z.literal('account'), account }),
    z.object({ kind: z.literal('accountRemoved'), accountId: id }),
    z.object({ kind: z.literal('command'), command }),
    /** Imports and uploads whose end their person has seen, here or elsewhere. */
    z.object({ kind: z.literal('transfersDismissed'), transferIds: z.array(id) }),
    z.object({ kind: z.literal('draft'), draft }),
    /** Sent, or discarded. */
    z.object({ kind: z.literal('draftRemoved'), draftId }),
    z.object({ kind: z.literal('submission'), submission }),
    /** Who a person writes as in this account is to be asked for again. */
    z.object({ kind: z.literal('identities'), accountId: id }),
    /** To the owner: whether the relay lets anybody in (CurrentSession). */
    z.object({ kind: z.literal('relay'), isRefused: z.boolean() }),
    z.object({ kind: z.literal('settings'), settings: z.record(z.string(), z.unknown()) }),
    /** New mail that deserves a notice: a thread of an inbox with unread messages from someone else. */
    z.object({ kind: z.literal('arrived'), mailboxId: id, threadIds: z.array(id) }),
  ])
  .meta({ id: 'Change' })
export type Change = z.infer<typeof change>

/** Server -> client. All changes of `stream` up to and including `seq`. */
export const changeBatch = z.object({ stream: streamName, seq, changes: z.array(change) }).meta({ id: 'ChangeBatch' })
export type ChangeBatch = z.infer<typeof changeBatch>

/** Client -> server: where it stands. Unknown streams are ignored, missing ones start at the present. */
export const resumeRequest = z.strictObject({ since: z.record(streamName, seq) }).meta({ id: 'ResumeRequest' })

/** Server -> client on `resume`: what is now followed. `reset` streams are too old: load everything again. */
export const resumeReply = z
  .object({ streams: z.record(streamName, seq), reset: z.array(streamName) })
  .meta({ id: 'ResumeReply' })

/** Client -> server: the mailboxes on this screen, so that the engine watches them closely. */
export const focusRequest = z.strictObject({ mailboxIds: z.array(id).max(8) }).meta({ id: 'FocusRequest' })

export const changesQuery = z.object({
  stream: streamName,
  since: seq,
  limit: z.coerce.number().int().min(1).max(1000).default(200),
})
export const changesReply = z.object({ batch: changeBatch, isReset: z.boolean(), hasMore: z.boolean() })
