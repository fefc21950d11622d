import { expect, it } from 'vitest'
import { nextLook } from './next-look.ts'

it('the next look is told in seconds when it is soon', () => {
  const now = Date.parse('2026-11-26T01:53:10.000Z')
  expect(nextLook('2026-11-26T01:53:50.000Z', now)).toBe('Next look in 40 s.')
  expect(nextLook('2026-11-26T01:53:10.000Z', now)).toBe('Next look: now.')
  expect(nextLook('2026-11-26T01:58:10.000Z', now)).toMatch(/^Next look: .*58/)
})
