import type { ListKey } from '#store/list-threads.ts'

/**
 * Every 1,000th key of a long list, kept for a moment: a jump to position 31,250 starts at key 31,000 and walks 250 rows
 * instead of counting from the top. A ladder is remade when the size of its list changed, or after a while.
 */
export const ladderStep = 1000
const keepMs = 30_000
const maxLadders = 200

type Ladder = { size: number; madeAt: number; keys: Promise<ListKey[]> }

export const createLadders = (read: (mailboxId: bigint, step: number) => Promise<ListKey[]>) => {
  const ladders = new Map<bigint, Ladder>()
  return {
    locate: async (
      mailboxId: bigint,
      size: number,
      position: number,
    ): Promise<{ after: ListKey | null; offset: number }> => {
      const rung = Math.floor(position / ladderStep)
      let ladder = ladders.get(mailboxId)
      if (!ladder || ladder.size !== size || Date.now() - ladder.madeAt > keepMs) {
        ladder = { size, madeAt: Date.now(), keys: read(mailboxId, ladderStep) }
        ladders.delete(mailboxId)
        ladders.set(mailboxId, ladder)
        const oldest = ladders.keys().next()
        if (ladders.size > maxLadders && !oldest.done) ladders.delete(oldest.value)
      }
      const keys = await ladder.keys.catch((error: unknown) => {
        ladders.delete(mailboxId)
        throw error
      })
      // Key n is the row before position n * ladderStep, so the walk begins right after it.
      const key = keys[Math.min(rung, keys.length) - 1]
      return key
        ? { after: key, offset: position - Math.min(rung, keys.length) * ladderStep }
        : { after: null, offset: position }
    },
  }
}
