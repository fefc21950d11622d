import { emptyLine, htmlOfLines } from '@postern/shared/written-lines.ts'
import { expect, it } from 'vitest'
import { writtenText } from './written-text.ts'

it('paragraphs stand apart, lines do not', () => {
  expect(writtenText('<p>Dear  Bob,</p><p>one<br>two</p><div>three</div><div>four</div>')).toBe(
    'Dear Bob,\n\none\ntwo\n\nthree\nfour',
  )
  expect(writtenText('<p>a</p><p><br></p><p>b</p>')).toBe('a\n\n\nb')
  expect(writtenText('a <b>b</b>, <i>c</i>d &amp; &lt;e&gt;')).toBe('a b, cd & <e>')
})

it('one Enter is one line break: what was typed is what the text says, and the text is what was typed', () => {
  for (const text of ['a\nb', 'a\n\nb', 'a\n\n\nb\nc  d < e', '\nb', ' a\n  b'])
    expect(writtenText(htmlOfLines(text))).toBe(text)
  expect(writtenText('<div>a</div><div>&nbsp;</div><div>&nbsp; b&nbsp; <b>c</b></div>')).toBe('a\n\n  b  c')
  expect(writtenText('<div>a<br>b<br><br></div><div>c<br></div>')).toBe('a\nb\n\nc')
  expect(writtenText('<div>a</div><p>apart</p><p>from it</p><div>b</div>')).toBe('a\n\napart\n\nfrom it\n\nb')
  expect(
    writtenText('<div>a</div><ul><li>b</li><li><br></li></ul><blockquote><div>c</div><div>d</div></blockquote>'),
  ).toBe('a\n\n- b\n\n\n> c\n> d')
})

it('lists keep their marks, also within each other', () => {
  expect(
    writtenText(
      '<p>Bring:</p><ul><li>bread</li><li><p>salt</p><ol start="3"><li>fine</li><li>coarse</li></ol></li></ul><p>Bye</p>',
    ),
  ).toBe('Bring:\n\n- bread\n- salt\n  3. fine\n  4. coarse\n\nBye')
})

it('the mark of an item that shows nothing is given to nothing else', () => {
  expect(writtenText('<ul><li>a</li><li></li></ul><p>text</p>')).toBe('- a\n\ntext')
  expect(writtenText('<ul><li>a</li><li><img src="cid:y"></li></ul><div>after</div>')).toBe('- a\n\nafter')
  expect(writtenText('<ol><li>a</li><li> </li></ol><div>x</div>')).toBe('1. a\n\nx')
  expect(writtenText('<ol><li>a</li><li><ul><li></li></ul></li><li>c</li></ol>')).toBe('1. a\n3. c')
})

it('tables are a line each row, with their cells apart', () => {
  expect(
    writtenText(
      '<p>So:</p><table><tbody><tr><th>Item</th><th><p>Qty</p></th><th>Price</th></tr><tr><td>Pears</td><td>3</td><td><p>1.50</p></td></tr><tr><td></td><td colspan="2"><p>two</p><p>lines</p></td></tr></tbody></table><p>Bye</p>',
    ),
  ).toBe('So:\n\nItem | Qty | Price\nPears | 3 | 1.50\n | two lines\n\nBye')
  expect(writtenText('<blockquote><table><td>a<td><b>b</b></table></blockquote>')).toBe('> a | b')
})

it('a table that only arranges is read as what is in it', () => {
  expect(
    writtenText('<table><tr><td><p>one</p><p>two</p><table><tr><td>3</td><td>4</td></tr></table></td></tr></table>end'),
  ).toBe('one\n\ntwo\n\n3 | 4\n\nend')
})

it('links say where they lead, once', () => {
  expect(writtenText('see <a href="https://example.org/a?b=1&amp;c=2">this page</a>.')).toBe(
    'see this page <https://example.org/a?b=1&c=2>.',
  )
  expect(
    writtenText('<a href="https://www.example.org/">example.org</a> <a href="mailto:a@example.org">a@example.org</a>'),
  ).toBe('example.org a@example.org')
})

it('quotes are behind their marks, as deep as they are', () => {
  expect(
    writtenText('<p>yes</p><blockquote><p>one</p><p>two</p><blockquote>three</blockquote></blockquote><p>no</p>'),
  ).toBe('yes\n\n> one\n>\n> two\n>\n>> three\n\nno')
})

it('a signature keeps its mark, preformatted text its spaces', () => {
  expect(writtenText('<p>hi</p><div>-- </div><div>Ann</div>')).toBe('hi\n\n-- \nAnn')
  expect(writtenText('<pre>a\n  b   c</pre>')).toBe('a\n  b   c')
})

it('the signature of an identity gets its mark, one that is empty none', () => {
  const signed = (signature: string) => writtenText(`<p>Hello</p><div data-signature="7">${signature}</div>`)
  expect(signed('<p>Robin</p><p>Moss Lane 7</p>')).toBe('Hello\n\n-- \nRobin\n\nMoss Lane 7')
  expect(signed('<p>-- </p><p>Robin</p>')).toBe('Hello\n\n-- \n\nRobin')
  expect(signed('<p></p>')).toBe('Hello')
  expect(writtenText(`<div>a</div>${emptyLine}<div data-signature="7"><div>b</div><div>c</div></div>`)).toBe(
    'a\n\n-- \nb\nc',
  )
})

it('what is not shown is not told', () => {
  expect(writtenText('<head><style>p{}</style></head><p>a<img src="cid:x" alt="a cat"></p><script>x</script>')).toBe(
    'a[a cat]',
  )
  expect(writtenText('')).toBe('')
})

it('does not grow with its square where quotes and lists nest without end', () => {
  expect(writtenText('<table><tr><td>a'.repeat(4000)).length).toBeLessThan(4000 * 20)
  const nested = `${'<blockquote>a'.repeat(4000)}${'<ul><li>b'.repeat(4000)}`
  expect(writtenText(nested).length).toBeLessThan(20 * nested.length)
})

it('a link over several lines says where it leads behind its last one', () => {
  expect(writtenText('before <a href="https://example.org/a">one<br>two</a>')).toBe(
    'before one\ntwo <https://example.org/a>',
  )
})

it('what nests deeper than anybody writes is read without its looks', () => {
  const nested = (depth: number) => writtenText(`${'<b>'.repeat(depth)}<a href="https://example.org/">x</a>`)
  expect(nested(500)).toBe('x <https://example.org/>')
  expect(nested(600)).toBe('x')
})

it('is read once, however large and deep it is', { timeout: 60_000 }, () => {
  const long = 300_000
  expect(writtenText(`${'<b>'.repeat(1_600_000)}x`)).toBe('x')
  expect(writtenText('<a href=u>x</a>'.repeat(long))).toHaveLength('x <u>'.length * long)
  expect(writtenText('<a href="https://u">u</a>'.repeat(long))).toHaveLength(long)
  expect(writtenText(`${'<a href=u><b>'.repeat(250)}${'x<i></i>'.repeat(long)}${'</b></a>'.repeat(250)}`)).toHaveLength(
    long + ' <u>'.length * 20,
  )
  expect(writtenText(`<pre>${'x&lt;'.repeat(long)}</pre>`)).toHaveLength(2 * long)
  for (const space of [' ', '\t', '&nbsp;', '\n'])
    expect(writtenText(`<table><tr><td><pre>${space.repeat(long)}x</pre></td><td>b</td></tr></table>`).trim()).toBe(
      'x | b',
    )
})
