import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { markerOf } from './snippet.ts'

const shown = (text: string, words: string[]) =>
  markerOf(words).snippetOf(text).replaceAll('\ue000', '[').replaceAll('\ue001', ']')

describe('the piece of text beside a hit', () => {
  it('marks every found word, folded as the index folds, and words that go on', () => {
    expect(shown('Überprüfung,\r\n  uberprufung', ['uberprufung'])).toBe('[Überprüfung], [uberprufung]')
    expect(shown('Lighthouses and light', ['lighthouse'])).toBe('[Lighthouses] and light')
    expect(shown('a cat, at last', ['at'])).toBe('a cat, [at] last')
  })
  it('begins before the first hit and says where it is cut', () => {
    const text = `${'before '.repeat(60)}needle${' after'.repeat(60)}`
    expect(shown(text, ['needle'])).toMatch(/^…before before before \[needle\].{100,160}…$/)
    expect(shown('nothing here', ['needle'])).toBe('nothing here')
  })
  it('marks exactly the characters looked for where words have no spaces, however long the run', () => {
    expect(shown('東京都の天気', ['京都'])).toBe('東[京都]の天気')
    expect(shown('明日の会議はPostern会議室で', ['会議', 'postern'])).toBe('明日の[会議]は[Postern][会議]室で')
    expect(shown('東京都の天気', ['東京', '京都'])).toBe('[東京都]の天気')
    expect(shown(`${'あ'.repeat(500)}会議${'い'.repeat(500)}`, ['会議'])).toMatch(/^…あ{12}\[会議\]い{158}…$/)
    expect(shown('ｶﾞｰﾃﾞﾝ', ['ガー'])).toBe('[ｶﾞｰﾃﾞﾝ]')
  })
  it('cuts no character in two', () => {
    expect(shown(`${'🌻'.repeat(40)}x needle ${'🌻'.repeat(200)}`, ['needle'])).toMatch(/^…[🌻x ]+\[needle\][🌻 ]+…$/u)
  })
  it('closes every mark and lets no text forge one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.constantFrom('a', 'ab', '京都'), (text, word) => {
        const marks = markerOf([word])
          .snippetOf(`${text} \ue000${word}\ue001 ${text}`)
          .replace(/[^\ue000\ue001]/g, '')
        expect(marks).toMatch(/^(\ue000\ue001)*$/)
      }),
    )
  })
})
