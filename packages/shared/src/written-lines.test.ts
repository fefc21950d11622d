import { expect, it } from 'vitest'
import { htmlOfLines } from './written-lines.ts'

it('a line of text is a line of HTML, also an empty one, whatever stands in it', () => {
  expect(htmlOfLines('a  <b>\n\n"c" & d\r\ne')).toBe(
    '<div>a\u00a0\u00a0&lt;b&gt;</div><div><br></div><div>&quot;c&quot; &amp; d</div><div>e</div>',
  )
  // Context of a patch, and columns.
  expect(htmlOfLines(' a b\n\tc\td')).toBe(
    '<div>\u00a0a b</div><div>\u00a0\u00a0\u00a0\u00a0c\u00a0\u00a0\u00a0\u00a0d</div>',
  )
  expect(htmlOfLines('')).toBe('<div><br></div>')
})
