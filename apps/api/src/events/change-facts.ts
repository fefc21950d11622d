import { z } from 'zod'

/**
 * What the change log stores: which rows changed, never their contents. Readers present the rows as they are now, so a
 * client that slept through ten changes of one row is told once. Ids are decimal strings.
 */
const idText = z.string()

export const changeFact = z.discriminatedUnion('kind', [
  /** `pairs`: [mailboxId, threadId] whose row in that mailbox's list changed, came or went. */
  z.object({ kind: z.literal('threads'), pairs: z.array(z.tuple([idText, idText])) }),
  z.object({ kind: z.literal('bodies'), messageIds: z.array(idText) }),
  z.object({ kind: z.literal('notes'), messageIds: z.array(idText) }),
  z.object({ kind: z.literal('mailboxGrew'), mailboxId: idText }),
  z.object({ kind: z.literal('mailboxes'), mailboxIds: z.array(idText), removed: z.array(idText) }),
  z.object({ kind: z.literal('account'), accountId: idText }),
  z.object({ kind: z.literal('accountRemoved'), accountId: idText }),
  z.object({ kind: z.literal('command'), commandId: z.string() }),
  z.object({ kind: z.literal('draft'), draftId: z.string() }),
  z.object({ kind: z.literal('submission'), submissionId: z.string() }),
  z.object({ kind: z.literal('identities'), accountId: idText }),
  z.object({ kind: z.literal('transfersDismissed'), transferIds: z.array(idText) }),
  z.object({ kind: z.literal('relay') }),
  z.object({ kind: z.literal('settings') }),
  z.object({ kind: z.literal('arrived'), mailboxId: idText, threadIds: z.array(idText) }),
])

export type ChangeFact = z.infer<typeof changeFact>

/** More pairs than this in one transaction are logged as "this mailbox grew": clients ask for what is in view. */
export const maxThreadPairsPerFact = 200
