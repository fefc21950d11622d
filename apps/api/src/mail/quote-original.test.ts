import { expect, it } from 'vitest'
import { type Original, withQuotedHtml, withQuotedText } from './quote-original.ts'

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
    'Look.\n\n---------- Forwarded message ----------\nFrom: Bob <b> <bob@example.org>\nDate: 1 Mar 2026 at 23:30\nSubject: Tea & cake\nTo: ann@example.org\n\none\n\n> two',
  )
})

it('HTML is quoted as it came, octet for octet, whatever it is', () => {
  const html = '<html><head><style>p{color:red}</style></head><body bgcolor=red><p>hi</div></blockquote>&nbsp\r\n'
  for (const kind of ['reply', 'forward'] as const)
    expect(withQuotedHtml('<p>x</p>', { ...original, kind, html }, 0).split(html).length).toBe(2)
})

it('text that is quoted as HTML stays text', () => {
  const html = withQuotedHtml('', { ...original, text: '<script>&' }, 0)
  expect(html).toContain('&lt;script&gt;&amp;</pre>')
  expect(html).toContain('Bob &lt;b&gt; wrote:')
})
