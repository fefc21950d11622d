import { signatureMark } from '@postern/shared/written-lines.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toFlowed } from './flowed-text.ts'

/** What `toFlowed` says, as a reader shows it. RFC 3676 4. */
const fromFlowed = (flowed: string): string => {
  const out: string[] = []
  let open: { quote: string; text: string } | null = null
  for (const line of flowed.split(/\r?\n/)) {
    const [, quote = '', rest = ''] = /^(>*)(.*)$/s.exec(line) ?? []
    const text = rest.startsWith(' ') ? rest.slice(1) : rest
    const before: string = open && open.quote === quote ? open.text : ''
    if (open && open.quote !== quote) out.push(shown(open.quote, open.text))
    const isOpen = text.endsWith(' ') && text !== signatureMark
    open = isOpen ? { quote, text: before + text } : null
    if (!isOpen) out.push(shown(quote, before + text))
  }
  if (open) out.push(shown(open.quote, open.text))
  return out.join('\n')
}

const shown = (quote: string, text: string): string => (quote === '' ? text : `${quote} ${text}`)

describe('flowed text', () => {
  const long = `${'word '.repeat(40)}end`

  it('breaks long lines after a space, and a reader puts them together again', () => {
    const flowed = toFlowed(long)
    expect(flowed.split('\r\n').length).toBeGreaterThan(2)
    for (const line of flowed.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76)
    for (const line of flowed.split('\r\n').slice(0, -1)) expect(line).toMatch(/ $/)
    expect(fromFlowed(flowed)).toBe(long)
  })

  it('keeps what a person broke, and the mark of a signature', () => {
    expect(toFlowed('one  \ntwo\r\nthree\rfour\n-- \nme')).toBe('one\r\ntwo\r\nthree\r\nfour\r\n-- \r\nme')
  })

  it('puts a space before what could be taken for something else', () => {
    expect(toFlowed(' indented\nFrom here\n\t>no quote')).toBe('  indented\r\n From here\r\n\t>no quote')
  })

  it('quotes every line of a quoted paragraph', () => {
    const flowed = toFlowed(`> > ${long}\n> ${long}\nmine`)
    const lines = flowed.split('\r\n')
    expect(lines.filter((line) => line.startsWith('>> ')).length).toBeGreaterThan(2)
    expect(fromFlowed(flowed)).toBe(`>> ${long}\n> ${long}\nmine`)
  })

  it('leaves a line whole that is quoted so deep that there is no room beside its marks', () => {
    for (const depth of [60, 74, 75, 76, 500, 100_000]) {
      const line = `${'>'.repeat(depth)} ${'ab '.repeat(50_000)}c`
      expect(toFlowed(line)).toBe(line)
    }
  })

  it('leaves a line without spaces whole', () => {
    const link = `https://example.org/${'a'.repeat(300)}`
    expect(toFlowed(`see ${link} there`).split('\r\n')).toEqual(['see ', `${link} `, 'there'])
  })

  it('gives every text back, but for spaces at the end of a line', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'bc', ' ', '\u00e9', '\u4e2d', '.', '-'), maxLength: 300 })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const text = lines.map((one) => one.trimEnd()).join('\n')
        expect(fromFlowed(toFlowed(text))).toBe(text)
      }),
    )
  })
})
