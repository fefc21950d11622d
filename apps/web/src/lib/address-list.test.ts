import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAddress, parseMailto, parseRecipients, writeRecipient } from './address-list.ts'

const parsed = (text: string) =>
  parseRecipients(text).map(({ name, address }) => (name ? `${name}|${address}` : address))

describe('a list of addresses', () => {
  it('is taken apart at commas, semicolons and lines, whatever stands in names', () => {
    expect(
      parsed('Ada <ada@example.org>, bob@example.org; "Roe, Jane" <jane@example.org>\n<carl@example.org>'),
    ).toEqual(['Ada|ada@example.org', 'bob@example.org', 'Roe, Jane|jane@example.org', 'carl@example.org'])
    expect(parsed('"A \\"B\\" C" <a@example.org>,b@example.org (Bob; the builder)')).toEqual([
      'A "B" C|a@example.org',
      'Bob; the builder|b@example.org',
    ])
  })

  it('keeps a name with a comma together that came without quotes', () => {
    expect(parsed('Doe, John <john@example.org>; Roe, Jane <jane@example.org>')).toEqual([
      'Doe, John|john@example.org',
      'Roe, Jane|jane@example.org',
    ])
    expect(parsed('ada@example.org, John <john@example.org>')).toEqual(['ada@example.org', 'John|john@example.org'])
  })

  it('takes bare addresses beside each other, and leaves what is none as it was written', () => {
    expect(parsed('a@example.org b@example.org\tmailto:c@example.org')).toEqual([
      'a@example.org',
      'b@example.org',
      'c@example.org',
    ])
    expect(parsed('Somebody I know, <broken, x@')).toEqual(['Somebody I know', '<broken', 'x@'])
    expect(parsed('Ann <foo>, b@y.example and others')).toEqual(['Ann <foo>', 'b@y.example', 'and others'])
    expect(parsed(' ,;\n ')).toEqual([])
  })

  it('is quick for a long paste', () => {
    const many = Array.from({ length: 2000 }, (_, n) => `"Person, ${n}" <p${n}@example.org>`).join(', ')
    expect(parseRecipients(many)).toHaveLength(2000)
    for (const one of ['<', '"', '(a', '\\"" ', 'mailto:', 'a@', 'a:'])
      expect(
        parseRecipients(one.repeat(50_000))
          .map(({ address }) => address)
          .join('').length,
      ).toBeGreaterThan(50_000 - 1)
  })

  it('is read without anything between its people but the end of an address', () => {
    expect(parsed('Ann A <a@x.example> Bob <b@y.example>')).toEqual(['Ann A|a@x.example', 'Bob|b@y.example'])
    expect(parsed('Ann<a@x.example>Bob<b@y.example>c@z.example <d@z.example>')).toEqual([
      'Ann|a@x.example',
      'Bob|b@y.example',
      'c@z.example',
      'd@z.example',
    ])
    expect(parsed('Doe, Ann <a@x.example> (work) Roe, Bob <b@y.example>')).toEqual([
      'Doe, Ann (work)|a@x.example',
      'Roe, Bob|b@y.example',
    ])
  })

  it('is read in the notations of other programs', () => {
    for (const [written, ...read] of [
      ["'a@x.example'; 'Roe, Bob' <b@y.example>", 'a@x.example', 'Roe, Bob|b@y.example'],
      ['Ann a@x.example, "Bob R." b@y.example', 'Ann|a@x.example', 'Bob R.|b@y.example'],
      ['Ann Lee\ta@x.example\nBob\n <b@y.example>', 'Ann Lee|a@x.example', 'Bob|b@y.example'],
      ['a@x.example.', 'a@x.example'],
      ['Ann (a@x.example), "b@y.example"', 'Ann|a@x.example', 'b@y.example'],
      ['a@x.example <a@x.example>', 'a@x.example'],
      ['mailto:a@x.example?subject=hi <mailto:b%2Bc@y.example>', 'a@x.example', 'b+c@y.example'],
      ['Undisclosed: a@x.example, Bob <b@y.example>;c@z.example', 'a@x.example', 'Bob|b@y.example', 'c@z.example'],
      ['\u202aa\u200b@x.example\u202c\ufeff, \u200fBob <b\u200d@y.example>', 'a@x.example', 'Bob|b@y.example'],
      ['a@x.example\uff0cb@y.example\uff1bc@z.example', 'a@x.example', 'b@y.example', 'c@z.example'],
    ])
      expect([written, parsed(written ?? '')]).toEqual([written, read])
    expect(parsed('mailto:a@x.example?bcc=b@y.example')).toEqual(['mailto:a@x.example?bcc=b@y.example'])
  })

  it('keeps three hundred people whose line ends became spaces', () => {
    const ways = [
      (n: number) => `p${n}@x.example,`,
      (n: number) => `<p${n}@x.example>`,
      (n: number) => `Person ${n} <p${n}@x.example>`,
      (n: number) => `"Last, ${n}" <p${n}@x.example> ;`,
      (n: number) => `p${n}@x.example (Person ${n})`,
      (n: number) => `'p${n}@x.example'`,
      (n: number) => `mailto:p${n}@x.example`,
    ]
    const lines = Array.from({ length: 300 }, (_, n) => ways[n % ways.length]?.(n)).join(' ')
    expect(parseRecipients(lines).map(({ address }) => address)).toEqual(
      Array.from({ length: 300 }, (_, n) => `p${n}@x.example`),
    )
  })

  it('loses nothing that looks like an address, and makes nothing a draft would not take', () => {
    const piece = fc.oneof(
      fc.constantFrom(...'<>"\'(),;: \\@.\n\t', 'Ann', 'Bob Lee', 'mailto:', '?', '\u200b', '" <', '> ', "' ("),
      fc.stringMatching(/^[a-z]{1,3}@[a-z]{1,3}(\.[a-z]{2})?$/),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('')
        const read = parseRecipients(text)
        const chips = read.map(({ name, address }) => `${name} ${address}`).join('\n')
        const words = text.replaceAll('\u200b', '').match(/[a-z.]*[a-z]@[a-z]+(?:\.[a-z]+)*/g) ?? []
        expect(words.filter((word) => !chips.includes(word))).toEqual([])
        expect(read.every(({ name, address }) => Math.max(name.length, address.length) <= 400)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  it('is the same after it was copied', () => {
    const list = [
      { name: 'Roe, Jane "J"', address: 'jane@example.org' },
      { name: '', address: 'bob@example.org' },
      { name: 'Ada Lovelace', address: 'ada@example.org' },
    ]
    expect(parseRecipients(list.map(writeRecipient).join(', '))).toEqual(list)
  })
})

describe('an address', () => {
  it('is told from what is none', () => {
    for (const good of [
      'a@b',
      'a.b+c@example.org',
      'jörg@müller.example',
      '"a b"@example.org',
      'x@xn--bcher-kva.example',
    ])
      expect([good, isAddress(good)]).toEqual([good, true])
    for (const bad of [
      '',
      'a',
      '@b',
      'a@',
      'a b@c',
      'a@b c',
      'a@@b',
      'a..b@c',
      'a@-b.c',
      'a@b..c',
      'a@b\r\nc',
      'a@[127.0.0.1]',
    ])
      expect([bad, isAddress(bad)]).toEqual([bad, false])
  })
})

describe('a mailto: link', () => {
  it('fills the fields it names and no others', () => {
    expect(
      parseMailto(
        'mailto:a@example.org,b%40example.org?cc=c@example.org&subject=H%C3%A9llo%0D%0AX: y&body=One%0D%0Atwo&attach=/etc/passwd',
      ),
    ).toEqual({
      to: [
        { name: '', address: 'a@example.org' },
        { name: '', address: 'b@example.org' },
      ],
      cc: [{ name: '', address: 'c@example.org' }],
      bcc: [],
      subject: 'Héllo X: y',
      text: 'One\ntwo',
    })
    expect(parseMailto('https://example.org')).toBeNull()
    expect(parseMailto('mailto:%E0%A4%A')?.to).toEqual([{ name: '', address: '%E0%A4%A' }])
  })
})

it('a hostile list is taken apart as quickly as any other, and no field asks for more than its share', () => {
  const spaces = ' '.repeat(200_000)
  for (const text of [`a<${spaces}b`, `a${spaces}<b`, `x,<${'<@'.repeat(100_000)}`, `${'a@'.repeat(100_000)}(b`])
    expect(
      parseRecipients(text)
        .map(({ name, address }) => name + address)
        .join().length,
    ).toBeGreaterThan(3)
  const many = Array.from({ length: 90 }, (_, at) => `u${at}@x.example`).join()
  expect(parseMailto(`mailto:?to=${many}&to=${many}`)?.to).toHaveLength(100)
})
