import type { CommandBody } from '@postern/shared/commands.ts'
import { ANSWERED, DELETED, FLAGGED, flagNames, SEEN } from '#mail/flags.ts'
import { AppError } from '#platform/errors.ts'
import { changeFlags } from '#protocol/imap/change-flags.ts'
import type { Effect } from '#store/commands.ts'
import { requireRight } from '../check-rights.ts'
import {
  type CommandModule,
  type Given,
  readBack,
  requireStorable,
  settled,
  uidSetOf,
  untouchedSince,
} from './command-step.ts'

type SetFlags = Extract<CommandBody, { kind: 'setFlags' }>

const bits = { seen: SEEN, flagged: FLAGGED, answered: ANSWERED, deleted: DELETED }
const maskOf = (flags: (keyof typeof bits)[]): number => flags.reduce((mask, flag) => mask | bits[flag], 0)
const uniqueWithoutCase = (keywords: string[]): string[] => [
  ...new Map(keywords.map((keyword) => [keyword.toLowerCase(), keyword])).values(),
]

/** Flags and keywords are added and removed one by one, never set as a whole: what other programs do meanwhile stays. */
export const setFlags: CommandModule<SetFlags> = {
  apply: async ({ mailbox, body }: Given<SetFlags>): Promise<Effect> => {
    const flags = [...body.add, ...body.remove]
    const keywords = [...body.addKeywords, ...body.removeKeywords]
    const isOnlySeen = flags.every((flag) => flag === 'seen') && keywords.length === 0
    requireRight(mailbox, isOnlySeen ? 'setSeen' : 'setFlags')
    if (body.addKeywords.length > 0) requireRight(mailbox, 'keywords')
    const removed = new Set(body.removeKeywords.map((keyword) => keyword.toLowerCase()))
    if (
      body.add.some((flag) => body.remove.includes(flag)) ||
      body.addKeywords.some((keyword) => removed.has(keyword.toLowerCase()))
    )
      throw new AppError('request.invalid', 'The same mark cannot be added and removed at once.', {
        fields: { 'command.remove': 'names what is added too' },
      })
    return {
      addFlags: maskOf(body.add),
      removeFlags: maskOf(body.remove),
      addKeywords: uniqueWithoutCase(body.addKeywords),
      removeKeywords: uniqueWithoutCase(body.removeKeywords),
      toMailboxId: null,
      isExpunge: false,
    }
  },
  execute: async ({ session, selected, items, like, isLate }) => {
    const added = [...flagNames(like.addFlags), ...like.addKeywords]
    requireStorable(selected, added)
    // Late, it yields to whatever was done since.
    const uids = uidSetOf(isLate ? await untouchedSince(session, items) : items)
    await changeFlags(session, uids, 'add', added)
    await changeFlags(session, uids, 'remove', [...flagNames(like.removeFlags), ...like.removeKeywords])
    const { truth, gone } = await readBack(session, items)
    return settled({ truth, gone, missed: gone })
  },
}
