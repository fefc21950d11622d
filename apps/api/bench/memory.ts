import { sleep } from './figures.ts'

/** The reading thread ends after ten seconds without a mail. */
const settleMs = 16_000
const lookEveryMs = 10

/** The least of several looks: a look may fall right before a collection. In KiB. */
export const atRest = async (look: () => number): Promise<number> => {
  await sleep(settleMs)
  const seen: number[] = []
  for (let n = 0; n < 20; n++) {
    seen.push(look())
    await sleep(50)
  }
  return Math.min(...seen)
}

/** The most that was seen, in KiB. */
export const watchMemory = (look: () => number): { end: () => Promise<number> } => {
  let most = 0
  let isOver = false
  const running = (async () => {
    while (!isOver) {
      most = Math.max(most, look())
      await sleep(lookEveryMs)
    }
  })()
  return {
    end: async () => {
      isOver = true
      await running
      return most
    },
  }
}
