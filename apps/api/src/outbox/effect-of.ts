import type { CommandBody } from '@postern/shared/commands.ts'
import { ANSWERED, DELETED, FLAGGED, SEEN } from '#mail/flags.ts'
import type { Effect } from '#store/commands.ts'

const bits = { seen: SEEN, flagged: FLAGGED, answered: ANSWERED, deleted: DELETED }
const maskOf = (flags: (keyof typeof bits)[]): number => flags.reduce((mask, flag) => mask | bits[flag], 0)

/** What a command does to each placement; `toMailboxId` is settled before. Pure. */
export const effectOf = (body: CommandBody, toMailboxId: bigint | null, canCreateKeywords: boolean): Effect => {
  const none: Effect = {
    addFlags: 0,
    removeFlags: 0,
    addKeywords: [],
    removeKeywords: [],
    toMailboxId: null,
    isExpunge: false,
  }
  switch (body.kind) {
    case 'setFlags':
      return {
        ...none,
        addFlags: maskOf(body.add),
        removeFlags: maskOf(body.remove),
        addKeywords: body.addKeywords,
        removeKeywords: body.removeKeywords,
      }
    case 'moveMessages':
      return { ...none, toMailboxId }
    case 'moveToRole':
      // Servers and other programs learn from these keywords what a person calls spam.
      if (!canCreateKeywords || (body.role !== 'junk' && body.role !== 'inbox')) return { ...none, toMailboxId }
      return body.role === 'junk'
        ? { ...none, toMailboxId, addKeywords: ['$Junk'], removeKeywords: ['$NotJunk'] }
        : { ...none, toMailboxId, addKeywords: ['$NotJunk'], removeKeywords: ['$Junk'] }
    case 'expungeMessages':
      return { ...none, isExpunge: true }
  }
}
