import type { ThreadRow } from '@postern/shared/messages.ts'
import { describe, expect, it } from 'vitest'
import { cursorIn, nowhere } from './use-cursor.ts'

const rows = (...ids: (string | undefined)[]) =>
  ids.map((threadId) => threadId && ({ threadId } as ThreadRow)) as ThreadRow[] // only the id is looked at

describe('the cursor of a list', () => {
  it('goes along with its conversation when others come or go above it', () => {
    expect(cursorIn(rows('a', 'b', 'c'), { index: 1, threadId: 'b' })).toBe(1)
    expect(cursorIn(rows('new', 'newer', 'a', 'b', 'c'), { index: 1, threadId: 'b' })).toBe(3)
    expect(cursorIn(rows('b', 'c'), { index: 1, threadId: 'b' })).toBe(0)
  })
  it('takes the place of a conversation that left, and the last one at the end', () => {
    expect(cursorIn(rows('a', 'c'), { index: 1, threadId: 'b' })).toBe(1)
    expect(cursorIn(rows('a', 'b'), { index: 2, threadId: 'c' })).toBe(1)
    expect(cursorIn([], { index: 2, threadId: 'c' })).toBe(nowhere)
  })
  it('is nowhere until somebody puts it on a conversation', () => {
    expect(cursorIn(rows('new', 'a'), { index: nowhere, threadId: null })).toBe(nowhere)
  })
})
