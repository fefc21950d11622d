import { describe, expect, it } from 'vitest'
import { shiftOf } from './use-steady-scroll.ts'

const rows = (...ids: string[]) => ids.map((threadId) => ({ threadId }) as Parameters<typeof shiftOf>[0][number]) // only ids matter here

describe('a list that is read somewhere in the middle', () => {
  it('follows its first visible row when others come or go above it', () => {
    expect(shiftOf(rows('new', 'a', 'b', 'c'), { threadId: 'b', index: 1 }, 50)).toBe(50)
    expect(shiftOf(rows('b', 'c'), { threadId: 'b', index: 1 }, 50)).toBe(-50)
  })
  it('stays where it is when nothing moved, or when that row is gone', () => {
    expect(shiftOf(rows('a', 'b'), { threadId: 'b', index: 1 }, 50)).toBe(0)
    expect(shiftOf(rows('a', 'c'), { threadId: 'b', index: 1 }, 50)).toBe(0)
    expect(shiftOf(rows('a'), null, 50)).toBe(0)
  })
})
