/**
 * Gives back what a burst left behind. V8 collects when a process allocates, and keeps the pages: one that rests after a
 * first sync or after connecting hundreds of accounts would hold twice what it needs for hours.
 */
const lookEveryMs = 5000
/** Resting: less than this share of a core since the last look. Nobody may be waiting for a list: collecting stops everything. */
const restingShare = 0.05
/** The kind of collection that returns pages stops the process for a tenth of a second: seldom, and for a good deal only. */
const atMostEveryMs = 60_000
const worthBytes = 32 * 1024 * 1024

/** Looks now and then; answers how to end that. Does nothing unless Node was started with --expose-gc. */
export const releaseMemoryAtRest = (): (() => void) => {
  const collect = globalThis.gc
  if (!collect) return () => undefined
  let before = process.cpuUsage()
  let collectedAt = Number.NEGATIVE_INFINITY
  let leftBytes = 0
  const timer = setInterval(() => {
    const spent = process.cpuUsage(before)
    before = process.cpuUsage()
    const isResting = spent.user + spent.system < restingShare * lookEveryMs * 1000
    const isDue = performance.now() - collectedAt > atMostEveryMs
    if (!isResting || !isDue || process.memoryUsage.rss() < leftBytes + worthBytes) return
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    collectedAt = performance.now()
    leftBytes = process.memoryUsage.rss()
  }, lookEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** What passes is collected so often; and what stayed by chance while it was, so often. */
const usual = { passedBytes: 512 * 1024, stayedBytes: 16 * 1024 * 1024 }

/**
 * For what is larger than it may be in memory and passes in pieces: told how much, it has the pieces that went before
 * collected. They lie outside the heap, and V8 would let dozens of megabytes of them gather, and then go through everything.
 */
export const forgetPassing = ({ passedBytes, stayedBytes } = usual): ((bytes: number) => void) => {
  let passed = 0
  let stayed = 0
  return (bytes) => {
    passed += bytes
    stayed += bytes
    if (stayed >= stayedBytes) {
      globalThis.gc?.({ type: 'major', execution: 'sync' })
      stayed = 0
      passed = 0
    } else if (passed >= passedBytes) {
      globalThis.gc?.({ type: 'minor', execution: 'sync' })
      passed = 0
    }
  }
}
