import { describe, expect, it } from 'vitest'
import { isMatch } from './palette-items.ts'

describe('the palette', () => {
  it('finds by the beginnings of words, in any order, without accents', () => {
    expect(isMatch('set acc', 'Account settings: robin@example.org')).toBe(true)
    expect(isMatch('ubersicht', 'Übersicht/März')).toBe(true)
    expect(isMatch('exam', 'Account settings: robin@example.org')).toBe(true)
    expect(isMatch('ettings', 'Account settings')).toBe(false)
    expect(isMatch('', 'anything')).toBe(true)
  })
})
