import { describe, expect, it } from 'vitest'
import { type LookFacts, placeOf, planNextLook } from './plan-next-look.ts'

const minute = 60_000
const plan = (facts: Partial<LookFacts> = {}) =>
  planNextLook({
    everyMs: 8 * minute,
    hasArrived: false,
    isPresent: false,
    hour: 12,
    loginDelayMs: null,
    removalMs: null,
    now: new Date(0),
    place: null,
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
    for (const place of [0, 0.5, 0.99]) expect(plan({ ...facts, place }).delayMs).toBe(15 * minute)
  })

  it('comes right after one that brought what is to go at the provider, but no sooner than the server allows', () => {
    const facts = { hasArrived: true, hour: 3, removalMs: 10_000, place: 0.5 }
    expect(plan(facts).delayMs).toBe(10_000)
    expect(plan({ ...facts, loginDelayMs: 15 * minute }).delayMs).toBe(15 * minute)
  })

  it.each([
    ['at once', () => 0],
    ['within half a minute, as after a restart', (n: number) => n * 30],
  ])('spreads a thousand accounts evenly that started %s, a tenth of the distance a look at most', (_, startOf) => {
    const everyMs = 5 * minute
    const dueAt = Array.from({ length: 1000 }, (_, n) => {
      let at = Date.UTC(2026, 10, 23) + startOf(n)
      for (let look = 0; look < 6; look++) {
        const { delayMs } = plan({ everyMs, now: new Date(at), place: placeOf(BigInt(4711 + n)) })
        expect(Math.abs(delayMs - everyMs)).toBeLessThanOrEqual(everyMs / 10)
        at += delayMs
      }
      return at % everyMs
    })
    const perSecond = Object.values(Object.groupBy(dueAt, (at) => Math.floor(at / 10_000))).map((due) => due?.length)
    // A thousand in three hundred seconds are 33 in ten.
    expect(perSecond).toHaveLength(30)
    for (const due of perSecond) expect(Math.abs((due ?? 0) - 1000 / 30)).toBeLessThan(3)
  })
})
