import { describe, expect, it } from 'vitest'
import { type LookFacts, planNextLook } from './plan-next-look.ts'

const minute = 60_000
const plan = (facts: Partial<LookFacts> = {}) =>
  planNextLook({
    everyMs: 8 * minute,
    hasArrived: false,
    isPresent: false,
    hour: 12,
    loginDelayMs: null,
    random: 0.5,
    ...facts,
  })

describe('the next look at a maildrop', () => {
  it('comes as chosen by day', () => {
    expect(plan()).toEqual({ delayMs: 8 * minute, reason: 'as chosen' })
  })

  it.each([
    [{ isPresent: true }, 4],
    [{ hasArrived: true }, 4],
    [{ isPresent: true, hasArrived: true }, 2],
    [{ hour: 3 }, 24],
    [{ hour: 3, isPresent: true }, 4],
  ])('with %o comes after %i minutes', (facts, minutes) => {
    expect(plan(facts).delayMs).toBe(minutes * minute)
  })

  it('comes no more than once a minute, unless the person wants that', () => {
    expect(plan({ everyMs: 2 * minute, isPresent: true, hasArrived: true }).delayMs).toBe(minute)
    expect(plan({ everyMs: 30_000 }).delayMs).toBe(30_000)
  })

  it('comes no sooner than the server allows, by chance neither', () => {
    const facts = { loginDelayMs: 15 * minute, isPresent: true }
    for (const random of [0, 0.5, 1]) expect(plan({ ...facts, random }).delayMs).toBe(15 * minute)
  })

  it('spreads a thousand accounts over a fifth of the distance', () => {
    const delays = Array.from({ length: 1000 }, (_, n) => plan({ random: n / 999 }).delayMs)
    expect([Math.min(...delays), Math.max(...delays)]).toEqual([7.2 * minute, 8.8 * minute])
  })
})
