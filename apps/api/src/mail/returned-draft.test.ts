import { describe, expect, it } from 'vitest'
import type { OutgoingPart } from './compose-message.ts'
import { outgoingContent } from './outgoing-content.ts'
import type { Original } from './quote-original.ts'
import { readReturned, withoutPage } from './returned-draft.ts'

const newsletter =
  '<html><head><style>body{font:1px x}</style></head><body bgcolor=red><table><tr><td>Rye <b>&amp;</b>\r\n<a href="https://x/?a&amp;b">go</a><img src="cid:a@x"></table></body></html>'
const original: Original = {
  kind: 'reply',
  from: [{ name: 'Bob', address: 'bob@example.org' }],
  to: [],
  cc: [],
  subject: 'News',
  date: new Date('2026-03-01T23:30:00Z'),
  text: 'one two three four five six\n\n> seven',
  html: newsletter,
}
const copyOf = (html: string | null, text = '', about: Original = original) => {
  const pictures: OutgoingPart[] = []
  const more = { attachments: [], zoneMinutes: null, domain: 'example.org' }
  return outgoingContent({ html, text, original: { ...about, pictures }, ...more })
}
const back = ({ text, html }: { text: string; html: string | null }, about: Original = original) =>
  readReturned({ text, html })?.(about)?.own ?? null

describe('a copy in Drafts that comes back', () => {
  it.each(['reply', 'forward'] as const)('unchanged is what was written (%s)', (kind) => {
    const about = { ...original, kind }
    expect(back(copyOf('<p>Yes.</p><br>', '', about), about)).toEqual({ text: '', html: '<p>Yes.</p><br>' })
    expect(back(copyOf(null, 'Yes.', about), about)).toEqual({ text: 'Yes.', html: null })
  })

  it('written anew by another program is what was written there, as long as its quote reads the same', () => {
    const { html = '' } = copyOf('<p>Yes.</p>')
    const there = (html ?? '')
      .replace('<p>Yes.</p>', '<p>Yes, and <i>more</i>.</p>')
      .replace('<head>', '<head>\n  <meta name="generator" content="x">')
      .replace('<table><tr>', '<table>\n   <tbody><tr>')
      .replace('</table>', '</td></tr></tbody></table>')
      .replace('cid:a@x', 'cid:part1.x@example')
      .replace(/<blockquote type="cite" class="([^"]*)" style="[^"]*">/, '<blockquote\n class="$1" type="cite">')
      .replace('</body>', '<br></body>')
    expect(there).not.toContain('type="cite" class')
    expect(back({ text: '', html: there })).toEqual({ text: '', html: '<p>Yes, and <i>more</i>.</p>' })
    const above = (html ?? '').replace('<body>', '<body><p>Above</p>')
    expect(back({ text: '', html: above })?.html).toMatch(/^<p>Above<\/p><div .*<p>Yes\.<\/p><\/div><br>$/)
  })

  it.each([
    ['a word', 'Rye', 'Rye bread'],
    ['a mark', '<b>', '<u><b>'],
    ['where a link leads', 'https://x/', 'https://y/'],
    ['a picture', 'src="cid:a@x"', 'src="https://x/y.png"'],
    ['a line below it', '</body>', '<p>P.S.</p></body>'],
    ['a picture below it', '</body>', '<img src="cid:new@x"></body>'],
    ['whose mail it is', 'Bob', 'Eve'],
  ])('with %s changed is all there as it came', (_, was, is) => {
    const { html } = copyOf('<p>Yes.</p>')
    expect(back({ text: '', html: html?.replace(was, is) ?? null })).toBeNull()
  })

  it('as plain text may have its lines broken elsewhere, and no other words', () => {
    const there = copyOf(null, 'Yes.\n> and a quote of my own').text.replace('three four', 'three\n> four')
    expect(back({ text: there, html: null })).toEqual({ text: 'Yes.\n> and a quote of my own', html: null })
    expect(back({ text: there.replaceAll('\n', '\r\n'), html: null })?.text).toBe('Yes.\n> and a quote of my own')
    expect(back({ text: `${there}\nP.S.`, html: null })).toBeNull()
    expect(back({ text: there.replace('four', 'for'), html: null })).toBeNull()
  })

  it('made to take long, as it came, is not compared for long', () => {
    const { html } = copyOf('<p>Yes.</p>')
    const deep = `${'<div>'.repeat(120_000)}${'</b>'.repeat(60_000)}`
    // What is cut off within a tag takes the end of its element along.
    const lengthWith = (hostile: string) =>
      back({ text: '', html: html?.replace('<p>Yes.</p>', () => hostile) ?? null })?.html?.length
    expect([deep, '<body '.repeat(150_000), 'x'.repeat(1_000_001)].map(lengthWith)).toEqual([
      undefined,
      900_010,
      undefined,
    ])
    const { text } = copyOf(null, 'Yes.')
    const line = text.slice(text.indexOf('\n\n') + 2).split('\n')[0]
    expect(back({ text: `${`${line}\n`.repeat(15_000)}${text.slice(6)}P.S.`, html: null })).toBeNull()
    expect(back({ text: `${`${line}\n`.repeat(15_000)}${text.slice(6)}`, html: null })?.text).toMatch(/^On /)
  })

  it('without a quote is without its page', () => {
    const { html } = outgoingContent({
      text: '',
      html: '<p>x</p>',
      attachments: [],
      original: null,
      zoneMinutes: 0,
      domain: 'x',
    })
    expect([withoutPage(html ?? ''), withoutPage('<html><body>x')]).toEqual(['<p>x</p>', '<html><body>x'])
    expect(readReturned({ text: '> x\n', html })).toBeNull()
    expect(readReturned({ text: 'x', html: null })).toBeNull()
  })
})
