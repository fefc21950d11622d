import type { CommandBody } from '@postern/shared/commands.ts'
import { AppError } from '#platform/errors.ts'
import { expungeMessages as expungeOnServer } from '#protocol/imap/move-messages.ts'
import type { Effect } from '#store/commands.ts'
import { requireRight } from '../check-rights.ts'
import { roleOf } from '../role-mailbox.ts'
import { type CommandModule, type Given, readBack, settled, uidSetOf } from './command-step.ts'

type ExpungeMessages = Extract<CommandBody, { kind: 'expungeMessages' }>

/** Deleting for good is for what lies in Trash or Junk; without a Trash there is no other way. */
const requireExpungeable = async ({ unit, mailbox }: Given<ExpungeMessages>): Promise<void> => {
  const role = roleOf(mailbox)
  if (role === 'trash' || role === 'junk') return
  const all = await unit.tx.mailbox.findMany({ where: { accountId: mailbox.accountId } })
  if (all.some((other) => roleOf(other) === 'trash'))
    throw new AppError('request.invalid', 'Only messages in Trash or Spam are deleted for good.', {
      hint: 'Move them to Trash first.',
    })
}

export const expungeMessages: CommandModule<ExpungeMessages> = {
  apply: async (given: Given<ExpungeMessages>): Promise<Effect> => {
    requireRight(given.mailbox, 'remove')
    await requireExpungeable(given)
    return { addFlags: 0, removeFlags: 0, addKeywords: [], removeKeywords: [], toMailboxId: null, isExpunge: true }
  },
  execute: async ({ session, items }) => {
    if (await expungeOnServer(session, uidSetOf(items))) return settled({ gone: items })
    // Without UIDPLUS they stay on the server, marked \Deleted: hidden here all the same.
    const { truth, gone } = await readBack(session, items)
    return settled({ truth, gone })
  },
}
