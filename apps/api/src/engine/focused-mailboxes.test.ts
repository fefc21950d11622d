import { describe, expect, it } from 'vitest'
import { FocusedMailboxes } from './focused-mailboxes.ts'

describe('the mailboxes open on screens', () => {
  let now = 0
  const clock = { now: () => new Date(now), monotonicMs: () => now, sleep: async () => undefined }

  it('are all those of all screens, each once, in the order in which the screens came', () => {
    const open = new FocusedMailboxes(clock)
    expect(open.show('one', [1n])).toBe(true)
    expect(open.show('two', [2n])).toBe(true)
    expect(open.show('three', [1n])).toBe(false)
    expect(open.show('one', [3n])).toBe(true)
    expect(open.open()).toEqual([3n, 2n, 1n])
    expect(open.show('two', [])).toBe(true)
    expect(open.open()).toEqual([3n, 1n])
  })
  it('are forgotten when a screen says nothing any more', () => {
    const open = new FocusedMailboxes(clock)
    open.show('gone', [1n])
    open.show('here', [2n])
    now += 2 * 60_000
    expect(open.show('here', [2n])).toBe(false)
    now += 2 * 60_000
    expect(open.open()).toEqual([2n])
  })
})
