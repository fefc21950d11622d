import { describe, expect, it } from 'vitest'
import { isSameName } from './switch-target.ts'

describe('the user name of the same mailbox', () => {
  it.each([
    ['ann', 'ANN', true],
    ['ann', 'ann@example.org', true],
    ['Ann@Example.org', 'ann', true],
    ['ann@example.org', 'ann@example.com', false],
    ['ann@example.org', 'recent:ann@example.org', true],
    ['ann', 'anna', false],
    ['ann@example.org', 'bob@example.org', false],
    ['@example.org', 'x@example.org', false],
  ])('%s and %s', (one, other, isSame) => {
    expect(isSameName(one, other)).toBe(isSame)
  })
})
