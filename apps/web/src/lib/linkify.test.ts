import { describe, expect, it } from 'vitest'
import { linkify, safeHref, splitQuotes } from './linkify.ts'

const links = (text: string) => linkify(text).flatMap((piece) => (piece.kind === 'link' ? [piece.href] : []))

describe('links in a text', () => {
  it('are found without the punctuation around them', () => {
    expect(links('See https://a.example/x?y=1, (www.b.example) or c@d.example.')).toEqual([
      'https://a.example/x?y=1',
      'https://www.b.example',
      'mailto:c@d.example',
    ])
  })
  it('keep every character of the text', () => {
    for (const text of ['a https://x.example. b', '<https://x.example>', 'no links', 'x@y.example!'])
      expect(
        linkify(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text)
  })
  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://x',
    'smb://x',
    'blob:x',
    ' \tjavascript:x',
    'intent://x',
    'ms-msdt:x',
  ])('never lead to %s', (href) => {
    expect(safeHref(href)).toBeNull()
    expect(links(`click ${href} now`)).toEqual([])
  })
  it('are found once, however many marks stand in them', () => {
    const link = `https://x.example/${'.'.repeat(300_000)}a`
    expect(links(`${link}...`)).toEqual([link])
  })
  it('cannot hide their end behind direction marks', () => {
    expect(links('https://good.example/\u202eexample.evil//:sptth')).toEqual(['https://good.example/'])
  })
})

describe('quotes', () => {
  it('are told from what was written', () => {
    expect(splitQuotes('Yes.\n> Really?\n> Sure?\nBye').map(({ kind }) => kind)).toEqual(['own', 'quoted', 'own'])
  })
})
