import { expect, it } from 'vitest'
import { writtenText } from './written-text.ts'

it('paragraphs stand apart, lines do not', () => {
  expect(writtenText('<p>Dear  Bob,</p><p>one<br>two</p><div>three</div><div>four</div>')).toBe(
    'Dear Bob,\n\none\ntwo\n\nthree\nfour',
  )
  expect(writtenText('<p>a</p><p><br></p><p>b</p>')).toBe('a\n\n\nb')
  expect(writtenText('a <b>b</b>, <i>c</i>d &amp; &lt;e&gt;')).toBe('a b, cd & <e>')
})

it('lists keep their marks, also within each other', () => {
  expect(
    writtenText(
      '<p>Bring:</p><ul><li>bread</li><li><p>salt</p><ol start="3"><li>fine</li><li>coarse</li></ol></li></ul><p>Bye</p>',
    ),
  ).toBe('Bring:\n\n- bread\n- salt\n  3. fine\n  4. coarse\n\nBye')
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
})

it('what is not shown is not told', () => {
  expect(writtenText('<head><style>p{}</style></head><p>a<img src="cid:x" alt="a cat"></p><script>x</script>')).toBe(
    'a[a cat]',
  )
  expect(writtenText('')).toBe('')
})

it('does not grow with its square where quotes and lists nest without end', () => {
  const nested = `${'<blockquote>a'.repeat(4000)}${'<ul><li>b'.repeat(4000)}`
  expect(writtenText(nested).length).toBeLessThan(20 * nested.length)
})
