import { describe, expect, it } from 'vitest'
import { type HoldFacts, planHold } from './plan-hold.ts'

const left: HoldFacts = {
  token: 'b',
  isMarked: true,
  mark: { token: 'b', next: null, isInPlace: true },
  isAtWork: false,
}
const kindOf = (parts: Partial<HoldFacts>) => planHold({ ...left, ...parts }).kind
const between = (token: string | null) => ({ token, next: 'c', isInPlace: true })

describe('removals at the provider', () => {
  it('go on with the database as it was left, and with a new one', () => {
    expect(kindOf({})).toBe('go')
    expect(kindOf({ token: null, isMarked: false, mark: null })).toBe('go')
  })

  it('go on after an end between the two writes, whichever of them the database saw', () => {
    expect(kindOf({ token: 'b', mark: between('b') })).toBe('go')
    expect(kindOf({ token: 'c', mark: between('b') })).toBe('go')
    expect(kindOf({ token: null, isMarked: false, mark: between(null) })).toBe('go')
  })

  it('are held when the database is older than what lies beside the key, even while an engine is at work', () => {
    expect(kindOf({ token: 'a' })).toBe('hold')
    expect(kindOf({ token: 'a', mark: between('b') })).toBe('hold')
    expect(kindOf({ token: null, mark: { token: 'b', next: null, isInPlace: true } })).toBe('hold')
    expect(kindOf({ token: 'a', isAtWork: true })).toBe('hold')
  })

  it('are held in a database that was copied, with what lies beside the key or without', () => {
    expect(kindOf({ mark: { token: 'b', next: null, isInPlace: false } })).toBe('hold')
    expect(kindOf({ mark: null, token: null })).toBe('hold')
  })

  it('go on at a further machine of an installation that is at work', () => {
    expect(kindOf({ mark: null, token: null, isAtWork: true })).toBe('go')
    expect(kindOf({ mark: { token: 'b', next: null, isInPlace: false }, isAtWork: true })).toBe('go')
  })
})
