import type { CommandBody } from '@postern/shared/commands.ts'
import type { Effect } from '#store/commands.ts'
import type { Given, Outcome, Step } from './command-step.ts'
import { expungeMessages } from './expunge-messages.ts'
import { moveMessages } from './move-messages.ts'
import { moveToRole } from './move-to-role.ts'
import { setFlags } from './set-flags.ts'

/** Every kind of command there is. A new one: the shared union, its file here, its protocol operation, the web's button. */
export const applyCommand = (given: Omit<Given<CommandBody>, 'body'>, body: CommandBody): Promise<Effect> => {
  switch (body.kind) {
    case 'setFlags':
      return setFlags.apply({ ...given, body })
    case 'moveMessages':
      return moveMessages.apply({ ...given, body })
    case 'moveToRole':
      return moveToRole.apply({ ...given, body })
    case 'expungeMessages':
      return expungeMessages.apply({ ...given, body })
  }
}

/** By what is to be done, not by the command's name: the inverse of a command is carried out the same way. */
export const executeStep = (step: Step): Promise<Outcome> => {
  if (step.like.isExpunge) return expungeMessages.execute(step)
  return step.like.toMailboxId === null ? setFlags.execute(step) : moveMessages.execute(step)
}
