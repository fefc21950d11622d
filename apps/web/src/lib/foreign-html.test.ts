import { expect, it } from 'vitest'
import { isForeign } from './foreign-html.ts'

it('HTML with styles or headings is foreign, however long it goes on without an end', () => {
  for (const html of ['<p class="x" style="color:red">a', '<p title="a < b" style=x>', '<STYLE>', '<h2>a</h2>'])
    expect([html, isForeign(html)]).toEqual([html, true])
  for (const html of [
    '<p>a style="b"</p>',
    '<p data-style="x">',
    '<hr>',
    '<a '.repeat(200_000),
    '<!--<'.repeat(200_000),
  ])
    expect(isForeign(html)).toBe(false)
})
