import { describe, expect, it } from 'vitest'
import { engineTiming } from './timing.ts'

describe('the waits of the engine', () => {
  it('add up to noticing a stalled peer within 90 s', () => {
    // The worst moment to stall is right after an IDLE began: its renewal then asks, and the answer is waited for.
    expect(engineTiming.idleRenewMs + engineTiming.silenceMs).toBeLessThanOrEqual(90_000)
  })

  it('are long enough for a server that takes its time over the end of a mail', () => {
    // RFC 5321 4.5.3.2.6.
    expect(engineTiming.submissionAnswerMs).toBeGreaterThanOrEqual(10 * 60_000)
  })

  it('show changes in any mailbox within a minute', () => {
    expect(engineTiming.treeEveryMs).toBeLessThanOrEqual(55_000)
  })

  it('try a maildrop that another program has once a minute at most', () => {
    expect(engineTiming.inUse.baseMs).toBeGreaterThanOrEqual(60_000)
  })
})
