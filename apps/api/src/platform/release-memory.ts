import { getHeapStatistics } from 'node:v8'

/**
 * Gives back what a burst left behind. V8 collects when a process allocates; one that rests after a first sync or after
 * connecting hundreds of accounts would hold that garbage for hours: 66 of 162 MiB with 200 accounts.
 */
const lookEveryMs = 5000
/** Garbage below this is not worth a collection; measured from what the last one left. */
const worthBytes = 8 * 1024 * 1024
/** Resting: less than this share of a core since the last look. */
const restingShare = 0.1

/** Looks now and then; answers how to end that. Does nothing unless Node was started with --expose-gc. */
export const releaseMemoryAtRest = (): (() => void) => {
  const collect = globalThis.gc
  if (!collect) return () => undefined
  let before = process.cpuUsage()
  let leftBytes = 0
  let isCollecting = false
  const timer = setInterval(() => {
    const spent = process.cpuUsage(before)
    before = process.cpuUsage()
    const isResting = spent.user + spent.system < restingShare * lookEveryMs * 1000
    if (isCollecting || !isResting || getHeapStatistics().used_heap_size < leftBytes + worthBytes) return
    isCollecting = true
    collect({ execution: 'async', type: 'major' })
      .catch(() => undefined)
      .finally(() => {
        isCollecting = false
        leftBytes = getHeapStatistics().used_heap_size
      })
  }, lookEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}
