import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { snippetsOf } from './snippet.ts'

const shown = (text: string, words: string[]) =>
  snippetsOf(words)(text).replaceAll('\ue000', '[').replaceAll('\ue001', ']')

describe('the piece of text beside a hit', () => {
  it('marks every found word, folded as the index folds, and words that go on', () => {
    expect(shown('The Überprüfung of an\r\n  uberprufung', ['uberprufung'])).toBe(
      'The [Überprüfung] of an [uberprufung]',
    )
    expect(shown('Lighthouses and light', ['lighthouse'])).toBe('[Lighthouses] and light')
    expect(shown('a cat, at last', ['at'])).toBe('a cat, [at] last')
    expect(shown('東京都の天気', ['京都'])).toBe('[東京都の天気]')
  })
  it('begins before the first hit and says where it is cut', () => {
    const text = `${'before '.repeat(60)}needle${' after'.repeat(60)}`
    expect(shown(text, ['needle'])).toMatch(/^….{79,81}\[needle\].{100,160}…$/)
    expect(shown('nothing here', ['needle'])).toBe('nothing here')
  })
  it('closes every mark and lets no text forge one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.constantFrom('a', 'ab', '京都'), (text, word) => {
        const marks = snippetsOf([word])(`${text} \ue000${word}\ue001 ${text}`).replace(/[^\ue000\ue001]/g, '')
        expect(marks).toMatch(/^(\ue000\ue001)*$/)
      }),
    )
  })
})
