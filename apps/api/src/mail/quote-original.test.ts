import { expect, it } from 'vitest'
import { htmlPage, type Original, quotedHtml, withQuotedText } from './quote-original.ts'

const original: Original = {
  kind: 'reply',
  from: [{ name: 'Bob <b>', address: 'bob@example.org' }],
  to: [{ name: '', address: 'ann@example.org' }],
  cc: [],
  subject: 'Tea & cake',
  date: new Date('2026-03-01T23:30:00Z'),
  text: 'one\r\n\r\n> two\r\n',
  html: null,
}

it('a reply quotes each line, by the clock of whoever writes', () => {
  expect(withQuotedText('Yes.\n', original, 60)).toBe(
    'Yes.\n\nOn 2 Mar 2026 at 00:30, Bob <b> wrote:\n> one\n>\n>> two',
  )
  expect(withQuotedText('', original, -300)).toBe('On 1 Mar 2026 at 18:30, Bob <b> wrote:\n> one\n>\n>> two')
})

it('a forwarded mail stands below its header', () => {
  expect(withQuotedText('Look.', { ...original, kind: 'forward' }, 0)).toBe(
    'Look.\n\n---------- Forwarded message ----------\nFrom: "Bob <b>" <bob@example.org>\nDate: 1 Mar 2026 at 23:30\nSubject: Tea & cake\nTo: ann@example.org\n\none\n\n> two',
  )
})

it('where nobody knows the clock of whoever writes, the date says by which it is', () => {
  expect(withQuotedText('', original, null)).toMatch(/^On 1 Mar 2026 at 23:30 UTC, Bob/)
})

it('HTML stands below its header as a part of the page, and its sheets are about nothing else', () => {
  const html = '<html><head><style>p{color:red}</style></head><body bgcolor=red><p>hi</div></blockquote>&nbsp\r\n'
  for (const kind of ['reply', 'forward'] as const) {
    const page = htmlPage('<p>x</p>', quotedHtml({ ...original, kind, html }, 0))
    const [, scope] = /<style>\.(postern-quote-\w+) p \{color:red\}<\/style>\s*<\/head>/.exec(page) ?? []
    const [above, quote] = page.split(` class="${scope}"`)
    expect(above).toContain('<div class="postern-written"><p>x</p></div>')
    expect(quote).toContain('><div style="background-color:red"><p>hi&nbsp\r\n</div></')
  }
})

it('text that is quoted as HTML stays text', () => {
  const { content } = quotedHtml({ ...original, text: '<script>&' }, 0)
  expect(content).toContain('&lt;script&gt;&amp;</pre>')
  expect(content).toContain('Bob &lt;b&gt; wrote:')
})
