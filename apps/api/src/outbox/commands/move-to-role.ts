import type { CommandBody } from '@postern/shared/commands.ts'
import type { Effect } from '#store/commands.ts'
import { mailboxForRole } from '../role-mailbox.ts'
import type { CommandModule, Given } from './command-step.ts'
import { executeMove, requireMovable } from './move-messages.ts'

type MoveToRole = Extract<CommandBody, { kind: 'moveToRole' }>

/** Servers and other programs learn from these keywords what a person calls spam. */
const spamMarks = {
  junk: { addKeywords: ['$Junk'], removeKeywords: ['$NotJunk'] },
  inbox: { addKeywords: ['$NotJunk'], removeKeywords: ['$Junk'] },
}

/** Archive, spam, not spam, trash: a move to whatever mailbox has that role; carried out like any other move. */
export const moveToRole: CommandModule<MoveToRole> = {
  apply: async ({ unit, mailbox, body }: Given<MoveToRole>): Promise<Effect> => {
    const to = await mailboxForRole(unit, mailbox.accountId, body.role)
    requireMovable(mailbox, to)
    const marks =
      mailbox.canCreateKeywords && (body.role === 'junk' || body.role === 'inbox')
        ? spamMarks[body.role]
        : { addKeywords: [], removeKeywords: [] }
    return { addFlags: 0, removeFlags: 0, ...marks, toMailboxId: to.id, isExpunge: false }
  },
  execute: executeMove,
}
